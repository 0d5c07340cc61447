"""Blender's Rigify: the meta-rig, and what is generated from it."""

from __future__ import annotations

from tests.motion.rigs.rig import Rig, build, limbs, renamed

_RIGIFY = """
    spine | | pelvis
    pelvis{s} | spine | buttock
    thigh{s} | spine | hip
    shin{s} | thigh{s} | knee
    foot{s} | shin{s} | ankle
    toe{s} | foot{s} | ball
    heel.02{s} | foot{s} | heel
    spine.001 | spine | spine1
    spine.002 | spine.001 | spine2
    spine.003 | spine.002 | spine3
    breast{s} | spine.003 | breast
    shoulder{s} | spine.003 | collar
    upper_arm{s} | shoulder{s} | shoulder
    forearm{s} | upper_arm{s} | elbow
    hand{s} | forearm{s} | wrist
    palm.01{s} | hand{s} | palm
    f_index.01{s} | palm.01{s} | index1
    f_index.02{s} | f_index.01{s} | index2
    palm.02{s} | hand{s} | palm
    f_middle.01{s} | palm.02{s} | middle1
    f_middle.02{s} | f_middle.01{s} | middle2
    palm.03{s} | hand{s} | palm
    f_ring.01{s} | palm.03{s} | ring1
    f_ring.02{s} | f_ring.01{s} | ring2
    spine.004 | spine.003 | neck
    spine.005 | spine.004 | neck2
    spine.006 | spine.005 | head
    face | spine.006 | head
    eye{s} | face | eye
    jaw | face | jaw
"""


_RIGIFY_PARTS = limbs(
    "thigh{s}", "shin{s}", "foot{s}", "toe{s}", "shoulder{s}", "upper_arm{s}", "forearm{s}", "hand{s}",
    "spine", "spine.003", "spine.004", "spine.006",
)  # fmt: skip


def rigify_meta(prefix: str = "") -> Rig:
    """Rigify's meta-rig, or the same bones under a prefix."""
    return renamed(build("rigify", _RIGIFY, (".L", ".R"), _RIGIFY_PARTS), lambda joint: prefix + joint)


def rigify() -> Rig:
    """A generated Rigify rig: limbs of two deform bones each, and a second body of controls beside them."""
    lines = _RIGIFY.replace(" | thigh{s} |", " | thigh{s}.001 |").replace(" | upper_arm{s} |", " | upper_arm{s}.001 |")
    lines = lines.replace("    shin{s} ", "    thigh{s}.001 | thigh{s} | hip/knee\n    shin{s} ")
    lines = lines.replace("    forearm{s} ", "    upper_arm{s}.001 | upper_arm{s} | shoulder/elbow\n    forearm{s} ")
    body: list[str] = ["root | | floor", "torso | root | pelvis"]
    for prefix in ("ORG-", "MCH-", "DEF-"):
        for line in lines.strip().splitlines():
            joint, parent, place = (part.strip() for part in line.split("|"))
            body.append(f"{prefix}{joint} | {prefix + parent if parent else 'torso'} | {place}")
    body += ["thigh_fk{s} | torso | hip", "shin_fk{s} | thigh_fk{s} | knee", "foot_ik{s} | root | ankle"]
    parts = {role: f"DEF-{joint}" for role, joint in _RIGIFY_PARTS.items()}
    return build("rigify generated", "\n".join(body), (".L", ".R"), parts)
