"""Measuring a trained recipe: figures that follow from what the models do."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from export import evaluate, pack, verify
from export.corpora import licence
from export.data import dataset
from export.graphs import tracing
from export.graphs.parity import REPORT
from export.metrics import joints
from export.recipe import Recipe
from export.training import adapters, stages
from models import flow
from models.tokenizers.vermo import FlowVQConfig
from motion import clip as clips
from motion import features
from motion.bundles import bundle
from motion.bundles.bundle import Bundle
from motion.errors import BadBundle, BadConfig, BadFile, MissingPart


def test_reconstruction_measures_the_decoder_and_each_number_of_steps_on_unmirrored_test_clips(trained: Recipe) -> None:
    figures = evaluate.reconstruction(trained, "test", (1,))
    assert figures["clips"] == 4
    rows = figures["rows"]
    assert isinstance(rows, dict)
    plain, shipped, held, one_step = rows.values()
    assert next(iter(rows)) == "plain decoder"
    assert [("shipped" in label, "held" in label, "1 step from noise" in label) for label in rows] == [
        (False, False, False), (True, False, False), (True, True, False), (False, False, True),
    ]  # fmt: skip
    assert plain != shipped != held != one_step
    tokenizer = stages.trained(trained)
    errors: list[float] = []
    for entry in dataset.load(trained.data, "test", trained.corpora, mirrored=False).entries:
        real = np.array(dataset.load(trained.data, "test").clip(entry))
        with torch.inference_mode():
            ours = tokenizer.decode(tokenizer.encode(torch.from_numpy(real)[None]))[0].numpy()
        errors.append(joints.mpjpe(*(clips.positions(features.decode(frames)) for frames in (ours, real))))
    assert plain["mpjpe_m"] == pytest.approx(np.mean(errors), rel=1e-5)
    for row in rows.values():
        assert row["pa_mpjpe_m"] < row["mpjpe_m"]
        assert row["jitter_of_source_m_s3"] == plain["jitter_of_source_m_s3"]


def test_the_decoder_draws_its_noise_from_the_seed(trained: Recipe) -> None:
    tokenizer = stages.trained(trained)
    torch.nn.init.normal_(tokenizer.refiner.leave.weight, std=0.05)
    codes = torch.randint(0, 4375, (10,), generator=torch.Generator().manual_seed(0))
    one, same, other = (evaluate.decoder(tokenizer, 2, seed)(codes) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert np.abs(one - other).max() > 1e-3
    calm, as_calm = (evaluate.decoder(tokenizer, 2, seed, noise=0.0)(codes) for seed in (1, 2))
    np.testing.assert_array_equal(calm, as_calm)
    plain = evaluate.decoder(tokenizer, 0)(codes)
    np.testing.assert_array_equal(plain, tokenizer.decode(codes[None])[0].detach().numpy())


@pytest.fixture(scope="module")
def exact(trained: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    """The trained recipe with weights that half precision holds, so that no code can tip over."""
    run = tmp_path_factory.mktemp("exact")
    weights = load_file(trained.run / "tokenizer.safetensors")
    rounded = {name: value if name in ("mean", "std") else value.half().float() for name, value in weights.items()}
    save_file(rounded, run / "tokenizer.safetensors")
    return replace(trained, run=run)


@pytest.fixture(scope="module")
def graphs(exact: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("graphs")
    tracing.export(stages.trained(exact), folder)
    return folder


def test_graphs_of_the_trained_tokenizer_are_verified(exact: Recipe, graphs: Path) -> None:
    report = verify.verify(exact, graphs, clips=3)
    assert report["passed"], report
    assert set(report["tokenizer"]) >= {"torch float32", "onnxruntime", "onnxruntime, float16"}
    for name, most in (("torch float32", 1e-5), ("onnxruntime", 1e-5), ("onnxruntime, float16", 2e-2)):
        row = report["tokenizer"][name]
        assert set(row["relative_error"]) == {"decoder.onnx", "refiner.onnx"}
        assert 0 < max(row["relative_error"].values()) < most, name
        assert row["passed"], name
    assert report["tokenizer"]["onnxruntime"]["codes_equal"] >= 0.99
    assert max(report["tokenizer"]["onnxruntime"]["worst_joint_error_m"].values()) < 1e-4
    assert set(report["files"]) == {"encoder.onnx", "decoder.onnx", "refiner.onnx"}
    assert (report["clips"], report["refiner_steps"]) == (3, 2)
    json.dumps(report)


def test_graphs_of_another_tokenizer_are_not(exact: Recipe, graphs: Path, tmp_path: Path) -> None:
    weights = load_file(exact.run / "tokenizer.safetensors")
    generator = torch.Generator().manual_seed(0)
    name = "decoder.0.weight"
    weights[name] = torch.randn(weights[name].shape, generator=generator) * weights[name].std()
    save_file(weights, tmp_path / "tokenizer.safetensors")
    report = verify.verify(replace(exact, run=tmp_path), graphs, clips=3)
    assert not report["passed"]
    row = report["tokenizer"]["onnxruntime"]
    assert row["worst_joint_error_m"]["decoder.onnx"] > 0.001
    assert row["relative_error"]["decoder.onnx"] > 1e-2
    assert report["tokenizer"]["torch float32"]["passed"], "it is the graphs that differ"


def test_missing_weights_and_graphs_are_named(exact: Recipe, graphs: Path, tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=r"tokenizer\.safetensors: is not there"):
        verify.verify(replace(exact, run=tmp_path), graphs)
    with pytest.raises(BadFile, match=r"encoder\.onnx: is not there; run python -m export\.to_onnx"):
        verify.verify(exact, tmp_path)


# Packing


@pytest.fixture(scope="module")
def ready(exact: Recipe, graphs: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Recipe, Path]:
    """A recipe and a folder of graphs of which everything is there."""
    folder, run = tmp_path_factory.mktemp("verified"), tmp_path_factory.mktemp("run")
    for path in (*graphs.iterdir(), *exact.run.iterdir()):
        (folder if path.suffix == ".onnx" else run).joinpath(path.name).write_bytes(path.read_bytes())
    for name in adapters.weights(exact):
        save_file({"weight": torch.ones(2, 2)}, run / name)
    (folder / REPORT).write_text(json.dumps(verify.verify(exact, graphs, clips=1)))
    return replace(exact, run=run), folder


def _packed(ready: tuple[Recipe, Path], out: Path) -> Bundle:
    try:
        return pack.pack(*ready, out, {"latency": {"first_frame_s": 0.5}}, "python -m export.pack")
    except MissingPart as missing:
        pytest.skip(str(missing))


def test_what_is_packed_is_a_bundle_with_everything_the_service_needs(
    ready: tuple[Recipe, Path], tmp_path: Path
) -> None:
    _packed(ready, tmp_path / "bundle")
    found = bundle.load(tmp_path / "bundle")
    facts = found.manifest
    assert set(facts.files) == {
        "encoder.onnx", "decoder.onnx", "refiner.onnx", "adapter.safetensors", "embeddings.safetensors",
        "multi-token.safetensors",
    }  # fmt: skip
    assert (facts.name, facts.licence, facts.motion.layout, facts.fps) == ("studio", "CC0-1.0", features.NAME, 30.0)
    assert (facts.motion.codes, facts.motion.frames_per_token, facts.motion.refiner_steps) == (4375, 4, 2)
    assert facts.motion.context >= 11, "what the decoder sees to the left"
    assert {task.name for task in facts.tasks} == {*ready[0].tasks, "conversation"}
    assert facts.motion.levels == (7, 5, 5, 5, 5)
    assert facts.language is not None
    assert (facts.language.adapter.rank, facts.language.adapter.alpha) == (2, 4.0)
    assert facts.metrics["latency"] == {"first_frame_s": 0.5}
    assert {corpus.name for corpus in facts.data} == {"misc", "cc0"}


def test_packing_again_replaces_the_bundle_and_touches_nothing_that_is_none(
    ready: tuple[Recipe, Path], tmp_path: Path
) -> None:
    out = tmp_path / "bundle"
    _packed(ready, out)
    (out / "old.onnx").write_bytes(b"of a pack before")
    _packed(ready, out)
    assert not (out / "old.onnx").exists()
    with pytest.raises(BadConfig, match="got None"):
        pack.pack(*ready, out, {"speed": None}, "")
    assert bundle.load(out).manifest.metrics["latency"] == {"first_frame_s": 0.5}, "the bundle before is still whole"
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]
    home = tmp_path / "home"
    home.mkdir()
    (home / "letter.txt").write_text("precious")
    with pytest.raises(BadBundle, match="holds files and no bundle"):
        pack.pack(*ready, home, {}, "")
    assert (home / "letter.txt").read_text() == "precious"


@pytest.mark.parametrize("fault", ["not verified", "not passed", "altered", "not trained"])
def test_what_is_not_ready_is_not_packed(ready: tuple[Recipe, Path], tmp_path: Path, fault: str) -> None:
    folder = tmp_path / "graphs"
    folder.mkdir()
    for path in ready[1].iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    recipe = ready[0]
    words = "did not pass verification; run python -m export.verify"
    if fault == "not verified":
        (folder / REPORT).unlink()
        words = "run python -m export.verify first"
    elif fault == "not passed":
        report = json.loads((folder / REPORT).read_text())
        (folder / REPORT).write_text(json.dumps({**report, "passed": False}))
    elif fault == "altered":
        (folder / "decoder.onnx").write_bytes(b"other")
        words = r"decoder\.onnx did not pass"
    else:
        recipe = replace(recipe, run=tmp_path)
        words = r"adapter\.safetensors is missing; run python -m export\.train_llm"
    with pytest.raises(BadBundle, match=words):
        pack.pack(recipe, folder, tmp_path / "out", {}, "")
    assert not (tmp_path / "out").exists()


def test_without_a_recipe_all_base_tokenizers_that_are_trained_are_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    assert [path.stem for path in evaluate.base_recipes()] == ["vermo-base"], "whose absence is then told"
    for kind in ("unimo", "vermo"):
        (tmp_path / "runs" / f"{kind}-base").mkdir(parents=True)
        (tmp_path / "runs" / f"{kind}-base" / "tokenizer.safetensors").touch()
    with caplog.at_level("WARNING"):
        assert [path.stem for path in evaluate.base_recipes()] == ["vermo-base", "unimo-base"]
    assert "hmvlm-base, unimotion-base, superman-base" in caplog.text


def test_weights_carry_the_licence_of_the_strictest_corpus() -> None:
    assert licence.strictest({"MIT", "CC-BY-NC-4.0", "CMU"}) == "CC-BY-NC-4.0"
    assert licence.strictest({"MIT", "CC0-1.0"}) == "MIT"
    with pytest.raises(BadBundle, match="under 'secret'"):
        licence.strictest({"MIT", "secret"})


def test_sampling_levels_are_those_of_the_recipes_steps(trained: Recipe) -> None:
    assert isinstance(trained.tokenizer, FlowVQConfig)
    assert len(flow.sampling_sigmas(trained.tokenizer.refiner_steps)) == trained.tokenizer.refiner_steps + 1
