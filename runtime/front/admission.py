"""Which requests are let in: counts, shapes and ranges are checked before any work is done.

What takes geometry to tell, such as whether a rig is a humanoid, is found out by the worker, whose refusal the client
gets as it would have got one from here.
"""

from __future__ import annotations

import math
from typing import Final

from motion.bundles.manifest import Manifest
from motion.errors import BadClip, BadRequest, UnknownTask
from motion.protocol import Generate, Limits, OpenStream, Pose, Rig, Steer, Task
from motion.protocol.wire import ID
from motion.skeleton import Skeleton

LIMITS: Final = Limits(
    text_characters=1000,
    seconds_least=0.5,
    seconds_most=60.0,
    requests=8,
    queue=64,
    window=600,
    variations=8,
    streams=4,
    agents=8,
    replan_least=4,
    replan_most=120,
    speed_most=2.0,
    joints=512,
    sessions=64,
    messages_per_s=2000,
    bytes_per_s=16 * 2**20,
)
REPLAN: Final = 16
"""frames of replan buffer where the client asks for none and the limits allow it: half a second"""
CAPABILITIES: Final = ("variations", "captions", "deadlines", "rigs", "streams", "watching")
SEEDS: Final = 2**32
_POSES: Final = ("past", "future", "motion")
_FAR: Final = 1e6


def check(request: Generate, manifest: Manifest, limits: Limits) -> Task:
    """The task that is asked for. Raises UnknownTask or BadRequest, naming the field that is wrong."""
    task = manifest.task(request.task)
    if task is None:
        names = ", ".join(repr(task.name) for task in manifest.tasks)
        raise UnknownTask(f"bundle {manifest.name!r} has no task {_short(request.task)}; it can do {names}")
    _check_inputs(request, task)
    _check_text(request.text, limits)
    seconds = request.seconds
    if seconds is not None and not limits.seconds_least <= seconds <= limits.seconds_most:
        raise BadRequest(
            f"'seconds' must lie between {limits.seconds_least:g} and {limits.seconds_most:g}; got {seconds:g}"
        )
    _check_seed(request.seed)
    if not 1 <= request.variations <= limits.variations:
        raise BadRequest(f"'variations' must be 1 to {limits.variations}; got {request.variations}")
    if request.deadline_s is not None and not request.deadline_s > 0:
        raise BadRequest(f"'deadline_s' must be more than 0 seconds; got {request.deadline_s:g}")
    if request.caption and (task.gives == "text" or manifest.task("motion-to-text") is None):
        raise BadRequest(f"task {task.name!r} of bundle {manifest.name!r} has no captions; leave 'caption' out")
    skeleton = _skeleton(request.rig, manifest, limits)
    for name in _POSES:
        pose: Pose | None = getattr(request, name)
        if pose is not None:
            _check_pose(name, pose, skeleton, manifest, limits)
    return task


def check_stream(request: OpenStream, manifest: Manifest, limits: Limits) -> None:
    """Raises BadRequest or UnknownTask where such a live session cannot be, naming the field that is wrong."""
    tasks = ("prediction", "text-to-motion" if request.text.strip() else "unconditional")
    missing = [name for name in tasks if manifest.task(name) is None]
    if missing:
        raise UnknownTask(f"bundle {manifest.name!r} has no task {missing[0]!r}, which a live session needs")
    _check_text(request.text, limits)
    _check_seed(request.seed)
    if not 1 <= request.agents <= limits.agents:
        raise BadRequest(f"'agents' must be 1 to {limits.agents}; got {request.agents}")
    _check_replan(request.replan, limits)
    if request.publish is not None and not ID.fullmatch(request.publish):
        raise BadRequest(f"'publish' must be 1 to 64 letters, digits, '.', '_' or '-'; got {_short(request.publish)}")
    if request.places is not None and len(request.places) != request.agents:
        raise BadRequest(f"'places' has {len(request.places)} rows for {request.agents} agents; give one for each")
    skeleton = _skeleton(request.rig, manifest, limits)
    if request.past is not None:
        if request.agents != 1 or request.places is not None:
            raise BadRequest("'past' says where one agent begins; leave it out with 'places' or with several agents")
        _check_pose("past", request.past, skeleton, manifest, limits)


def replan_of(request: OpenStream, limits: Limits) -> int:
    """The replan buffer of a live session, frames: within the limits too where the client asks for none."""
    if request.replan is not None:
        return request.replan
    return max(limits.replan_least, min(REPLAN, limits.replan_most))


def check_steer(order: Steer, agents: int, limits: Limits) -> None:
    """Raises BadRequest where a live session of so many agents cannot be steered so."""
    if order.agent is not None and not 0 <= order.agent < agents:
        raise BadRequest(f"'agent' must be 0 to {agents - 1} in this live session; got {order.agent}")
    _check_text(order.text or "", limits)
    _check_replan(order.replan, limits)
    if order.speed is not None and not 0 <= order.speed <= limits.speed_most:
        raise BadRequest(f"'speed' must be 0 to {limits.speed_most:g}; got {order.speed:g}")
    ways = [name for name in ("heading", "target") if getattr(order, name) is not None]
    if len(ways) + order.free > 1:
        raise BadRequest("'heading', 'target' and 'free' are three ways to go; give one of them")
    if any(abs(number) > _FAR for number in (order.heading or 0.0, *(order.target or ()))):
        raise BadRequest(f"'heading' and 'target' must lie within {_FAR:g}; got {order.heading}, {order.target}")


def _check_text(text: str, limits: Limits) -> None:
    if len(text) > limits.text_characters:
        raise BadRequest(
            f"the text has {len(text)} characters and at most {limits.text_characters} are allowed; "
            "shorten it, or ask for its parts one after the other"
        )


def _check_seed(seed: int | None) -> None:
    if seed is not None and not 0 <= seed < SEEDS:
        raise BadRequest(f"'seed' must be a whole number from 0 to {SEEDS - 1}; got {seed}")


def _check_replan(replan: int | None, limits: Limits) -> None:
    if replan is not None and not limits.replan_least <= replan <= limits.replan_most:
        raise BadRequest(f"'replan' must be {limits.replan_least} to {limits.replan_most} frames; got {replan}")


def _skeleton(rig: Rig | None, manifest: Manifest, limits: Limits) -> Skeleton:
    """What poses of a request are on."""
    if rig is None:
        return manifest.skeleton
    if len(rig.joints) > limits.joints:
        raise BadRequest(f"the rig has {len(rig.joints)} joints and at most {limits.joints} are allowed")
    try:
        return Skeleton(rig.name, rig.joints, rig.parents, rig.offsets)
    except BadClip as error:
        raise BadRequest(f"the rig cannot be used: {error}") from error


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


def _check_pose(name: str, pose: Pose, skeleton: Skeleton, manifest: Manifest, limits: Limits) -> None:
    frames, joints = pose.rotations.shape[:2]
    least, most = manifest.motion.frames_per_token, math.ceil(limits.seconds_most * manifest.fps)
    if joints != len(skeleton):
        raise BadRequest(
            f"{name!r} has {joints} joints and skeleton {skeleton.name!r} has {len(skeleton)}; "
            "retarget the motion to it first, or send your own skeleton as 'rig'"
        )
    if not least <= frames <= most:
        raise BadRequest(f"{name!r} must have {least} to {most} frames at {manifest.fps:g} a second; got {frames}")


def _short(text: str) -> str:
    return repr(text) if len(text) <= 60 else repr(text[:57] + "...")
