"""One clip after the other: the second takes over where the first was going, and its own motion comes in over time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from motion import quat
from motion.clip import Clip, bones, concatenate, move, resample, turn
from motion.edit import inertia
from motion.errors import BadClip


def join(first: Clip, second: Clip, seconds: float = 0.3, placed: bool = True) -> Clip:
    """The frames of `first` as they are, then those of `second`, whose first `seconds` are blended by inertia.

    Place and speed of every joint go on over the seam. `second` takes the first's frame rate.
    placed: `second` is turned and moved over the ground to go on where the first ends; otherwise it stays in the world
    and the root glides there.
    Raises BadClip where the clips are on different skeletons.
    """
    if not seconds >= 0:
        raise BadClip(f"cannot blend over {seconds} seconds; give a number from zero on")
    if first.skeleton.joints != second.skeleton.joints:
        raise BadClip(
            f"cannot join a clip on {second.skeleton.name!r} to one on {first.skeleton.name!r}; retarget one of them"
        )
    second = resample(second, first.fps)
    rotations, root = inertia.turns_ahead(first.rotations), inertia.ahead(first.root)
    if placed:
        second = turn(second, float(quat.yaw(rotations[0, 0]) - quat.yaw(second.rotations[0, 0])))
        second = move(second, (root[0] - second.root[0]) * np.array([1, 0, 1], np.float32))
    frames = min(max(round(seconds * first.fps), inertia.LEAST), len(second))
    moving = not np.array_equal(bones(first)[-1, 1:], bones(second)[0, 1:]) or second.offsets is not None
    second = replace(
        second,
        rotations=inertia.led_turns(second.rotations, rotations, frames),
        root=inertia.led(second.root, root, frames),
        offsets=inertia.led(bones(second), inertia.ahead(bones(first)), frames) if moving else None,
    )
    return concatenate([first, second])
