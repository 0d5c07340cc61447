"""UniMo's SMPL-X tokenizer: expansion, four experts, equation 5, three representations of rotations."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from models import kinematics
from models.tokenizers import unimo
from models.tokenizers.contract import Batch
from models.tokenizers.unimo import LAYOUT, Smplx, SmplxConfig
from motion.errors import BadConfig
from tests.models.tokenizers import samples

SMALL = SmplxConfig(width=16, strides=(2, 1), codes=24, depth=1)


def made(config: SmplxConfig = SMALL) -> Smplx:
    return samples.made(config, "unimo").eval()


@pytest.mark.parametrize(
    ("strides", "codes"), [((3, 3, 2, 2), 36), ((3, 2, 2, 2), 24), ((2, 2, 2, 1), 8), ((1, 1, 1, 1), 1)]
)
@torch.inference_mode()
def test_a_frame_becomes_as_many_codes_as_one_over_s(strides: tuple[int, ...], codes: int) -> None:
    tokenizer = made(dataclasses.replace(SMALL, width=8, strides=strides))
    frames = samples.frames("smplx", 8)
    found = tokenizer.encode(frames)
    assert found.shape == (4, 8 * codes)
    assert tokenizer.decode(found).shape == frames.shape


def test_each_expert_makes_its_own_parameter_and_no_other() -> None:
    tokenizer = made()
    assert set(tokenizer.experts) == {"body_pose", "betas", "orientation", "translation"}
    codes = torch.randint(0, 24, (1, 16))
    before = tokenizer.decode(codes)
    for name in tokenizer.experts:
        changed = made()
        torch.nn.init.normal_(changed.experts[name][-1].bias)  # type: ignore[index]
        different = (changed.decode(codes) - before).abs().amax((0, 1)) > 1e-6
        columns = torch.zeros(145, dtype=torch.bool)
        columns[LAYOUT.layout[name]] = True
        if name == "betas":  # nobody's shape is known in these clips: their deviation is next to nothing
            assert not different[~columns].any()
        else:
            assert torch.equal(different, columns)


def test_the_first_place_is_absolute_and_the_others_are_steps() -> None:
    tokenizer = made()
    frames = samples.frames("smplx")
    inside = tokenizer.inside(frames)["translation"]
    assert torch.equal(inside[:, 0], frames[:, 0, LAYOUT.layout["translation"]])
    assert inside[:, 0].abs().max() < 10, "in metres, not in deviations of a step"
    scaled = tokenizer.scale(frames)[..., LAYOUT.layout["translation"]]
    assert torch.equal(inside[:, 1:], scaled[:, 1:])


@pytest.mark.parametrize("rotations", ["6d", "matrix", "axis-angle"])
def test_what_goes_inside_comes_out_again(rotations: str) -> None:
    tokenizer = made(dataclasses.replace(SMALL, rotations=rotations))  # type: ignore[arg-type]
    frames = samples.frames("smplx")
    back = tokenizer.outside(tokenizer.inside(frames))
    torch.testing.assert_close(back, frames, atol=2e-3, rtol=1e-3)


def test_axes_and_angles_are_those_of_the_rotations() -> None:
    vectors = torch.nn.functional.normalize(torch.randn(200, 3), dim=-1) * torch.linspace(0.01, 3.1, 200)[:, None]
    turns = unimo.from_axis_angle(vectors)
    torch.testing.assert_close(turns @ turns.mT, torch.eye(3).expand(200, 3, 3), atol=1e-5, rtol=0)
    torch.testing.assert_close(unimo.axis_angle(turns), vectors, atol=2e-3, rtol=1e-3)
    torch.testing.assert_close(
        kinematics.matrices(torch.cat([turns[..., 0], turns[..., 1]], -1)), turns, atol=1e-5, rtol=0
    )


def test_the_loss_is_equation_five_with_velocities_and_accelerations() -> None:
    tokenizer = made()
    frames = samples.frames("smplx")
    terms = {name: float(value.detach()) for name, value in tokenizer.losses(Batch(frames), "autoencoder").items()}
    with torch.no_grad():
        latents = tokenizer.latents(frames).numpy()
        entries, _ = tokenizer.quantize(frames)
        ours, theirs = tokenizer.reconstruct(entries), tokenizer.inside(frames)
    book = tokenizer.book.inner.codebook.detach().numpy()
    chosen = book[np.square(latents[:, :, None] - book).sum(-1).argmin(-1)]
    apart = float(np.square(latents - chosen).mean())
    total = 1.02 * apart
    for name in LAYOUT.layout:
        off = (ours[name] - theirs[name]).numpy()
        expected = sum(float(np.abs(np.diff(off, n=n, axis=1)).mean()) for n in range(3))
        assert terms[name] == pytest.approx(expected, rel=1e-4)
        total += expected
    assert terms["loss"] == pytest.approx(total, rel=1e-4)


@pytest.mark.parametrize("rotations", ["6d", "matrix", "axis-angle"])
def test_a_few_steps_of_training_are_far_better_than_the_mean_pose(rotations: str) -> None:
    tokenizer = made(dataclasses.replace(SMALL, width=24, codes=64, rotations=rotations))  # type: ignore[arg-type]
    frames = samples.frames("smplx")
    samples.learned(tokenizer, Batch(frames), 60, 2e-3)
    with torch.inference_mode():
        back = tokenizer.decode(tokenizer.encode(frames))
    pose = LAYOUT.layout["body_pose"]
    mean = frames.mean((0, 1), keepdim=True)
    off = (back - frames)[..., pose].square().mean() / (mean - frames)[..., pose].square().mean()
    assert off < 0.85


def test_sizes_that_cannot_be_are_refused() -> None:
    with pytest.raises(BadConfig, match="must be positive"):
        dataclasses.replace(SMALL, strides=(2, 0))
