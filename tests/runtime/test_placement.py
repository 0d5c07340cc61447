"""Generated features stand where their past left off, and arrive where their future begins."""

from __future__ import annotations

import numpy as np

from motion import contacts, features, quat
from motion.clip import Clip
from motion.protocol import Pose
from runtime.placement import EASE, Placed, Placement
from tests.runtime.recorded import walk


def turned(clip: Clip, heading: float, place: tuple[float, float]) -> Clip:
    """The clip elsewhere in the world."""
    turn = quat.from_yaw(np.full(len(clip.root), heading, np.float32))
    rotations = clip.rotations.copy()
    rotations[:, 0] = quat.mul(turn, rotations[:, 0])
    root = quat.rotate(turn, clip.root) + np.array([place[0], 0, place[1]], np.float32)
    return Clip(clip.skeleton, clip.fps, rotations, root.astype(np.float32))


def pose(clip: Clip, start: int, end: int) -> Pose:
    return Pose(clip.rotations[start:end], clip.root[start:end])


def join(blocks: list[Placed]) -> Placed:
    return Placed(*(np.concatenate([getattr(b, name) for b in blocks]) for name in ("root", "rotations", "contacts")))


def test_pieces_give_the_clip_that_features_give_at_once() -> None:
    clip = walk()
    encoded = features.encode(clip)
    whole = features.decode(encoded)
    placement = Placement(clip.skeleton, clip.fps)
    placed = join([placement.push(encoded[start : start + 16]) for start in range(0, len(encoded), 16)])
    assert np.allclose(placed.root, whole.root, atol=1e-5)
    assert np.allclose(placed.rotations, whole.rotations, atol=1e-5)
    assert whole.contacts is not None
    assert np.array_equal(placed.contacts, whole.contacts)


def test_frames_go_on_where_the_past_stopped_wherever_in_the_world_that_is() -> None:
    clip = turned(walk(), 2.0, (3.0, -7.0))
    encoded = features.encode(clip)
    placed = Placement(clip.skeleton, clip.fps, pose(clip, 0, 100)).push(encoded[100:160])
    assert np.allclose(placed.root, clip.root[100:160], atol=1e-4)
    assert np.allclose(np.abs((placed.rotations * clip.rotations[100:160]).sum(-1)), 1, atol=1e-5)
    assert np.array_equal(placed.contacts, contacts.detect(clip)[100:160])


def test_frames_between_are_left_alone_where_they_already_meet_the_future() -> None:
    clip = turned(walk(), -1.0, (1.0, 1.0))
    encoded = features.encode(clip)
    placed = Placement(clip.skeleton, clip.fps, pose(clip, 0, 80)).meet(
        encoded[80:140], pose(clip, 140, 160), encoded[140:141]
    )
    assert np.abs(placed.root - clip.root[80:140]).max() < 0.01


def test_frames_between_are_bent_to_arrive_at_the_future_without_a_jump() -> None:
    clip = walk()
    encoded = features.encode(clip)
    future = pose(turned(clip, 0.8, (0.6, 0.3)), 140, 160)
    placed = Placement(clip.skeleton, clip.fps, pose(clip, 0, 80)).meet(encoded[80:140], future, encoded[140:141])
    ends = np.concatenate([clip.root[79:80], placed.root, future.root[:1]])
    speed = np.linalg.norm(np.diff(ends, axis=0)[:, [0, 2]], axis=-1) * 30
    assert speed.max() < 2.5, "the walk is 1 m/s and the detour about 1 m in two seconds"
    headings = np.unwrap(
        quat.yaw(np.concatenate([clip.rotations[79:80], placed.rotations, future.rotations[:1]])[:, 0])
    )
    assert np.abs(np.diff(headings)).max() < np.radians(3)


def worn(clip: Clip) -> np.ndarray:
    """Features of the clip as a poor tokenizer gives them back: 3 cm lower, knees bent more, the body tilted."""
    bend = quat.from_axis_angle(np.array([1, 0, 0], np.float32), np.array(0.3, np.float32))
    rotations = clip.rotations.copy()
    for joint in ("left_knee", "right_knee", "pelvis"):
        column = clip.skeleton.index(joint)
        rotations[:, column] = quat.mul(rotations[:, column], np.broadcast_to(bend, rotations[:, column].shape))
    lower = clip.root - np.array([0, 0.03, 0], np.float32)
    return features.encode(Clip(clip.skeleton, clip.fps, rotations, lower))


def largest_turn(rotations: np.ndarray) -> float:
    """The most that a joint turns from one frame to the next, radians."""
    alike = np.abs((rotations[1:] * rotations[:-1]).sum(-1))
    return float(2 * np.arccos(np.clip(alike, 0, 1)).max())


def test_what_a_tokenizer_changed_at_the_seam_is_let_go_little_by_little() -> None:
    clip = turned(walk(), 2.0, (3.0, -7.0))
    decoded = worn(clip)
    placement = Placement(clip.skeleton, clip.fps, pose(clip, 0, 100))
    placement.join(decoded[99:100])
    placed = join([placement.push(decoded[100:104]), placement.push(decoded[104:140])])
    rotations = np.concatenate([clip.rotations[99:100], placed.rotations])
    heights = np.concatenate([clip.root[99:100], placed.root])[:, 1]
    assert largest_turn(rotations) < largest_turn(clip.rotations) + 0.05, "0.3 rad would be a jump"
    assert np.abs(np.diff(heights)).max() < 0.01, "3 cm would be a jump"
    late = features.Integrator().push(decoded)[1][100 + EASE : 140]
    assert np.allclose(placed.rotations[EASE:, 1:], late[:, 1:], atol=1e-5), "after that it is all the generated motion"


def test_frames_between_ease_into_the_future_as_they_ease_out_of_the_past() -> None:
    clip = turned(walk(), -2.5, (0.0, 4.0))
    decoded = worn(clip)
    placement = Placement(clip.skeleton, clip.fps, pose(clip, 0, 80))
    placement.join(decoded[79:80])
    placed = placement.meet(decoded[80:140], pose(clip, 140, 160), decoded[140:141])
    rotations = np.concatenate([clip.rotations[79:80], placed.rotations, clip.rotations[140:141]])
    root = np.concatenate([clip.root[79:80], placed.root, clip.root[140:141]])
    assert largest_turn(rotations) < largest_turn(clip.rotations) + 0.05
    assert np.linalg.norm(np.diff(root, axis=0), axis=-1).max() < 0.06
