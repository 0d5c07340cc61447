"""The layout `hml263`: HumanML3D's 263 columns, by that data set's own definitions (Guo et al. 2022, section 4).

(T, 263) at 20 frames per second, of joint positions of `smplx22`, per frame:

    root_turn      1    half the turn of the heading to the next frame, radians, to the right
    root_step      2    x and z of the root's move to the next frame, in the next frame's heading, metres
    root_height    1    root above the lowest joint of the clip, metres
    pos           63    positions of joints 1 to 21 from the point of the floor under the root, in the heading, metres
    rot6d        126    6D rotations of joints 1 to 21: which way each bone points, without twist
    velocity      66    moves of joints 0 to 21 to the next frame, in the heading, metres a frame
    contacts       4    one where left ankle, left foot, right ankle, right foot move less than 4.5 cm a frame

A row tells of the step to the next frame, so there is one row less than there are frames, as in the data set. `encode`
gives as many rows as frames: it lets the motion go on for one frame at its last speed.
"""

from __future__ import annotations

from typing import cast

import numpy as np

from motion import quat
from motion.clip import Clip, move, positions
from motion.errors import BadClip
from motion.features import fitting
from motion.features import hml_skeleton as body
from motion.features.checks import clip_fits, frames_fit
from motion.features.hml_skeleton import Real
from motion.quat import F32
from motion.skeleton import SMPLX22, TOE_HEIGHT

NAME = "hml263"
FPS = 20.0
LAYOUT: dict[str, slice] = {
    "root_turn": slice(0, 1),
    "root_step": slice(1, 3),
    "root_height": slice(3, 4),
    "pos": slice(4, 67),
    "rot6d": slice(67, 193),
    "velocity": slice(193, 259),
    "contacts": slice(259, 263),
}
WIDTH = 263
_STILL = 0.002  # squared metres a frame (the data set's threshold), below which a foot counts as resting
_FEET = [SMPLX22.index(joint) for joint in ("left_ankle", "left_foot", "right_ankle", "right_foot")]


def encode(clip: Clip) -> F32:
    """Features (T, 263) of a `smplx22` clip at 20 frames per second, in the clip's own size. For a network trained on
    the data set take `from_joints(hml_skeleton.uniform(positions(clip)))`, which is in the data set's."""
    clip_fits(clip, NAME, FPS)
    return from_joints(positions(clip), continued=True)


def from_joints(joints: F32, continued: bool = False) -> F32:
    """Features of joint positions (T, 22, 3), metres, at 20 frames per second: the data set's T - 1 rows, of at least
    two frames; continued: T rows, as if the motion went on for one more frame at its last speed.
    Raises BadClip for other shapes."""
    if joints.ndim != 3 or joints.shape[1:] != (22, 3) or len(joints) < (1 if continued else 2):
        raise BadClip(f"features {NAME!r} are of two or more frames of 22 joints, these are of shape {joints.shape}")
    at = body.placed(joints)
    return _rows(np.concatenate([at, 2 * at[-1:] - at[-2:][:1]]) if continued else at)


def joints(frames: F32) -> F32:
    """Joint positions (T, 22, 3) of features (T, 263): floor at the lowest joint, first root over the origin, heading
    along +Z. Turns and steps add up, the rest is read from `pos`."""
    frames_fit(frames, NAME, WIDTH)
    rows = frames.astype(np.float64)
    facing = _facing(rows)
    steps = np.zeros((len(rows), 3))
    steps[1:, [0, 2]] = rows[:-1, LAYOUT["root_step"]]
    place = np.cumsum(body.rotate(body.inverse(facing), steps), axis=0)
    around = body.rotate(body.inverse(facing), rows[:, LAYOUT["pos"]].reshape(-1, 21, 3)) + place[:, None]
    place[:, 1] = rows[:, LAYOUT["root_height"]][:, 0]
    return np.concatenate([place[:, None], around], axis=1).astype(np.float32)


def decode(frames: F32, name: str = "") -> Clip:
    """A `smplx22` clip of features (T, 263): rotations are fitted to the positions, so that the twist of limbs is a
    guess; it stands as `joints` places it, raised by the height of a toe joint, with the contacts of the features."""
    return to_clip(joints(frames), frames, FPS, None, name)


def to_clip(at: F32, frames: F32, fps: float, pelvis: F32 | None, name: str) -> Clip:
    """The clip of decoded positions (T, 22, 3); `pelvis` (T, 4) are its world rotations where they are known."""
    clip = fitting.fit(SMPLX22, at, fps, None if pelvis is None else {"pelvis": pelvis}, name=name)
    clip = move(clip, np.array([0, TOE_HEIGHT, 0], np.float32))
    resting = (frames[:, LAYOUT["contacts"]] > 0.5).astype(np.float32)
    return Clip(SMPLX22, fps, clip.rotations, clip.root, resting, name)


def bones(frames: F32) -> F32:
    """The unit bones (T, 22, 3) that lead to each joint, as `rot6d` and the turns tell them, apart from `pos`; the
    root's is zero."""
    frames_fit(frames, NAME, WIDTH)
    local = np.zeros((len(frames), 22, 4))
    local[:, 1:] = quat.from_rot6d(cast(F32, frames[:, LAYOUT["rot6d"]].reshape(-1, 21, 6).astype(np.float64)))
    local[:, 0] = _facing(frames.astype(np.float64))
    return body.directions(local).astype(np.float32)


def _facing(rows: Real) -> Real:
    """The turns (T, 4) of the world to the body that `root_turn` adds up to."""
    halves = np.concatenate([[0.0], np.cumsum(rows[:-1, LAYOUT["root_turn"]][:, 0])])
    zero = np.zeros_like(halves)
    return np.stack([np.cos(halves), zero, np.sin(halves), zero], axis=-1)


def _rows(at: Real) -> F32:
    """Features (T - 1, 263) of placed positions (T, 22, 3)."""
    facing = body.to_facing(at)
    turns = body.mul(facing[1:], body.inverse(facing[:-1]))
    steps = np.diff(at, axis=0)
    local = body.rotations(at, facing)
    around = body.rotate(facing, at - at[:, :1] * [1, 0, 1])
    rows = np.zeros((len(steps), WIDTH))
    # The sign of w: where the heading passes -Z the data set's own arcsine turns the wrong way.
    rows[:, LAYOUT["root_turn"]] = np.arcsin(np.clip(np.where(turns[:, :1] < 0, -1, 1) * turns[:, 2:3], -1, 1))
    rows[:, LAYOUT["root_step"]] = body.rotate(facing[1:], steps[:, 0])[:, [0, 2]]
    rows[:, LAYOUT["root_height"]] = at[:-1, 0, 1:2]
    rows[:, LAYOUT["pos"]] = around[:-1, 1:].reshape(len(steps), -1)
    rows[:, LAYOUT["rot6d"]] = quat.to_rot6d(cast(F32, local[:-1, 1:])).reshape(len(steps), -1)
    rows[:, LAYOUT["velocity"]] = body.rotate(facing[:-1], steps).reshape(len(steps), -1)
    rows[:, LAYOUT["contacts"]] = (steps[:, _FEET] ** 2).sum(-1) < _STILL
    return rows.astype(np.float32)
