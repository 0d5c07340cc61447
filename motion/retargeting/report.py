"""What retargeting did: which joint was taken for what, how sure that is, and what was left alone."""

from __future__ import annotations

from dataclasses import dataclass

from motion.retargeting.humanoid import Humanoid
from motion.retargeting.joint_names import is_tip
from motion.retargeting.transfer import Transfer

_SHOWN = 8  # joints listed by name before the rest are counted


@dataclass(frozen=True)
class Pairing:
    """One role and who plays it on either side."""

    role: str
    source: str | None
    """joint name; None where the source has none"""
    target: str | None
    guessed: bool
    """whether either was told by the skeleton's shape and not by a name or a sheet"""


@dataclass(frozen=True)
class Report:
    """The choices of one retargeting."""

    source: str
    target: str
    pairs: tuple[Pairing, ...]
    unread: tuple[str, ...]
    """joints of the source whose rotation is not used"""
    idle: tuple[str, ...]
    """joints of the target that stay at rest"""
    notes: tuple[str, ...]
    """sentences about what the rigs lack"""
    scale: float
    """the target's size over the source's"""

    @staticmethod
    def of(way: Transfer) -> Report:
        """Of the way from one body to another."""
        source, target = way.source, way.target
        pairs = tuple(
            Pairing(
                role,
                _name(source, role),
                _name(target, role),
                "guessed" in (source.map.how.get(role), target.map.how.get(role)),
            )
            for role in dict.fromkeys((*target.roles, *source.roles, *way.fingers))
        )
        notes = [
            f"the rest pose of {body.skeleton.name!r} is no stance: its axes are told by the motion"
            for body in (source, target)
            if not body.standing
        ]
        for part, follower in (("collar", "chest"), ("foot", "ankle")):
            lacks = [f"{side}_{part}" for side in ("left", "right") if f"{side}_{part}" not in source.map.roles]
            if any(role in target.map.roles for role in lacks):
                notes.append(f"the source has no {' and no '.join(lacks)}: the target's go with the {follower}")
        if len(source.spine) != len(target.spine):
            notes.append(
                f"the source bends its trunk at {len(source.spine) + 1} joints, the target at {len(target.spine) + 1}"
            )
        return Report(
            source.skeleton.name,
            target.skeleton.name,
            pairs,
            _others(source, way.fingers),
            _others(target, way.fingers),
            tuple(notes),
            way.scale,
        )

    @property
    def guessed(self) -> tuple[Pairing, ...]:
        """The pairs to look at."""
        return tuple(pair for pair in self.pairs if pair.guessed)

    def __str__(self) -> str:
        """A page of text."""
        wide = max((len(pair.source or "-") for pair in self.pairs), default=1)
        mapped = [pair for pair in self.pairs if pair.source and pair.target]
        lines = [
            f"{self.source} -> {self.target}: {len(mapped)} roles mapped, {len(self.guessed)} of them guessed, "
            f"size x {self.scale:.3g}"
        ]
        lines += [
            f"  {pair.role:15s} {pair.source or '-':{wide}s} -> {pair.target or '-'}{'   (guessed)' * pair.guessed}"
            for pair in self.pairs
        ]
        lines += [f"  note: {note}" for note in self.notes]
        lines += [f"  not read from the source: {_listed(self.unread)}"] * bool(self.unread)
        lines += [f"  left at rest on the target: {_listed(self.idle)}"] * bool(self.idle)
        return "\n".join(lines)


def _name(body: Humanoid, role: str) -> str | None:
    joints = body.map.roles | body.map.fingers
    return body.skeleton.joints[joints[role]] if role in joints else None


def _others(body: Humanoid, fingers: tuple[str, ...]) -> tuple[str, ...]:
    used = {*body.joints.values(), *(body.map.fingers[name] for name in fingers)}
    return tuple(joint for i, joint in enumerate(body.skeleton.joints) if i not in used and not is_tip(joint))


def _listed(joints: tuple[str, ...]) -> str:
    shown = ", ".join(joints[:_SHOWN])
    return shown if len(joints) <= _SHOWN else f"{shown} and {len(joints) - _SHOWN} more"
