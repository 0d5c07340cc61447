"""How a take looks on one armature: which frames, which channels, with what done to it.

A show is made when the take is asked for and holds the rig as it was then, so that the frames that come mean the same
until the end. The take's own frames are never changed.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field, replace

import bpy
import numpy as np

from blender_addon.armature import pins, pose, retargeting
from blender_addon.armature.channel import Channel
from blender_addon.armature.curves import Assigned, Keep
from blender_addon.armature.pose import RootOn
from blender_addon.armature.rig import Rig
from blender_addon.talk.take import Take
from motion.clip import Clip, move, resample
from motion.edit.in_place import in_place
from motion.edit.loop import loop
from motion.errors import BadClip
from motion.quat import F32


@dataclass(frozen=True)
class Wish:
    """What is done to a take's frames on their way to the armature."""

    start: float
    """the scene's frame at which the first one stands"""
    fps: float
    """of the scene"""
    root_on: RootOn = "PELVIS"
    in_place: bool = False
    loop: bool = False
    lock_feet: bool = False
    shift: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """metres in character space"""
    keep: Keep = "NOTHING"
    """what stays of the animation that was there: a take that goes on from it holds it too"""
    pins: tuple[float, ...] = ()
    """frames at which the animation that was there is met exactly"""
    rate: float = 0.0
    """keys a second; 0: the scene's, so that they stand on whole frames"""
    stride: float = 1.0
    """how far it goes over the ground, against what its legs' length makes of the source's way"""


@dataclass(frozen=True, eq=False)
class Show:
    """A take on an armature."""

    take: Take
    rig: Rig
    wish: Wish
    armature: int
    """the session uid of the armature object, which outlives renaming and undo"""
    scene: int
    """the session uid of the scene"""
    _made: dict[tuple[int, bool], Clip] = field(default_factory=dict[tuple[int, bool], Clip], repr=False)
    """the clip on the rig, as it was last made"""

    def find(self) -> bpy.types.Object | None:
        """The armature, if it is still there."""
        return next((one for one in bpy.data.objects if one.session_uid == self.armature), None)

    def find_scene(self) -> bpy.types.Scene | None:
        """The scene, if it is still there."""
        return next((one for one in bpy.data.scenes if one.session_uid == self.scene), None)

    def clip(self, final: bool) -> Clip | None:
        """The take's frames with everything done to them, at their own rate and on the server's skeleton."""
        clip = self.take.clip
        if clip is None:
            return None
        if final and self.wish.loop:
            with contextlib.suppress(BadClip):  # too short to bend: it stays as it is
                clip = loop(clip)
        if self.wish.in_place:
            clip = in_place(clip)
        return move(clip, np.array(self.wish.shift, np.float32))

    def on_rig(self, final: bool) -> Clip | None:
        """The same on the rig's skeleton, at the rate of the keys."""
        state = (self.take.version, final)
        if state not in self._made:
            self._made.clear()
            clip = self.clip(final)
            if clip is None:
                return None
            self._made[state] = self._fitted(clip, final)
        return self._made[state]

    def _fitted(self, clip: Clip, final: bool) -> Clip:
        wish = self.wish
        fresh = wish.keep == "NOTHING"  # otherwise it fits to what is there, and is not to be moved
        made = retargeting.onto(clip, self.rig, final and wish.lock_feet and fresh)
        if wish.stride != 1:
            ground = np.array([wish.stride, 1, wish.stride], np.float32)
            made = replace(made, root=made.root[:1] + (made.root - made.root[:1]) * ground)
        return resample(made, wish.rate or wish.fps)

    def channels(self, armature: bpy.types.Object, own: Assigned, final: bool) -> tuple[list[Channel], F32]:
        """The channels of all frames so far, and the frames (T,) they stand at. `own` is what animated the armature
        before; `final`: nothing more comes."""
        clip, wish = self.on_rig(final), self.wish
        if clip is None:
            return [], np.zeros(0, np.float32)
        frames = (np.arange(len(clip)) * (wish.fps / clip.fps) + wish.start).astype(np.float32)
        made = pose.channels(armature, self.rig, clip, wish.root_on)
        return pins.pinned(made, frames, wish.pins, own) if final and wish.pins else made, frames
