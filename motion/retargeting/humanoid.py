"""A skeleton read as a body: which joint is what, which way is up, and how its axes stand to `smplx22`'s.

Each joint that plays a role has a constant C, its alignment: (the joint's world rotation) C is the world rotation that
the same joint of `smplx22` would have. Through these constants any body's pose is said in the canonical skeleton's
terms and put onto any other body. They come from the rest pose where it stands upright, in whatever pose of the arms,
and from a motion where the rest pose is no stance.

World: Y up. Rest: the axes of the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property

import numpy as np

from motion import quat
from motion.clip import Clip
from motion.errors import BadClip, UnknownJoint
from motion.quat import F32
from motion.retargeting import alignment, fingers
from motion.retargeting.alignment import Motion, unit
from motion.retargeting.joint_map import JointMap, map_joints
from motion.skeleton import SMPLX22, Skeleton, fk

_UP = np.array([0, 1, 0], np.float32)
_LEFT = np.array([1, 0, 0], np.float32)
_QUARTER = quat.from_axis_angle(_LEFT, np.array(-np.pi / 2, np.float32))  # Z up, facing -Y -> Y up, facing +Z
_SHORTEST = 1e-6  # metres of leg
_SAMPLE = 64  # frames looked at where joints are told by how they move


@dataclass(frozen=True, eq=False)
class Humanoid:
    """A skeleton as a body."""

    skeleton: Skeleton
    """Its offsets are the lengths that were met, where a file moves its bones."""
    map: JointMap
    standing: bool
    """the rest pose stands upright, so that it can be aligned limb by limb"""
    upright: F32
    """(4,) from the file's axes to a world with Y up"""
    alignments: dict[str, F32]
    """C (4,) by role, and by "spine:k" and "neck:k" for the joints between"""
    idle: F32
    """(J, 4) local rotations of joints that nothing moves: the rest pose, or the mean one where the rest is none"""

    @staticmethod
    def of(reference: Skeleton | Clip, sheet: Mapping[str, str] | None = None) -> Humanoid:
        """Reads a skeleton; a clip of it where the rest pose is no stance, or names say nothing. Raises UnknownJoint
        where no body is found, BadClip where only a motion could tell and none was given."""
        clip = reference if isinstance(reference, Clip) else None
        skeleton = reference.skeleton if isinstance(reference, Clip) else reference
        joints = _map(skeleton, clip, sheet)
        if clip is not None and clip.offsets is not None:
            skeleton = replace(skeleton, offsets=np.median(clip.offsets, axis=0).astype(np.float32))
        roles, rest = joints.roles, skeleton.rest_positions()
        if leg_length({role: rest[joint] for role, joint in roles.items()}) < _SHORTEST:
            raise BadClip(
                f"the legs of skeleton {skeleton.name!r} have no length, so that no motion can go to it or come from "
                "it; give the offsets of its joints"
            )
        axes = (_UP, np.array([0, 0, 1], np.float32))
        up = next((axis for axis in axes if _stands(rest, roles, axis)), None)
        standing = up is not None
        if up is None:
            if clip is None:
                raise BadClip(
                    f"the rest pose of skeleton {skeleton.name!r} is no stance (legs down, trunk up), so that it does "
                    "not tell how its joints are meant; give a motion of that skeleton in its place, or a rest pose "
                    "that stands"
                )
            # The axis along which the head stands above the feet over the clip.
            places = fk(clip.skeleton, clip.rotations, clip.root, clip.offsets)[0]
            head = (places[:, roles["head"]] - places[:, roles["left_ankle"]]).mean(axis=0)
            up = axes[int(head[2] > head[1])]
        idle = np.tile(quat.IDENTITY, (len(skeleton), 1))
        if not standing and clip is not None:
            idle = quat.mean(clip.rotations)
        body = Humanoid(skeleton, joints, standing, _QUARTER if up[2] else quat.IDENTITY, {}, idle)
        if standing:
            alignments = alignment.from_rest(body.rest)
        else:
            assert clip is not None
            alignments = alignment.from_motion(body.read(clip, body.every))
        return replace(body, alignments=alignments)

    @cached_property
    def roles(self) -> tuple[str, ...]:
        """The roles there are, in the order of `smplx22`."""
        return tuple(role for role in SMPLX22.joints if role in self.map.roles)

    @cached_property
    def spine(self) -> tuple[int, ...]:
        """Joints between the base of the trunk and the chest."""
        return tuple(self._between(self.base, self.map.roles["spine3"])[:-1])

    @cached_property
    def necks(self) -> tuple[int, ...]:
        """Joints between the neck and the head, or between chest and head where there is no neck."""
        neck, head = self.map.roles["neck"], self.map.roles["head"]
        return tuple(self._between(self.map.roles["spine3"] if neck == head else neck, head)[:-1])

    @cached_property
    def base(self) -> int:
        """Where trunk and legs part: the pelvis, or a joint above it from which both it and the spine hang."""
        above = self._above(self.map.roles["spine3"])
        return next(joint for joint in self._above(self.map.roles["pelvis"]) if joint in above)

    @cached_property
    def joints(self) -> dict[str, int]:
        """All joints that are moved, by name: the roles, and those between them as "base", "spine:k" and "neck:k"; a
        joint that plays two roles is there twice."""
        named = {role: self.map.roles[role] for role in self.roles}
        named |= {f"spine:{k}": joint for k, joint in enumerate(self.spine, 1)}
        named |= {f"neck:{k}": joint for k, joint in enumerate(self.necks, 1)}
        return named if self.base == self.map.roles["pelvis"] else {"base": self.base} | named

    @cached_property
    def every(self) -> tuple[str, ...]:
        """The names of `joints`."""
        return tuple(self.joints)

    @cached_property
    def palms(self) -> dict[str, F32]:
        """C (4,) of wrists by where index and little finger begin, for hands that have both; of elbows too where the
        rest pose tells how they are rolled."""
        found: dict[str, F32] = {}
        for side in ("left", "right"):
            ends = [self.map.fingers.get(f"{side}_{finger}1") for finger in ("index", "pinky")]
            if ends[0] is not None and ends[1] is not None:
                wrist = self.map.roles[f"{side}_wrist"]
                known = alignment.of_hand(self.alignments, side, *self._upright_places[[wrist, ends[0], ends[1]]])
                found |= known if self.standing else {f"{side}_wrist": known[f"{side}_wrist"]}
        return found

    @cached_property
    def hands(self) -> dict[str, F32]:
        """C (4,) of the finger joints by name."""
        found: dict[str, F32] = {}
        for side in ("left", "right"):
            wrist = f"{side}_wrist"
            palm = self.palms.get(wrist, self.alignments[wrist])
            for finger in fingers.FINGERS:
                names = [f"{side}_{finger}{k}" for k in range(1, fingers.BONES + 1)]
                chain = {name: self.map.fingers[name] for name in names if name in self.map.fingers}
                if chain:
                    ends = [*chain.values(), *self.skeleton.children(list(chain.values())[-1])[:1]]
                    ways = alignment.of_finger(palm, side, finger == "thumb", self._upright_places[ends], len(chain))
                    found |= dict(zip(chain, ways, strict=True))
        return found

    @cached_property
    def _upright_places(self) -> F32:
        """(J, 3) of the rest pose, Y up."""
        return quat.rotate(self.upright, self.skeleton.rest_positions())

    @cached_property
    def upright_skeleton(self) -> Skeleton:
        """The skeleton in axes with Y up."""
        if self.upright is quat.IDENTITY:
            return self.skeleton
        return replace(self.skeleton, offsets=quat.rotate(self.upright, self.skeleton.offsets))

    def raised(self, clip: Clip) -> Clip:
        """A clip in the axes of the skeleton's own files on the upright skeleton; the way back is `filed`."""
        if self.upright is quat.IDENTITY:
            return clip
        rotations = quat.mul(quat.mul(self.upright, clip.rotations), quat.inv(self.upright))
        root = quat.rotate(self.upright, clip.root)
        return replace(clip, skeleton=self.upright_skeleton, rotations=rotations, root=root)

    def filed(self, clip: Clip) -> Clip:
        """A clip of the upright skeleton in the axes of the skeleton's own files."""
        if self.upright is quat.IDENTITY:
            return clip
        back = quat.inv(self.upright)
        rotations = quat.mul(quat.mul(back, clip.rotations), self.upright)
        return replace(clip, skeleton=self.skeleton, rotations=rotations, root=quat.rotate(back, clip.root))

    def below(self, joint: int) -> list[int]:
        """A joint and all that hang from it."""
        found = [joint]
        for other in range(joint + 1, len(self.skeleton)):
            if self.skeleton.parents[other] in found:
                found.append(other)
        return found

    def _above(self, joint: int) -> list[int]:
        way = [joint]
        while self.skeleton.parents[way[-1]] >= 0:
            way.append(self.skeleton.parents[way[-1]])
        return way

    def _between(self, above: int, joint: int) -> list[int]:
        """Joints below `above` down to `joint`, that one included; empty where it does not hang from it."""
        way = self._above(joint)
        return way[: way.index(above)][::-1] if above in way else []

    def read(self, clip: Clip, roles: tuple[str, ...] | None = None) -> Motion:
        """A motion of this skeleton by role, or by the names of `joints` and of its fingers."""
        names = self.roles if roles is None else roles
        joints = self.joints | self.map.fingers
        wanted = [joints[name] for name in names]
        kept = sorted({above for joint in wanted for above in self._above(joint)})
        place = {joint: i for i, joint in enumerate(kept)}
        skeleton = clip.skeleton
        part = Skeleton(
            skeleton.name,
            tuple(skeleton.joints[joint] for joint in kept),
            tuple(place.get(skeleton.parents[joint], -1) for joint in kept),
            skeleton.offsets[kept],
        )
        offsets = None if clip.offsets is None else clip.offsets[:, kept]
        places, turns = fk(part, clip.rotations[:, kept], clip.root, offsets)
        columns = [place[joint] for joint in wanted]
        places, turns = places[:, columns], turns[:, columns]
        if self.upright is not quat.IDENTITY:
            # World and joints' own axes are turned alike, so that both rest poses stand.
            places = quat.rotate(self.upright, places)
            turns = quat.mul(quat.mul(self.upright, turns), quat.inv(self.upright))
        return Motion(names, places, turns)

    @cached_property
    def rest(self) -> dict[str, F32]:
        """(3,) of each role in the rest pose, Y up."""
        return {role: self._upright_places[joint] for role, joint in self.joints.items()}


@cache
def canonical() -> Humanoid:
    """`smplx22` as a body."""
    return Humanoid.of(SMPLX22)


def _map(skeleton: Skeleton, clip: Clip | None, sheet: Mapping[str, str] | None) -> JointMap:
    """The joint map; where names do not tell, a clip's motion helps."""
    try:
        found = map_joints(skeleton, sheet)
    except UnknownJoint:
        if clip is None:
            raise
    else:
        if clip is None or not any(how == "guessed" for role, how in found.how.items() if role.endswith("_hip")):
            return found
    few = np.linspace(0, len(clip) - 1, min(len(clip), _SAMPLE)).astype(int)
    places = fk(skeleton, clip.rotations[few], clip.root[few], None if clip.offsets is None else clip.offsets[few])[0]
    return map_joints(skeleton, sheet, places)


def _stands(at: F32, roles: Mapping[str, int], up: F32) -> bool:
    """Whether positions (J, 3) stand along `up`: legs down, trunk up."""
    down = [unit(at[roles[f"{s}_ankle"]] - at[roles[f"{s}_hip"]]) @ up for s in ("left", "right")]
    return bool(max(down) < -0.8) and float(unit(at[roles["neck"]] - at[roles["pelvis"]]) @ up) > 0.8


def leg_length(places: Mapping[str, F32]) -> float:
    """Mean length of a body's legs, metres, by where the joint of each role is: (3,), or (T, 3) over time."""
    bones = [
        np.linalg.norm(places[f"{side}_{b}"] - places[f"{side}_{a}"], axis=-1)
        for side in ("left", "right")
        for a, b in (("hip", "knee"), ("knee", "ankle"))
    ]
    return float(np.median(np.sum(bones, axis=0))) / 2
