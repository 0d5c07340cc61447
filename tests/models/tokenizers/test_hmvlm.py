"""HMVLM's body parts: codes of their own, the loss of section 3.4, and a tokenizer that learns."""

from __future__ import annotations

import dataclasses
from typing import cast

import numpy as np
import pytest
import torch

from models.quantize import VQ
from models.tokenizers import hmvlm
from models.tokenizers.contract import Batch
from models.tokenizers.hmvlm import PARTS, BodyParts, BodyPartsConfig
from motion import features
from motion.errors import BadConfig
from motion.skeleton import SMPLX22
from tests.models.tokenizers import samples

SMALL = BodyPartsConfig(width=16, codes=24, layers=2, heads=2, depth=1)
POSE = dataclasses.replace(SMALL, compression=1)


def made(config: BodyPartsConfig = SMALL) -> BodyParts:
    return samples.made(config, "hmvlm").eval()


def test_every_joint_is_in_one_part_and_every_column_is_some_joints() -> None:
    assert sorted(joint for part in PARTS.values() for joint in part) == sorted(SMPLX22.joints)
    for name in ("hml263", "uni269", "root+rot6d+pos"):
        layout = features.find(name)
        columns = [column for own in hmvlm.joint_columns(layout) for column in own]
        assert sorted(columns) == list(range(layout.width))
    own = hmvlm.joint_columns(features.find("hml263"))[SMPLX22.index("left_knee")]
    found = features.find("hml263").layout
    place = found["pos"].start + 3 * (SMPLX22.index("left_knee") - 1)
    assert own[:3] == [place, place + 1, place + 2]
    assert len(own) == 3 + 6 + 3


@pytest.mark.parametrize("config", [SMALL, POSE], ids=["motion", "pose"])
@pytest.mark.parametrize("joint", ["head", "left_wrist", "right_elbow", "left_foot", "right_knee"])
@torch.inference_mode()
def test_a_joint_moves_its_own_parts_embedding_and_no_others(config: BodyPartsConfig, joint: str) -> None:
    tokenizer = made(config)
    frames = samples.frames("hml263")
    moved = frames.clone()
    moved[..., hmvlm.joint_columns(features.find("hml263"))[SMPLX22.index(joint)]] += 1.0
    for book in tokenizer.books:  # entries where latents are, so that codes can change
        book.inner.codebook.copy_(tokenizer.latents(frames).flatten(0, 2)[: SMALL.codes])  # type: ignore[union-attr]
    part = next(i for i, own in enumerate(PARTS.values()) if joint in own)
    others = [i for i in range(len(PARTS)) if i != part]
    before, after = tokenizer.latents(frames), tokenizer.latents(moved)
    assert (after - before)[..., part, :].abs().amax(-1).min() > 1e-3
    assert torch.equal(after[..., others, :], before[..., others, :])
    assert torch.equal(tokenizer.encode(moved)[..., others], tokenizer.encode(frames)[..., others])


@torch.inference_mode()
def test_poses_are_coded_frame_by_frame_and_without_their_speed() -> None:
    tokenizer = made(POSE)
    frames = samples.frames("hml263")
    codes = tokenizer.encode(frames)
    assert codes.shape == (4, 24, 5)
    assert torch.equal(tokenizer.encode(frames[:, 7:8])[:, 0], codes[:, 7])
    layout = features.find("hml263").layout
    faster = frames.clone()
    faster[..., layout["velocity"]] *= 3
    faster[..., layout["root_step"]] += 1
    assert torch.equal(tokenizer.encode(faster), codes)
    back = tokenizer.decode(codes)
    torch.testing.assert_close(
        back[..., layout["velocity"]], tokenizer.scale.mean[layout["velocity"]].expand(4, 24, -1)
    )


def _smooth_l1(x: np.ndarray) -> float:
    return float(np.where(np.abs(x) < 1, 0.5 * x**2, np.abs(x) - 0.5).mean())


def test_the_loss_is_reconstruction_and_embedding_and_a_fiftieth_of_commitment() -> None:
    tokenizer = made()
    frames = samples.frames("hml263")
    terms = {name: float(value.detach()) for name, value in tokenizer.losses(Batch(frames), "autoencoder").items()}
    with torch.no_grad():
        latents = tokenizer.latents(frames).numpy()
        entries, _ = tokenizer.quantize(frames)
        ours, theirs = tokenizer.reconstruct(entries).numpy(), tokenizer.scale(frames).numpy()
        books = np.stack([cast(VQ, book).inner.codebook.numpy() for book in tokenizer.books])
    apart = []
    for part in range(5):
        distance = np.square(latents[:, :, part, None] - books[part]).sum(-1)
        chosen = books[part][distance.argmin(-1)]
        apart.append(np.square(latents[:, :, part] - chosen).mean())
    frames_, speed = _smooth_l1(ours - theirs), _smooth_l1(np.diff(ours - theirs, axis=1))
    assert terms["frames"] == pytest.approx(frames_, rel=1e-4)
    assert terms["speed"] == pytest.approx(speed, rel=1e-4)
    assert terms["embed"] == pytest.approx(float(np.mean(apart)), rel=1e-4)
    assert terms["commit"] == pytest.approx(terms["embed"], rel=1e-6)
    assert terms["loss"] == pytest.approx(frames_ + 0.5 * speed + 1.02 * float(np.mean(apart)), rel=1e-4)


def _error_after_training(config: BodyPartsConfig) -> float:
    tokenizer = made(dataclasses.replace(config, width=32, layers=1, codes=8))
    frames = samples.frames("hml263")
    samples.learned(tokenizer, Batch(frames), 120, 3e-3)
    with torch.inference_mode():
        codes = tokenizer.encode(frames)
        back = torch.where(tokenizer.told, tokenizer.decode(codes), frames)
    assert codes.shape[-1] == (5 if config.parts else 1)
    return samples.error(tokenizer, back, frames)


def test_a_few_steps_of_training_are_far_better_than_the_mean_pose_and_parts_better_than_the_whole() -> None:
    parts, whole = (_error_after_training(dataclasses.replace(SMALL, parts=parts)) for parts in (True, False))
    assert parts < 0.6
    assert parts < 0.8 * whole, "table 5"


def test_a_few_steps_of_training_code_poses_far_better_than_the_mean_pose() -> None:
    assert _error_after_training(POSE) < 0.6


def test_sizes_that_cannot_be_are_refused() -> None:
    with pytest.raises(BadConfig, match="must be a multiple of its 3 heads"):
        dataclasses.replace(SMALL, heads=3)
    with pytest.raises(BadConfig, match="two codes or more"):
        dataclasses.replace(SMALL, codes=1)
