"""Tokenizers of every kind from a recipe to a bundle that codes clips: trained for a few steps, exported, verified,
packed, loaded, and run on clips of any rig and length."""

from __future__ import annotations

import json
import shutil
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from safetensors.torch import save_file

from export import pack, recipe, verify
from export.data import dataset
from export.data.relaid import relaid
from export.graphs import tracing
from export.graphs.parity import REPORT
from export.metrics import joints
from export.recipe import Recipe
from export.training import stages
from models.tokenizers.contract import served
from motion import clip as clips
from motion import features
from motion.bundles.bundle import Bundle
from motion.errors import BadBundle, BadFile
from motion.io import bvh
from motion.retargeting.retarget import retarget
from motion.skeleton import SMPLX22
from runtime.generation.coder import OVERLAP, WINDOW, Coder
from runtime.generation.loading import open_pipeline
from tests.models.tokenizers import samples
from tests.motion.clips import stroll
from tests.runtime.generation.test_loading import START
from tools import convert

pytestmark = pytest.mark.slow
KINDS = ("hmvlm", "hmvlm-pose", "superman", "unimo", "unimotion", "vermo of positions in residual books")
CHANGES = {
    "positions in residual books": {"tokenizer": {"features": "pos", "quantizer": "rvq", "levels": [64], "books": 3}}
}
"""VerMo's own layout and codes, tests/export/test_to_onnx.py exports"""


@dataclass(frozen=True)
class Packed:
    """A tokenizer from its weights to its bundle."""

    recipe: Recipe
    tokenizer: Any
    graphs: Path
    report: dict[str, Any]
    bundle: Bundle


@pytest.fixture(scope="module", params=KINDS)
def packed(request: pytest.FixtureRequest, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Packed:
    folder = tmp_path_factory.mktemp(request.param)
    kind, _, changed = request.param.partition(" of ")
    loaded = recipe.load(samples.FOLDER / f"{kind}-tiny.toml", CHANGES.get(changed))
    short = replace(loaded.tokenizer_training, steps=25, batch=256, precision="no", log_every=25, save_every=25)
    made = replace(
        loaded, data=data, run=folder, tokenizer_training=short,
        refiner_training=replace(short, steps=1) if loaded.refiner_training else None,
    )  # fmt: skip
    stages.train(made)
    graphs = folder / "onnx"
    tracing.export(stages.trained(made), graphs)
    report = verify.verify(made, graphs, 3)
    (graphs / REPORT).write_text(json.dumps(report), encoding="utf-8")
    out = pack.pack(made, graphs, folder / "bundle", {}, "a test")
    return Packed(made, stages.trained(made), graphs, report, out)


def test_graphs_that_compute_what_was_trained_pass(packed: Packed) -> None:
    row = packed.report["tokenizer"]["onnxruntime"]
    assert packed.report["passed"], packed.report
    assert packed.report["clips"] == 3
    assert row["codes_equal"] > 0.99
    assert row["relative_error"]["decoder.onnx"] < 1e-4


@torch.inference_mode()
def test_graphs_take_batches_of_any_length(packed: Packed) -> None:
    """Of one, as `verify` gives them, they compute what torch does; so they do of four, each as by itself."""
    made = packed.tokenizer.eval()
    frames = samples.frames(made.features)[:, :12]
    encoder, decoder = (
        onnxruntime.InferenceSession(packed.graphs / f"{name}.onnx", providers=["CPUExecutionProvider"])
        for name in ("encoder", "decoder")
    )
    codes = np.asarray(encoder.run(None, {"features": frames.numpy()})[0])
    alone = [np.asarray(encoder.run(None, {"features": one[None].numpy()})[0])[0] for one in frames]
    wanted = made.encode(frames).numpy()
    if made.config.codes:
        assert np.mean(codes == np.stack(alone)) > 0.99
        assert np.mean(codes == wanted) > 0.9, "weights are held in half precision"
    else:
        np.testing.assert_allclose(codes, np.stack(alone), atol=1e-4 * float(np.abs(wanted).max()))
        np.testing.assert_allclose(codes, wanted, atol=2e-2 * float(np.abs(wanted).max()))
    back = made.decode(torch.from_numpy(codes)).numpy()
    (ours,) = decoder.run(None, {"codes": codes})
    np.testing.assert_allclose(np.asarray(ours), back, atol=2e-2 * float(np.abs(back).max()))


def test_graphs_of_other_weights_do_not_pass(packed: Packed, tmp_path: Path) -> None:
    graphs, other = Path(shutil.copytree(packed.graphs, tmp_path / "onnx")), tmp_path / "run"
    torch.manual_seed(9)
    other.mkdir()
    save_file(stages.made(packed.recipe).state_dict(), other / "tokenizer.safetensors")
    report = verify.verify(replace(packed.recipe, run=other), graphs, 2)
    assert not report["passed"]
    (graphs / REPORT).write_text(json.dumps(report), encoding="utf-8")
    with pytest.raises(BadBundle, match="did not pass"):
        pack.pack(packed.recipe, graphs, tmp_path / "bundle", {}, "a test")


def test_a_bundle_says_what_it_codes_and_that_it_does_no_task(packed: Packed) -> None:
    manifest = packed.bundle.manifest
    assert manifest.motion.layout == packed.tokenizer.features
    assert manifest.tasks == ()
    assert manifest.motion.codes == packed.recipe.tokenizer.codes
    assert manifest.language is None
    assert manifest.licence == "CC0-1.0"
    told = {*vars(manifest.motion.files).values(), *(engine.file for engine in manifest.engines)}
    assert set(manifest.files) == told - {None}
    assert manifest.skeleton.joints == features.find(manifest.motion.layout).skeleton.joints
    assert set(manifest.files) == {f"{graph.name}.onnx" for graph in packed.tokenizer.graphs() if not graph.optional}
    with ExitStack() as stack, pytest.raises(BadBundle, match=r"tools\.convert IN OUT --through"):
        open_pipeline(replace(START, models={"bundle": str(packed.bundle.folder)}), stack)


@torch.inference_mode()
def test_the_runtime_codes_as_the_tokenizer_does(packed: Packed) -> None:
    data = relaid(dataset.load(packed.recipe.data, "test"), packed.tokenizer.features)
    frames = np.array(data.clip(data.entries[0]))
    with Coder(packed.bundle) as coder:
        frames = frames[: len(frames) // coder.unit * coder.unit]
        ours, theirs = coder.encode(frames), packed.tokenizer.encode(torch.from_numpy(frames)[None])[0]
        if theirs.is_floating_point():
            np.testing.assert_allclose(ours, theirs.numpy(), atol=0.02 * float(theirs.abs().max()))
        else:
            assert (ours == theirs.numpy()).mean() > 0.9, "weights are held in half precision"
        back, wanted = coder.decode(theirs.numpy()), served(packed.tokenizer, theirs[None])[0].numpy()
        assert back.shape == frames.shape
        spread = frames.std(axis=0).max()
        assert np.abs(back - wanted).max() < 0.05 * spread
        odd = frames[: coder.unit * 5 + coder.unit // 2]
        assert coder.frames(odd).shape == odd.shape


def test_a_long_clip_goes_through_in_windows_that_keep_their_middles(packed: Packed) -> None:
    data = relaid(dataset.load(packed.recipe.data, "train"), packed.tokenizer.features)
    one = max((np.array(data.clip(entry)) for entry in data.entries), key=len)
    if packed.tokenizer.features == "smplx":
        one[0, -3:] = 0  # steps alone, so that it may be repeated
    long = np.concatenate([one] * (2 * WINDOW // len(one) + 1))
    with Coder(packed.bundle) as coder:
        made = coder.frames(long)
        assert made.shape == long.shape
        assert np.isfinite(made).all()
        near = long[: WINDOW // coder.unit * coder.unit]
        alone = coder.frames(near)
    kept = WINDOW - 3 * OVERLAP
    apart = np.abs(made[:kept] - alone[:kept]).max(axis=1)
    assert np.median(apart) < 0.1 * long.std(axis=0).max()


def test_any_clip_is_converted_through_a_bundle(packed: Packed, tmp_path: Path) -> None:
    source = stroll()
    bvh.write(source, tmp_path / "walk.bvh")
    words = [str(tmp_path / "walk.bvh"), str(tmp_path / "out.npz"), "--through", str(packed.bundle.folder)]
    assert convert.main(words) == 0
    made = clips.load(tmp_path / "out.npz")
    assert abs(made.seconds - source.seconds) < 2 / made.fps
    assert made.fps == packed.bundle.manifest.fps
    names = {17: "h36m17", 22: SMPLX22.name}
    assert names[len(made.skeleton)] == made.skeleton.name
    assert np.isfinite(clips.positions(made)).all()
    if packed.recipe.name.startswith("hmvlm"):  # 25 steps of training tell that a body is about a body's size
        height = np.ptp(clips.positions(made)[..., 1], axis=1)
        assert 0.8 < np.median(height) < 2.2


def test_what_is_not_there_is_a_sentence(packed: Packed, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(BadFile, match=r"run python -m export\.to_onnx"):
        verify.verify(packed.recipe, tmp_path, 1)
    bvh.write(stroll(), tmp_path / "walk.bvh")
    assert convert.main([str(tmp_path / "walk.bvh"), str(tmp_path / "o.npz"), "--through", "nowhere"]) == 2
    assert "there is no bundle 'nowhere'" in capsys.readouterr().err


def test_the_shipped_bundle_codes_clips_too(tmp_path: Path) -> None:
    recorded = Path(__file__).parents[2] / "fixtures" / "cmu-16_15.npz"
    assert convert.main([str(recorded), str(tmp_path / "out.npz"), "--through", "base"]) == 0
    made, source = clips.load(tmp_path / "out.npz"), clips.resample(retarget(clips.load(recorded)), 30.0)
    count = min(len(made), len(source))
    ours, theirs = clips.positions(made)[:count], clips.positions(source)[:count]
    assert count > 60
    assert joints.pa_mpjpe(ours, theirs) < 0.05
    assert np.linalg.norm(ours[0, 0, [0, 2]] - theirs[0, 0, [0, 2]]) < 0.05, "it begins where the clip began"
