"""A clip that can go on from its end to its beginning, again and again, as a walk cycle does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from motion import quat
from motion.clip import Clip, concatenate, cut, move, turn
from motion.edit import inertia
from motion.errors import BadClip
from motion.quat import F32

_FEWEST = 2 * inertia.LEAST + 1
_GROUND: F32 = np.array([1, 0, 1], np.float32)


def loop(clip: Clip, seconds: float = 0.5) -> Clip:
    """The clip with its ends bent towards each other: the last frame is the first again, in pose and in speed.

    Each end is blended over `seconds`, less where the clip is short. Where the body walked or turned it still does: the
    last frame stands elsewhere on the ground and faces elsewhere, and the next round goes on from there (`repeat`).
    After Holden 2022, "Creating looping animations from motion capture"; each end takes half of what is missing.
    Raises BadClip for a clip too short to bend.
    """
    if len(clip) < _FEWEST:
        raise BadClip(f"a clip of {len(clip)} frames is too short to loop; it needs {_FEWEST} at the least")
    if not seconds >= 0:
        raise BadClip(f"cannot blend over {seconds} seconds; give a number from zero on")
    frames = min(max(round(seconds * clip.fps), inertia.LEAST), len(clip) // 2)
    # Both ends as the seam sees them: from it inwards, over the origin, facing +Z.
    start = cut(_placed(clip, 0), 0, frames)
    end = _reversed(cut(_placed(clip, -1), len(clip) - frames, len(clip)))
    turns: F32 = (inertia.speed(start.rotations[:2]) - inertia.speed(end.rotations[:2])) * np.float32(0.5)
    meeting = quat.slerp(start.rotations[0], end.rotations[0], 0.5)
    parts: list[Clip] = []
    for part, other, sign in ((start, end, 1), (end, start, -1)):
        onward = quat.normalize(quat.mul(quat.from_vector(turns if sign > 0 else -turns), meeting))
        offsets = None
        if part.offsets is not None and other.offsets is not None:
            offsets = inertia.led(part.offsets, _between(part.offsets, other.offsets), frames)
        parts.append(
            replace(
                part,
                rotations=inertia.led_turns(part.rotations, np.stack([meeting, onward]), frames),
                root=inertia.led(part.root, _between(part.root, other.root), frames),
                offsets=offsets,
            )
        )
    middle = [cut(clip, frames, len(clip) - frames)] if len(clip) > 2 * frames else []
    return concatenate([_back(parts[0], clip, 0), *middle, _back(_reversed(parts[1]), clip, -1)])


def repeat(clip: Clip, times: int) -> Clip:
    """A looping clip `times` over, each round going on from where the one before it ended; the frame in which two
    rounds meet is there once. Raises BadClip for less than one time."""
    if times < 1:
        raise BadClip(f"a clip cannot be repeated {times} times; give one or more")
    rounds = [clip]
    for _ in range(times - 1):
        rounds.append(_back(cut(_placed(clip, 0), 1, len(clip)), rounds[-1], -1))
    return concatenate(rounds)


def _between(track: F32, other: F32) -> F32:
    """The value in which two tracks (T, C) that run away from a seam meet, and the first one's next (2, C)."""
    meeting = (track[0] + other[0]) / 2
    return np.stack([meeting, meeting + (track[1] - track[0] - other[1] + other[0]) / 2])


def _placed(clip: Clip, frame: int) -> Clip:
    """The clip as it would be if that frame's root stood over the origin and faced +Z."""
    return turn(move(clip, -clip.root[frame] * _GROUND), -float(quat.yaw(clip.rotations[frame, 0])))


def _back(part: Clip, clip: Clip, frame: int) -> Clip:
    """A part of a placed clip where that frame of `clip` stands."""
    return move(turn(part, float(quat.yaw(clip.rotations[frame, 0]))), clip.root[frame] * _GROUND)


def _reversed(clip: Clip) -> Clip:
    return replace(
        clip,
        rotations=clip.rotations[::-1],
        root=clip.root[::-1],
        contacts=None if clip.contacts is None else clip.contacts[::-1],
        offsets=None if clip.offsets is None else clip.offsets[::-1],
    )
