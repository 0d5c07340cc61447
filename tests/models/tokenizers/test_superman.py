"""Superman's tokenizer: one book for skeletons and looks, attention that can look aside, tokens as text."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from torch.nn import functional as F

from export.graphs import tracing
from models.tokenizers import superman
from models.tokenizers.contract import Batch, Views
from models.tokenizers.superman import VisionGuided, VisionGuidedConfig, VisualSkeletonAttention
from motion.errors import BadConfig
from motion.features.h36m17 import SKELETON
from tests.models.tokenizers import samples

SMALL = VisionGuidedConfig(width=12, codes=48, heads=2, points=2)


def made(config: VisionGuidedConfig = SMALL) -> VisionGuided:
    return samples.made(config, "superman").eval()


def _views(tokenizer: VisionGuided, shown: int = 4, length: int = 8) -> Views:
    found = samples.views(tokenizer, samples.frames("h36m17", length), shown)
    assert found is not None
    return found


def test_the_grid_holds_x_y_and_depth_of_each_joint() -> None:
    tokenizer = made()
    frames = samples.frames("h36m17", 8)
    grid = tokenizer.grid(frames)
    assert grid.shape == (4, 3, 8, 17)
    scaled = tokenizer.scale(frames)
    torch.testing.assert_close(grid[1, :, 3, 5], scaled[1, 3, [10, 11, 34 + 5]])
    torch.testing.assert_close(tokenizer.flat(grid), frames, atol=1e-2, rtol=1e-4)


@torch.inference_mode()
def test_the_code_is_nearest_in_the_sum_of_both_distances() -> None:
    tokenizer = made()
    frames = samples.frames("h36m17", 8)
    views = _views(tokenizer)
    both = tokenizer.latents(frames, views)
    tokenizer.book.inner.codebook.copy_(both.flatten(0, 2)[:: both[..., 0].numel() // 48][:48] + 0.01)
    book = tokenizer.book.inner.codebook.numpy()
    z = both.numpy()
    skeleton = np.square(z[..., None, :12] - book[:, :12]).sum(-1)
    visual = np.square(z[..., None, 12:] - book[:, 12:]).sum(-1)
    np.testing.assert_array_equal(tokenizer.encode(frames, views).numpy(), (skeleton + visual).argmin(-1))
    np.testing.assert_array_equal(tokenizer.encode(frames).numpy(), skeleton.argmin(-1))
    assert not np.array_equal(skeleton.argmin(-1), (skeleton + visual).argmin(-1)), "pictures count"


@torch.inference_mode()
def test_the_decoder_sees_the_skeletons_half_alone() -> None:
    tokenizer = made()
    codes = torch.randint(0, 48, (1, 4, 17))
    before = tokenizer.decode(codes)
    tokenizer.book.inner.codebook[:, 12:] += 5.0
    assert torch.equal(tokenizer.decode(codes), before)
    tokenizer.book.inner.codebook[:, :12] += 5.0
    assert not torch.equal(tokenizer.decode(codes), before)


def test_the_loss_is_equation_three_with_each_modalitys_weight() -> None:
    tokenizer = made(dataclasses.replace(SMALL, beta_skeleton=0.3, beta_visual=0.7))
    frames = samples.frames("h36m17", 8)
    views = _views(tokenizer)
    terms = {n: float(v.detach()) for n, v in tokenizer.losses(Batch(frames, views), "autoencoder").items()}
    with torch.no_grad():
        z = tokenizer.latents(frames, views).numpy()
        codes = tokenizer.encode(frames, views)
        chosen = tokenizer.book.lookup(codes).numpy()
        output = tokenizer.reconstruct(tokenizer.entries(codes)).numpy()
    joints = np.square(output - tokenizer.grid(frames).numpy()).mean()
    apart = [2 * np.square(z - chosen)[..., half].mean() for half in (slice(0, 12), slice(12, 24))]
    assert terms["joints"] == pytest.approx(float(joints), rel=1e-4)
    assert (terms["skeleton"], terms["visual"]) == (
        pytest.approx(float(apart[0]), rel=1e-3),
        pytest.approx(float(apart[1]), rel=1e-3),
    )
    with torch.no_grad():
        told = tokenizer.tell(torch.from_numpy(z[..., 12:])).numpy()  # (B, T / 2, 17, 6)
    poses = tokenizer.grid(frames).numpy()  # (B, 3, T, 17)
    first, second = np.moveaxis(poses[:, :, ::2], 1, -1), np.moveaxis(poses[:, :, 1::2], 1, -1)
    pose = np.square(told - np.concatenate([first, second], axis=-1)).mean()
    assert terms["pose"] == pytest.approx(float(pose), rel=1e-3)
    assert terms["loss"] == pytest.approx(float(joints + 0.3 * apart[0] + 0.7 * apart[1] + pose), rel=1e-3)


def test_attention_that_does_not_move_reads_its_own_place_and_offsets_are_cells() -> None:
    torch.manual_seed(0)
    attention = VisualSkeletonAttention(6, 2, 3)
    query, places = torch.randn(1, 4, 6), torch.rand(1, 4, 2) - 0.5
    where, weights = attention.gathered_from(query, places, (16, 32))
    assert where.shape == (1, 4, 2, 3, 2)
    torch.testing.assert_close(weights.sum(-1), torch.ones(1, 4, 2))
    torch.nn.init.zeros_(attention.offsets.weight)
    torch.nn.init.constant_(attention.offsets.bias, 1.0)
    where, _ = attention.gathered_from(query, places, (16, 32))
    torch.testing.assert_close(where - places[:, :, None, None], torch.tensor([2 / 32, 2 / 16]).expand_as(where))


@torch.inference_mode()
def test_attention_sees_what_lies_beside_a_joint_where_its_offsets_point() -> None:
    torch.manual_seed(0)
    attention = VisualSkeletonAttention(6, 1, 1)
    torch.nn.init.zeros_(attention.offsets.weight)
    place = torch.tensor([[[-0.5, -0.5]]])
    blank, marked = torch.zeros(1, 6, 16, 16), torch.zeros(1, 6, 16, 16)
    marked[..., 10:14, 10:14] = 1.0

    def change(offset: float) -> float:
        torch.nn.init.constant_(attention.offsets.bias, offset)
        return float((attention(marked, place) - attention(blank, place)).abs().max())

    assert change(8.0) > 0.01, "eight cells on, where the mark is"
    assert change(0.0) == 0.0


def test_a_few_steps_of_training_are_far_better_than_the_mean_pose() -> None:
    tokenizer = made(dataclasses.replace(SMALL, width=24, codes=128))
    frames = samples.frames("h36m17", 8)
    samples.learned(tokenizer, Batch(frames, _views(tokenizer, 2)), 50, 3e-3)
    with torch.inference_mode():
        back = tokenizer.decode(tokenizer.encode(frames))
    assert samples.error(tokenizer, back, frames) < 0.6


@pytest.mark.parametrize("streams", ["skeleton", "visual"])
def test_either_stream_can_be_alone(streams: str) -> None:
    tokenizer = made(dataclasses.replace(SMALL, streams=streams))  # type: ignore[arg-type]
    frames = samples.frames("h36m17", 8)
    views = None if streams == "skeleton" else _views(tokenizer)
    tokenizer.losses(Batch(frames, views), "autoencoder")["loss"].backward()
    if streams == "visual":  # clips without pictures teach it nothing
        some = _views(tokenizer, 2)
        shown = Batch(frames[:2], dataclasses.replace(some, shown=some.shown[:2]))
        mixed, alone = (tokenizer.losses(batch, "autoencoder") for batch in (Batch(frames, some), shown))
        assert float(mixed["joints"]) == pytest.approx(float(alone["joints"]) * 2 / len(frames), rel=1e-5)
        with pytest.raises(BadConfig, match="give it pictures"):
            tokenizer.losses(Batch(frames), "autoencoder")
    codes = tokenizer.encode(frames, views)
    assert tokenizer.decode(codes).shape == frames.shape
    if streams == "visual":
        with pytest.raises(BadConfig, match="give it pictures"):
            tokenizer.encode(frames)


def test_codes_are_written_by_body_part_as_in_table_s1_and_read_again() -> None:
    codes = torch.randint(0, 8192, (3, 17))
    text = superman.write(codes)
    first = codes[0].tolist()
    torso = "".join(f"<skel_{first[SKELETON.index(j)]}>" for j in ("pelvis", "spine", "thorax", "nose", "head_top"))
    assert text.startswith(f"Frame 1: torso: {torso}. left_arm: <skel_{first[SKELETON.index('left_shoulder')]}>")
    assert text.index(" right_arm: ") < text.index(" left_leg: ") < text.index(" right_leg: ") < text.index("Frame 2: ")
    assert torch.equal(superman.read(text), codes)
    with pytest.raises(BadConfig, match="17 skeleton tokens"):
        superman.read(text[:-20])


def test_the_graph_with_pictures_computes_what_torch_does(tmp_path: Path) -> None:
    tokenizer = made()
    frames = samples.frames("h36m17", 8)
    views = _views(tokenizer)
    large = F.interpolate(views.images.flatten(0, 1), (superman.PIXELS, superman.PIXELS)).unflatten(0, (4, 8))
    views = dataclasses.replace(views, images=large)
    with torch.no_grad():  # entries as far apart as latents are, or half precision would choose
        tokenizer.book.inner.codebook.copy_(tokenizer.latents(frames, views).flatten(0, 2)[::5][:48])
        codes = tokenizer.encode(frames, views)
    graph = next(graph for graph in tokenizer.graphs() if graph.name == "sighted")
    tracing.write(graph, tmp_path)
    session = onnxruntime.InferenceSession(tmp_path / "sighted.onnx", providers=["CPUExecutionProvider"])
    given = {"features": frames.numpy(), "images": views.images.numpy(), "places": views.places.numpy()}
    (ours,) = session.run(None, given)
    assert np.mean(np.asarray(ours) == codes.numpy()) > 0.95
