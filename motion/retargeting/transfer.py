"""The pose of one body put onto another, frame by frame.

What does not change from frame to frame is worked out once, so that a stream can be carried over as it comes: two
bodies with rest poses that stand need no motion to be known beforehand.

World: Y up. Shapes: root (T, 3), rotations (T, J, 4) local.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from motion import quat
from motion.clip import Clip
from motion.quat import F32
from motion.retargeting.alignment import LIMBS, Motion, unit
from motion.retargeting.humanoid import Humanoid, leg_length
from motion.retargeting.ik import reach, set_limb
from motion.skeleton import fk

_AIMS = 3  # rounds of swinging the trunk; the neck is then within 0.1 degrees of where it should be


@dataclass(frozen=True, eq=False)
class Transfer:
    """From one body to another."""

    source: Humanoid
    target: Humanoid
    plain: bool = False
    """as training data has it, which may not change: the trunk is one even bend, collars point where the source's do,
    and palms lie as the forearms do, whatever fingers say"""

    @cached_property
    def scale(self) -> float:
        """The target's size over the source's, by the lengths of their legs in the rest pose."""
        return leg_length(self.target.rest) / max(leg_length(self.source.rest), 1e-9)

    def carry(self, clip: Clip, reach_hands: bool = False) -> Clip:
        """The clip of the source on the target's upright skeleton; place and heading stay, the size is the target's.

        reach_hands: hands go where the source's go, rather than pointing as its arms do.
        """
        motion = self.source.read(clip, (*self.source.every, *self.fingers))
        world = self._world(motion)  # (T, M, 4)
        root, rotations = self._settle(world, motion)
        if reach_hands:
            rotations = self._reach(root, rotations, motion)
        return replace(
            clip,
            skeleton=self.target.upright_skeleton,
            rotations=rotations,
            root=root,
            offsets=None,
            contacts=None,
            betas=clip.betas if self.target.skeleton.joints == clip.skeleton.joints else None,
        )

    def _reach(self, root: F32, rotations: F32, motion: Motion) -> F32:
        """Rotations (T, J, 4) with wrists where the source's are, at the target's size."""
        skeleton, roles = self.target.upright_skeleton, self.target.map.roles
        at, world = fk(skeleton, rotations, root)
        result = rotations.copy()
        for side, bend in (("left", -1.0), ("right", 1.0)):
            shoulder, elbow, wrist = (roles[f"{side}_{part}"] for part in ("shoulder", "elbow", "wrist"))
            # From a T-pose the left elbow bends forward about the axis that points down, the right about that up.
            axis = quat.rotate(self.target.alignments[f"{side}_shoulder"], np.array([0, bend, 0], np.float32))
            hinge = quat.rotate(world[:, shoulder], axis)
            goal = motion.at[f"{side}_wrist"] * np.float32(self.scale)
            turns = reach(at[:, shoulder], at[:, elbow], at[:, wrist], goal, hinge)
            set_limb(result, world, skeleton.parents, (shoulder, elbow, wrist), turns, quat.IDENTITY)
        return result

    @cached_property
    def fingers(self) -> tuple[str, ...]:
        """The finger joints that both bodies have."""
        return () if self.plain else tuple(name for name in self.source.hands if name in self.target.hands)

    @cached_property
    def slots(self) -> dict[str, int]:
        """Where in (T, M, 4) each joint of the target lies, by name; a joint with two roles is in one place."""
        order = ("base", "pelvis", "spine3", "head", "neck", *self.target.joints)
        joints: dict[int, int] = {}
        found: dict[str, int] = {}
        for name in order:
            if name in self.target.joints:
                found[name] = joints.setdefault(self.target.joints[name], len(joints))
        for name in self.fingers:
            found[name] = joints.setdefault(self.target.map.fingers[name], len(joints))
        return found

    @cached_property
    def moved(self) -> list[int]:
        """The target's joint in each slot."""
        joints = self.target.joints | self.target.map.fingers
        by_slot = {slot: joints[name] for name, slot in self.slots.items()}
        return [by_slot[slot] for slot in range(len(by_slot))]

    @cached_property
    def _axes(self) -> F32:
        """(M, 4) what takes a canonical world rotation to that of the target's joint."""
        names = {slot: name for name, slot in reversed(self.slots.items())}
        return np.stack([quat.inv(self._alignment(self.target, names[slot])) for slot in range(len(names))])

    def _alignment(self, body: Humanoid, name: str) -> F32:
        if name in body.hands:
            return body.hands[name]
        return body.alignments[name] if self.plain else body.palms.get(name, body.alignments[name])

    @cached_property
    def _idle(self) -> tuple[F32, F32]:
        """Places (J, 3) and world rotations (J, 4) of the target in its idle pose, upright."""
        body = self.target
        at, turns = fk(body.skeleton, body.idle, body.skeleton.offsets[0])
        up = body.upright
        return quat.rotate(up, at), quat.mul(quat.mul(up, turns), quat.inv(up))

    def _vector(self, joint: int, end: F32) -> F32:
        """(3,) from a joint to a point of the idle pose, in the joint's own axes."""
        at, turns = self._idle
        return quat.rotate(quat.inv(turns[joint]), end - at[joint])

    def _world(self, motion: Motion) -> F32:
        """World rotations (T, M, 4) of the target's moved joints."""
        aligned = quat.mul(motion.turns, np.stack([self._alignment(self.source, name) for name in motion.roles]))
        canonical = {name: aligned[:, i] for i, name in enumerate(motion.roles)}  # as `smplx22` would turn
        world = np.empty((len(aligned), len(self.moved), 4), np.float32)
        pelvis, chest, head = canonical["pelvis"], canonical["spine3"], canonical["head"]

        def put(name: str, turn: F32) -> None:
            world[:, self.slots[name]] = quat.mul(turn, self._axes[self.slots[name]])

        put("pelvis", pelvis)
        if "base" in self.slots:
            put("base", pelvis)
        chain = [f"spine:{k}" for k in range(1, len(self.target.spine) + 1)] + ["spine3"]
        if self.slots["spine3"] != self.slots["pelvis"]:
            for k, name in enumerate(chain, 1):
                put(name, self._bend(canonical, k / len(chain)))
            swing = self._aim_trunk(world, chain, motion)
            chest = quat.mul(swing, chest)
        put("head", head)
        if self.slots["neck"] not in (self.slots["head"], self.slots["spine3"]):
            put("neck", self._neck(canonical, chest))
        necks = [f"neck:{k}" for k in range(1, len(self.target.necks) + 1)]
        for k, name in enumerate(necks, 1):
            put(name, quat.slerp(self._neck(canonical, chest), head, k / (len(necks) + 1)))
        for side in ("left", "right"):
            for part in ("hip", "knee", "ankle", "shoulder", "elbow", "wrist"):
                put(f"{side}_{part}", canonical[f"{side}_{part}"])
            if f"{side}_collar" in self.slots:
                put(f"{side}_collar", canonical.get(f"{side}_collar", chest))
            if f"{side}_foot" in self.slots:
                put(f"{side}_foot", canonical.get(f"{side}_foot", canonical[f"{side}_ankle"]))
        if self.fingers:
            columns = [motion.roles.index(name) for name in self.fingers]
            slots = [self.slots[name] for name in self.fingers]
            world[:, slots] = quat.mul(aligned[:, columns], self._axes[slots])
        self._aim_limbs(world, motion)
        return world

    def _bend(self, canonical: dict[str, F32], fraction: float) -> F32:
        """The turn (T, 4) of the trunk at a fraction of the way from the pelvis to the chest."""
        known = ["pelvis", "spine3"]
        if not self.plain:
            known[1:1] = [f"spine:{k}" for k in range(1, len(self.source.spine) + 1)]
        at = fraction * (len(known) - 1)
        low = min(int(at), len(known) - 2)
        return quat.slerp(canonical[known[low]], canonical[known[low + 1]], at - low)

    def _neck(self, canonical: dict[str, F32], chest: F32) -> F32:
        own = self.source.map.roles["neck"] not in (self.source.map.roles["head"], self.source.map.roles["spine3"])
        if own and not self.plain:
            return canonical["neck"]
        return quat.slerp(chest, canonical["head"], 0.5)

    def _aim_trunk(self, world: F32, chain: list[str], motion: Motion) -> F32:
        """Swings the spine in place until the line from the hips to the neck points as the source's; returns the whole
        swing (T, 4)."""
        joints = self.target.joints
        at, _ = self._idle
        hips = (at[joints["left_hip"]] + at[joints["right_hip"]]) / 2
        ends = [*(joints[name] for name in chain[1:]), joints["neck"]]
        # From the hips to the first joint of the spine, in the axes of the pelvis.
        lift_vector = self._vector(joints["pelvis"], at[joints[chain[0]]]) - self._vector(joints["pelvis"], hips)
        vectors = [self._vector(joints[name], at[end]) for name, end in zip(chain, ends, strict=True)]
        slots = [self.slots[name] for name in chain]
        direction = motion.at["neck"] - motion.hips
        lift = quat.rotate(world[:, self.slots["pelvis"]], lift_vector)
        whole = quat.IDENTITY
        for _ in range(_AIMS):
            parts = [quat.rotate(world[:, slot], vector) for slot, vector in zip(slots, vectors, strict=True)]
            trunk = sum(parts[1:], parts[0])
            # The trunk's own end should lie on the ray: swing it towards the ray's point as far away as it is now.
            length: F32 = np.linalg.norm(lift + trunk, axis=-1, keepdims=True)
            swing = quat.between(trunk, unit(direction) * length - lift)
            for slot in slots:
                world[:, slot] = quat.mul(swing, world[:, slot])
            whole = quat.mul(swing, whole)
        return whole

    @cached_property
    def _limbs(self) -> list[tuple[str, str, F32]]:
        """Limbs that both bodies have, with their vectors (3,) in the target joint's own axes. Collars begin where
        each rig likes, so that where they point says little."""
        at, _ = self._idle
        return [
            (role, end, self._vector(self.target.joints[role], at[self.target.joints[end]]))
            for role, end in LIMBS
            if role in self.slots and role in self.source.map.roles and (self.plain or not role.endswith("collar"))
        ]

    def _aim_limbs(self, world: F32, motion: Motion) -> None:
        """Swings each limb in place until it points as the source's."""
        slots = [self.slots[role] for role, _, _ in self._limbs]
        near = [motion.roles.index(role) for role, _, _ in self._limbs]
        far = [motion.roles.index(end) for _, end, _ in self._limbs]
        now = quat.rotate(world[:, slots], np.stack([vector for _, _, vector in self._limbs]))
        swing = quat.between(now, motion.places[:, far] - motion.places[:, near])
        world[:, slots] = quat.mul(swing, world[:, slots])

    def _settle(self, world: F32, motion: Motion) -> tuple[F32, F32]:
        """Root and local rotations."""
        body = self.target
        at, turns = self._idle
        order = {joint: slot for slot, joint in enumerate(self.moved)}
        above, rest = np.zeros(len(order), int), np.tile(quat.IDENTITY, (len(order), 1))
        free: list[int] = []
        for joint, slot in order.items():
            parent = body.skeleton.parents[joint]
            holder = parent
            while holder >= 0 and holder not in order:
                holder = body.skeleton.parents[holder]
            if holder >= 0:
                above[slot] = order[holder]
                rest[slot] = quat.mul(quat.inv(turns[holder]), turns[parent])  # of idle joints in between
            else:
                free.append(slot)
                if parent >= 0:
                    rest[slot] = turns[parent]
        parents = quat.mul(world[:, above], rest)
        parents[:, free] = rest[free]
        local = quat.normalize(quat.mul(quat.inv(parents), world))
        still = quat.mul(quat.mul(body.upright, body.idle), quat.inv(body.upright))
        rotations = np.broadcast_to(still, (len(world), *still.shape)).astype(np.float32)
        rotations[:, self.moved] = local
        # The root goes where the middle of the hips has to be, less the way from the root to there.
        hips = (at[body.joints["left_hip"]] + at[body.joints["right_hip"]]) / 2
        way = quat.rotate(world[:, self.slots["pelvis"]], self._vector(body.joints["pelvis"], hips))
        lower = body.joints["pelvis"]
        while lower > 0:
            upper = body.skeleton.parents[lower]
            while upper > 0 and upper not in order:
                upper = body.skeleton.parents[upper]
            turn = world[:, order[upper]] if upper in order else turns[upper]
            way = way + quat.rotate(turn, self._vector(upper, at[lower]))
            lower = upper
        return (motion.hips * np.float32(self.scale) - way).astype(np.float32), rotations
