"""Which requests are let in: everything that can be known to be wrong is said before any work is done."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from motion.bundle import Manifest
from motion.errors import BadRequest, UnknownTask
from motion.protocol import Generate, Limits, Pose, Task

LIMITS: Final = Limits(text_characters=1000, seconds_least=0.5, seconds_most=60.0, requests=8, queue=64, window=600)
SEEDS: Final = 2**32
_POSES: Final = ("past", "future", "motion")
_UNIT: Final = 0.01
"""how far from 1 the length of a quaternion may be"""


def check(request: Generate, manifest: Manifest, limits: Limits) -> Task:
    """The task that is asked for. Raises UnknownTask or BadRequest, naming the field that is wrong."""
    task = manifest.task(request.task)
    if task is None:
        names = ", ".join(repr(task.name) for task in manifest.tasks)
        raise UnknownTask(f"bundle {manifest.name!r} has no task {_short(request.task)}; it can do {names}")
    _check_inputs(request, task)
    if len(request.text) > limits.text_characters:
        raise BadRequest(
            f"the text has {len(request.text)} characters and at most {limits.text_characters} are allowed; "
            "shorten it, or ask for its parts one after the other"
        )
    seconds = request.seconds
    if seconds is not None and not limits.seconds_least <= seconds <= limits.seconds_most:
        raise BadRequest(
            f"'seconds' must lie between {limits.seconds_least:g} and {limits.seconds_most:g}; got {seconds:g}"
        )
    if request.seed is not None and not 0 <= request.seed < SEEDS:
        raise BadRequest(f"'seed' must be a whole number from 0 to {SEEDS - 1}; got {request.seed}")
    for name in _POSES:
        pose: Pose | None = getattr(request, name)
        if pose is not None:
            _check_pose(name, pose, manifest, limits)
    return task


def _check_inputs(request: Generate, task: Task) -> None:
    given = {
        "text": bool(request.text.strip()),
        "seconds": request.seconds is not None,
        **{name: getattr(request, name) is not None for name in _POSES},
    }
    for name, here in given.items():
        if name in task.needs and not here:
            hint = "say what the character should do" if name == "text" else "send it with the request"
            raise BadRequest(f"task {task.name!r} needs {name!r} and got none; {hint}")
        if here and name not in task.needs + task.optional:
            takes = ", ".join(repr(field) for field in task.needs + task.optional) or "nothing"
            raise BadRequest(f"task {task.name!r} takes no {name!r}; leave it out: it takes {takes}")


def _check_pose(name: str, pose: Pose, manifest: Manifest, limits: Limits) -> None:
    frames, joints = pose.rotations.shape[:2]
    least, most = manifest.tokens.frames_per_token, math.ceil(limits.seconds_most * manifest.fps)
    if joints != len(manifest.skeleton):
        raise BadRequest(
            f"{name!r} has {joints} joints and skeleton {manifest.skeleton.name!r} has {len(manifest.skeleton)}; "
            "retarget the motion to it first"
        )
    if not least <= frames <= most:
        raise BadRequest(f"{name!r} must have {least} to {most} frames at {manifest.fps:g} a second; got {frames}")
    lengths = np.linalg.norm(pose.rotations, axis=-1)
    if np.abs(lengths - 1).max() > _UNIT:
        frame, joint = divmod(int(np.abs(lengths - 1).argmax()), joints)
        raise BadRequest(
            f"{name!r} holds rotations that are not unit quaternions: frame {frame}, joint "
            f"{manifest.skeleton.joints[joint]!r} has length {lengths[frame, joint]:.3f}; normalise them"
        )


def _short(text: str) -> str:
    return repr(text) if len(text) <= 60 else repr(text[:57] + "...")
