"""What a request brought forth, typed: events on their way, and the whole in the end."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from motion.clip import Clip
from motion.errors import BadRequest
from motion.protocol import Done, Frames, Pose, Rig, Welcome
from motion.protocol.dialogue import Event
from motion.skeleton import Skeleton


@dataclass(frozen=True)
class Result:
    """All that a request brought forth."""

    clip: Clip | None
    """the first motion; None where what was done gives text"""
    text: str
    done: Done
    clips: tuple[Clip, ...] = ()
    """every motion, one for each variation"""
    captions: tuple[str, ...] = ()
    """what they show, where that was asked for"""

    @property
    def task(self) -> str:
        """What was done: the task that was asked for, or what "auto" chose; "" of a server that does not say."""
        return self.done.task

    @property
    def familiar(self) -> float | None:
        """How near the sentence lies to what the bundle learned, 0 to 1; None where that is not known."""
        return self.done.familiar

    @property
    def nearest(self) -> tuple[str, ...]:
        """Up to three things that the bundle can do and that lie nearest to the sentence."""
        return self.done.nearest


class Gathering:
    """Puts together what comes of one request, on `skeleton`."""

    def __init__(self, skeleton: Skeleton) -> None:
        self._skeleton = skeleton
        self._blocks: dict[int, list[Frames]] = {}

    def add(self, event: Event) -> None:
        """One more event."""
        if isinstance(event, Frames):
            self._blocks.setdefault(event.variation, []).append(event)

    @property
    def clips(self) -> tuple[Clip, ...]:
        """The motions so far, those of the first variations first."""
        return tuple(self._clip(self._blocks[variation]) for variation in sorted(self._blocks))

    @property
    def clip(self) -> Clip | None:
        """The first motion so far, or None while there are no frames."""
        return self._clip(self._blocks[0]) if 0 in self._blocks else None

    def result(self, done: Done) -> Result:
        """The whole."""
        clips = self.clips
        return Result(clips[0] if clips else None, done.text, done, clips, done.captions)

    def _clip(self, blocks: list[Frames]) -> Clip:
        return Clip(
            self._skeleton,
            blocks[0].fps,
            np.concatenate([block.rotations for block in blocks]),
            np.concatenate([block.root for block in blocks]),
            np.concatenate([block.contacts for block in blocks]),
        )


def skeleton_of(welcome: Welcome) -> Skeleton:
    """The skeleton that frames are for where no rig is given."""
    return Skeleton(welcome.skeleton, welcome.joints, welcome.parents, welcome.offsets)


def rig_of(skeleton: Skeleton | None) -> Rig | None:
    """A skeleton as a request carries it."""
    return None if skeleton is None else Rig(skeleton.name, skeleton.joints, skeleton.parents, skeleton.offsets)


def pose_of(name: str, clip: Clip | None, skeleton: Skeleton, fps: float) -> Pose | None:
    """A clip as a request carries it. Raises BadRequest where it is on another skeleton or rate."""
    if clip is None:
        return None
    if clip.skeleton.joints != skeleton.joints:
        raise BadRequest(
            f"{name!r} is on skeleton {clip.skeleton.name!r} and the request on {skeleton.name!r}: "
            "motion.retargeting.retarget takes it there, or give its own skeleton as `rig`"
        )
    if abs(clip.fps - fps) > 1e-3:
        raise BadRequest(
            f"{name!r} has {clip.fps:g} frames a second and the server {fps:g}: motion.clip.resample takes it there"
        )
    return Pose(clip.rotations, clip.root)
