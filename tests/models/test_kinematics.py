"""The losses' kinematics in torch is that of `motion.features` in numpy."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models import kinematics
from motion import clip as clips
from motion import features, quat
from motion.features import LAYOUT, WIDTH, Integrator
from motion.skeleton import SMPLX22, fk
from tests.motion.clips import backflip, lie_down, stroll

CLIPS = {"stroll": stroll, "backflip": backflip, "lie-down": lie_down}


@pytest.mark.parametrize("name", CLIPS)
def test_world_positions_are_those_of_the_decoded_clip(name: str) -> None:
    frames = features.encode(CLIPS[name]())
    ours = kinematics.world_positions(torch.from_numpy(frames)[None])[0].numpy()
    np.testing.assert_allclose(ours, clips.positions(features.decode(frames)), atol=2e-5)
    assert np.ptp(ours, axis=0).max() > 0.2


@pytest.mark.parametrize("name", CLIPS)
def test_positions_in_the_heading_frame_are_the_position_columns(name: str) -> None:
    frames = features.encode(CLIPS[name]())
    ours = kinematics.heading_positions(torch.from_numpy(frames)[None])[0, :, 1:].numpy()
    np.testing.assert_allclose(ours.reshape(len(frames), -1), frames[:, LAYOUT["pos"]], atol=2e-5)


def test_place_and_heading_are_the_integrators_also_for_noisy_features_in_a_batch() -> None:
    rng = np.random.default_rng(0)
    batch = np.stack([features.encode(stroll()) for _ in range(3)])
    batch += rng.normal(size=batch.shape).astype(np.float32) * np.float32(0.02)
    heading, place = kinematics.trajectory(torch.from_numpy(batch))
    ours = kinematics.world_positions(torch.from_numpy(batch)).numpy()
    for b in range(3):
        root, rotations = Integrator().push(batch[b])
        np.testing.assert_allclose(place[b].numpy(), root[:, [0, 2]], atol=2e-5)
        np.testing.assert_allclose(ours[b], fk(SMPLX22, rotations, root)[0], atol=5e-5)
        turned = np.concatenate([[0], np.cumsum(batch[b, 1:, LAYOUT["root_turn"]][:, 0])])
        np.testing.assert_allclose(heading[b].numpy(), turned, atol=1e-5)


def test_matrices_of_slanted_columns_are_rotations() -> None:
    six = torch.randn(50, 6, generator=torch.Generator().manual_seed(0))
    made = kinematics.matrices(six)
    torch.testing.assert_close(made @ made.transpose(-1, -2), torch.eye(3).expand(50, 3, 3), atol=1e-5, rtol=0)
    torch.testing.assert_close(torch.linalg.det(made), torch.ones(50), atol=1e-5, rtol=0)
    np.testing.assert_allclose(made.numpy(), quat.to_matrix(quat.from_rot6d(six.numpy())), atol=1e-5)


def test_losses_on_positions_reach_every_column_that_moves_the_body() -> None:
    frames = torch.from_numpy(features.encode(stroll()))[None].requires_grad_()
    weights = torch.randn(frames.shape[1], 22, 3, generator=torch.Generator().manual_seed(0))
    (kinematics.world_positions(frames)[0] * weights).sum().backward()
    assert frames.grad is not None
    reached = frames.grad[0].abs().sum(0) > 0
    for name, columns in LAYOUT.items():
        if name == "rot6d":  # the wrists', feet's and head's own turns move no joint
            assert 80 < reached[columns].sum() < 132
        else:
            assert bool(reached[columns].any()) == (name != "pos"), name
    assert frames.shape[-1] == WIDTH
