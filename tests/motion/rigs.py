"""Rigs of other makers, built from their documented joint names and the proportions of an adult.

Each line of a rig is a joint, its parent and its place; `{s}` stands for either side. Twist bones, fingers, controls
and helpers are there as their makers have them. Arms hang down by the rig's own angle from a T-pose.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from motion import quat
from motion.joint_names import ARM, LEG
from motion.quat import F32
from motion.skeleton import Skeleton

FINGERS = ("thumb", "index", "middle", "ring", "pinky")
# The left half of an adult in a T-pose, metres above the floor, facing +Z.
_PLACES: dict[str, tuple[float, float, float]] = {
    "floor": (0, 0, 0), "pelvis": (0, 0.96, 0), "waist": (0, 1.0, -0.01), "spine1": (0, 1.06, -0.01),
    "spine2": (0, 1.18, -0.015), "spine3": (0, 1.29, -0.02), "chest": (0, 1.36, -0.02), "neck": (0, 1.48, -0.03),
    "neck2": (0, 1.53, -0.02), "head": (0, 1.59, -0.01), "top": (0, 1.78, 0), "jaw": (0, 1.6, 0.03),
    "eye": (0.03, 1.66, 0.07), "hip": (0.09, 0.9, 0), "buttock": (0.03, 0.95, -0.02), "knee": (0.095, 0.48, 0.01),
    "ankle": (0.1, 0.085, -0.02), "heel": (0.1, 0.0, -0.07), "ball": (0.11, 0.02, 0.11), "toe": (0.11, 0.015, 0.18),
    "collar": (0.02, 1.44, 0.01), "shoulder": (0.17, 1.44, -0.02), "elbow": (0.45, 1.44, -0.03),
    "wrist": (0.71, 1.44, -0.02), "palm": (0.74, 1.44, -0.02), "breast": (0.08, 1.3, 0.1),
    "thumb1": (0.74, 1.425, 0.02), "thumb2": (0.77, 1.42, 0.04), "thumb3": (0.795, 1.415, 0.055),
    "index1": (0.8, 1.44, 0.01), "index2": (0.84, 1.44, 0.012), "index3": (0.865, 1.44, 0.013),
    "middle1": (0.805, 1.44, -0.015), "middle2": (0.85, 1.44, -0.015), "middle3": (0.88, 1.44, -0.015),
    "ring1": (0.8, 1.438, -0.035), "ring2": (0.84, 1.438, -0.037), "ring3": (0.866, 1.438, -0.038),
    "pinky1": (0.79, 1.434, -0.055), "pinky2": (0.82, 1.434, -0.058), "pinky3": (0.84, 1.434, -0.06),
}  # fmt: skip
_ON_ARM = ("elbow", "wrist", "palm", *(f"{finger}{i}" for finger in FINGERS for i in (1, 2, 3)))


@dataclass(frozen=True)
class Rig:
    """A rig and who plays which role in it."""

    skeleton: Skeleton
    roles: dict[str, str]
    """role -> joint name"""


def _place(word: str, left: bool, droop: float, roll: float) -> F32:
    """A place by name; "elbow/wrist" is the middle of two; on the right where `left` is not."""
    names = word.split("/")
    at = np.mean([_posed(name, droop, roll) for name in names], axis=0)
    return (at * (1 if left else -1, 1, 1)).astype(np.float32)


def _posed(name: str, droop: float, roll: float) -> F32:
    at = np.array(_PLACES[name], np.float32)
    if name not in _ON_ARM:
        return at
    shoulder, wrist = (np.array(_PLACES[joint], np.float32) for joint in ("shoulder", "wrist"))
    if name not in ("elbow", "wrist"):
        inward = quat.from_axis_angle(np.array([1, 0, 0], np.float32), np.array(np.radians(roll), np.float32))
        at = wrist + quat.rotate(inward, at - wrist)
    down = quat.from_axis_angle(np.array([0, 0, 1], np.float32), np.array(-np.radians(droop), np.float32))
    return shoulder + quat.rotate(down, at - shoulder)


def build(
    name: str, lines: str, sides: tuple[str, str], parts: dict[str, str], droop: float = 0.0, roll: float = 0.0
) -> Rig:
    """A rig from its lines; `parts` are joint names by role, with {s} for the side.

    In degrees: `droop` is how far arms hang down from a T-pose, `roll` how far palms are turned to the body.
    """
    rows: list[tuple[str, str, F32]] = []
    for line in lines.strip().splitlines():
        joint, parent, place = (part.strip() for part in line.split("|"))
        for left, side in ((True, sides[0]), (False, sides[1])):
            if left or "{s}" in joint:
                rows.append((joint.format(s=side), parent.format(s=side), _place(place, left, droop, roll)))
    order = [row[0] for row in rows]
    at = np.stack([row[2] for row in rows])
    parents = tuple(order.index(row[1]) if row[1] else -1 for row in rows)
    offsets = np.stack([at[i] - (at[p] if p >= 0 else 0) for i, p in enumerate(parents)]).astype(np.float32)
    roles: dict[str, str] = {}
    for role, joint in parts.items():
        if role in (*LEG, *ARM):
            roles |= {f"left_{role}": joint.format(s=sides[0]), f"right_{role}": joint.format(s=sides[1])}
        else:
            roles[role] = joint
    return Rig(Skeleton(name, tuple(order), parents, offsets), roles)


def _limbs(*names: str) -> dict[str, str]:
    """Joint names of hip, knee, ankle, foot, collar, shoulder, elbow, wrist, then pelvis, chest, neck, head."""
    return dict(zip((*LEG, *ARM, "pelvis", "spine3", "neck", "head"), names, strict=True))


def _fingers(pattern: str, names: tuple[str, ...], hand: str) -> str:
    """Lines of five fingers of three joints; the pattern has {f} for the finger and {i} for the joint."""
    lines: list[str] = []
    for finger, word in zip(FINGERS, names, strict=True):
        above = hand
        for i in (1, 2, 3):
            joint = pattern.replace("{f}", word).replace("{i}", str(i))
            lines.append(f"{joint} | {above} | {finger}{i}")
            above = joint
    return "\n".join(lines)


def mixamo(prefix: str = "mixamorig:") -> Rig:
    """Mixamo, with or without its namespace."""
    lines = f"""
        Hips | | pelvis
        Spine | Hips | spine1
        Spine1 | Spine | spine2
        Spine2 | Spine1 | spine3
        Neck | Spine2 | neck
        Head | Neck | head
        HeadTop_End | Head | top
        {{s}}Shoulder | Spine2 | collar
        {{s}}Arm | {{s}}Shoulder | shoulder
        {{s}}ForeArm | {{s}}Arm | elbow
        {{s}}Hand | {{s}}ForeArm | wrist
        {_fingers("{s}Hand{f}{i}", ("Thumb", "Index", "Middle", "Ring", "Pinky"), "{s}Hand")}
        {{s}}UpLeg | Hips | hip
        {{s}}Leg | {{s}}UpLeg | knee
        {{s}}Foot | {{s}}Leg | ankle
        {{s}}ToeBase | {{s}}Foot | ball
        {{s}}Toe_End | {{s}}ToeBase | toe
    """
    parts = _limbs(
        "{s}UpLeg", "{s}Leg", "{s}Foot", "{s}ToeBase", "{s}Shoulder", "{s}Arm", "{s}ForeArm", "{s}Hand",
        "Hips", "Spine2", "Neck", "Head",
    )  # fmt: skip
    return _renamed(build("mixamo", lines, ("Left", "Right"), parts), lambda joint: prefix + joint)


def _renamed(rig: Rig, name: Callable[[str], str]) -> Rig:
    skeleton = rig.skeleton
    joints = tuple(name(joint) for joint in skeleton.joints)
    return Rig(
        Skeleton(skeleton.name, joints, skeleton.parents, skeleton.offsets),
        {role: name(joint) for role, joint in rig.roles.items()},
    )


def motionbuilder() -> Rig:
    """MotionBuilder's characters (HIK), in a namespace, with roll bones beside and within the limbs."""
    lines = f"""
        Reference | | floor
        Hips | Reference | pelvis
        {{s}}UpLeg | Hips | hip
        {{s}}UpLegRoll | {{s}}UpLeg | hip/knee
        {{s}}Leg | {{s}}UpLeg | knee
        {{s}}LegRoll | {{s}}Leg | knee/ankle
        {{s}}Foot | {{s}}Leg | ankle
        {{s}}ToeBase | {{s}}Foot | ball
        Spine | Hips | spine1
        Spine1 | Spine | spine2
        Spine2 | Spine1 | spine3
        Spine3 | Spine2 | chest
        {{s}}Shoulder | Spine3 | collar
        {{s}}Arm | {{s}}Shoulder | shoulder
        {{s}}ArmRoll | {{s}}Arm | shoulder/elbow
        {{s}}ForeArm | {{s}}ArmRoll | elbow
        {{s}}ForeArmRoll | {{s}}ForeArm | elbow/wrist
        {{s}}Hand | {{s}}ForeArmRoll | wrist
        {_fingers("{s}Hand{f}{i}", ("Thumb", "Index", "Middle", "Ring", "Pinky"), "{s}Hand")}
        Neck | Spine3 | neck
        Neck1 | Neck | neck2
        Head | Neck1 | head
    """
    parts = _limbs(
        "{s}UpLeg", "{s}Leg", "{s}Foot", "{s}ToeBase", "{s}Shoulder", "{s}Arm", "{s}ForeArm", "{s}Hand",
        "Hips", "Spine3", "Neck", "Head",
    )  # fmt: skip
    return _renamed(build("motionbuilder", lines, ("Left", "Right"), parts), lambda joint: f"Actor_01:{joint}")


def unreal(droop: float = 50, roll: float = 60) -> Rig:
    """Unreal's mannequin: a root on the floor, an A-pose, twist bones, and the IK bones that games use."""
    lines = f"""
        root | | floor
        pelvis | root | pelvis
        spine_01 | pelvis | spine1
        spine_02 | spine_01 | spine2
        spine_03 | spine_02 | spine3
        clavicle_{{s}} | spine_03 | collar
        upperarm_{{s}} | clavicle_{{s}} | shoulder
        lowerarm_{{s}} | upperarm_{{s}} | elbow
        hand_{{s}} | lowerarm_{{s}} | wrist
        {_fingers("{f}_0{i}_{s}", ("thumb", "index", "middle", "ring", "pinky"), "hand_{s}")}
        lowerarm_twist_01_{{s}} | lowerarm_{{s}} | elbow/wrist
        upperarm_twist_01_{{s}} | upperarm_{{s}} | shoulder/elbow
        neck_01 | spine_03 | neck
        head | neck_01 | head
        thigh_{{s}} | pelvis | hip
        calf_{{s}} | thigh_{{s}} | knee
        calf_twist_01_{{s}} | calf_{{s}} | knee/ankle
        foot_{{s}} | calf_{{s}} | ankle
        ball_{{s}} | foot_{{s}} | ball
        thigh_twist_01_{{s}} | thigh_{{s}} | hip/knee
        ik_foot_root | root | floor
        ik_foot_{{s}} | ik_foot_root | ankle
        ik_hand_root | root | floor
        ik_hand_gun | ik_hand_root | wrist
        ik_hand_{{s}} | ik_hand_gun | wrist
    """
    parts = _limbs(
        "thigh_{s}", "calf_{s}", "foot_{s}", "ball_{s}", "clavicle_{s}", "upperarm_{s}", "lowerarm_{s}", "hand_{s}",
        "pelvis", "spine_03", "neck_01", "head",
    )  # fmt: skip
    return build("unreal", lines, ("l", "r"), parts, droop, roll)


def vrm() -> Rig:
    """VRoid's VRM models: names that begin alike, hair and skirt that swing."""
    lines = f"""
        Root | | floor
        J_Bip_C_Hips | Root | pelvis
        J_Bip_C_Spine | J_Bip_C_Hips | spine1
        J_Bip_C_Chest | J_Bip_C_Spine | spine2
        J_Bip_C_UpperChest | J_Bip_C_Chest | spine3
        J_Sec_{{s}}_Bust1 | J_Bip_C_UpperChest | breast
        J_Bip_C_Neck | J_Bip_C_UpperChest | neck
        J_Bip_C_Head | J_Bip_C_Neck | head
        J_Adj_{{s}}_FaceEye | J_Bip_C_Head | eye
        J_Sec_Hair1_01 | J_Bip_C_Head | top
        J_Sec_Hair2_01 | J_Sec_Hair1_01 | spine3
        J_Bip_{{s}}_Shoulder | J_Bip_C_UpperChest | collar
        J_Bip_{{s}}_UpperArm | J_Bip_{{s}}_Shoulder | shoulder
        J_Bip_{{s}}_LowerArm | J_Bip_{{s}}_UpperArm | elbow
        J_Bip_{{s}}_Hand | J_Bip_{{s}}_LowerArm | wrist
        {_fingers("J_Bip_{s}_{f}{i}", ("Thumb", "Index", "Middle", "Ring", "Little"), "J_Bip_{s}_Hand")}
        J_Bip_{{s}}_UpperLeg | J_Bip_C_Hips | hip
        J_Bip_{{s}}_LowerLeg | J_Bip_{{s}}_UpperLeg | knee
        J_Bip_{{s}}_Foot | J_Bip_{{s}}_LowerLeg | ankle
        J_Bip_{{s}}_ToeBase | J_Bip_{{s}}_Foot | ball
        J_Sec_{{s}}_SkirtSide1_01 | J_Bip_{{s}}_UpperLeg | hip
        J_Sec_{{s}}_SkirtSide2_01 | J_Sec_{{s}}_SkirtSide1_01 | hip/knee
    """
    parts = _limbs(
        *(f"J_Bip_{{s}}_{part}" for part in
          ("UpperLeg", "LowerLeg", "Foot", "ToeBase", "Shoulder", "UpperArm", "LowerArm", "Hand")),
        *(f"J_Bip_C_{part}" for part in ("Hips", "UpperChest", "Neck", "Head")),
    )  # fmt: skip
    return build("vrm", lines, ("L", "R"), parts)


def unity() -> Rig:
    """A rig that bears the names of Unity's human bones, without toes."""
    lines = f"""
        Hips | | pelvis
        {{s}}UpperLeg | Hips | hip
        {{s}}LowerLeg | {{s}}UpperLeg | knee
        {{s}}Foot | {{s}}LowerLeg | ankle
        Spine | Hips | spine1
        Chest | Spine | spine2
        UpperChest | Chest | spine3
        {{s}}Shoulder | UpperChest | collar
        {{s}}UpperArm | {{s}}Shoulder | shoulder
        {{s}}LowerArm | {{s}}UpperArm | elbow
        {{s}}Hand | {{s}}LowerArm | wrist
        {_fingers("{s}{f}{i}", ("Thumb", "Index", "Middle", "Ring", "Little"), "{s}Hand")}
        Neck | UpperChest | neck
        Head | Neck | head
        {{s}}Eye | Head | eye
        Jaw | Head | jaw
    """
    parts = _limbs(
        "{s}UpperLeg", "{s}LowerLeg", "{s}Foot", "", "{s}Shoulder", "{s}UpperArm", "{s}LowerArm", "{s}Hand",
        "Hips", "UpperChest", "Neck", "Head",
    )  # fmt: skip
    return build("unity", lines, ("Left", "Right"), {role: joint for role, joint in parts.items() if joint})


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
_RIGIFY_PARTS = _limbs(
    "thigh{s}", "shin{s}", "foot{s}", "toe{s}", "shoulder{s}", "upper_arm{s}", "forearm{s}", "hand{s}",
    "spine", "spine.003", "spine.004", "spine.006",
)  # fmt: skip


def rigify_meta(prefix: str = "") -> Rig:
    """Rigify's meta-rig, or the same bones under a prefix."""
    return _renamed(build("rigify", _RIGIFY, (".L", ".R"), _RIGIFY_PARTS), lambda joint: prefix + joint)


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


def character_creator() -> Rig:
    """Character Creator: hip above both pelvis and waist, two neck bones, twist and share bones, a face."""
    lines = f"""
        RL_BoneRoot | | floor
        CC_Base_Hip | RL_BoneRoot | pelvis
        CC_Base_Pelvis | CC_Base_Hip | pelvis
        CC_Base_{{s}}_Thigh | CC_Base_Pelvis | hip
        CC_Base_{{s}}_ThighTwist01 | CC_Base_{{s}}_Thigh | hip
        CC_Base_{{s}}_ThighTwist02 | CC_Base_{{s}}_ThighTwist01 | hip/knee
        CC_Base_{{s}}_Calf | CC_Base_{{s}}_Thigh | knee
        CC_Base_{{s}}_KneeShareBone | CC_Base_{{s}}_Calf | knee
        CC_Base_{{s}}_CalfTwist01 | CC_Base_{{s}}_Calf | knee
        CC_Base_{{s}}_Foot | CC_Base_{{s}}_Calf | ankle
        CC_Base_{{s}}_ToeBase | CC_Base_{{s}}_Foot | ball
        CC_Base_{{s}}_BigToe1 | CC_Base_{{s}}_ToeBase | toe
        CC_Base_Waist | CC_Base_Hip | waist
        CC_Base_Spine01 | CC_Base_Waist | spine1
        CC_Base_Spine02 | CC_Base_Spine01 | spine3
        CC_Base_{{s}}_RibsTwist | CC_Base_Spine02 | breast
        CC_Base_NeckTwist01 | CC_Base_Spine02 | neck
        CC_Base_NeckTwist02 | CC_Base_NeckTwist01 | neck2
        CC_Base_Head | CC_Base_NeckTwist02 | head
        CC_Base_FacialBone | CC_Base_Head | head
        CC_Base_JawRoot | CC_Base_FacialBone | jaw
        CC_Base_{{s}}_Eye | CC_Base_FacialBone | eye
        CC_Base_{{s}}_Clavicle | CC_Base_Spine02 | collar
        CC_Base_{{s}}_Upperarm | CC_Base_{{s}}_Clavicle | shoulder
        CC_Base_{{s}}_UpperarmTwist01 | CC_Base_{{s}}_Upperarm | shoulder/elbow
        CC_Base_{{s}}_Forearm | CC_Base_{{s}}_Upperarm | elbow
        CC_Base_{{s}}_ForearmTwist01 | CC_Base_{{s}}_Forearm | elbow/wrist
        CC_Base_{{s}}_Hand | CC_Base_{{s}}_Forearm | wrist
        {_fingers("CC_Base_{s}_{f}{i}", ("Thumb", "Index", "Mid", "Ring", "Pinky"), "CC_Base_{s}_Hand")}
    """
    parts = _limbs(
        *(f"CC_Base_{{s}}_{part}" for part in
          ("Thigh", "Calf", "Foot", "ToeBase", "Clavicle", "Upperarm", "Forearm", "Hand")),
        *(f"CC_Base_{part}" for part in ("Pelvis", "Spine02", "NeckTwist01", "Head")),
    )  # fmt: skip
    return build("character creator", lines, ("L", "R"), parts, droop=40)


def daz(genesis: int = 8) -> Rig:
    """Daz Genesis 8 (bend and twist bones in one chain) or 9."""
    if genesis == 8:
        lines = f"""
            Genesis8Male | | floor
            hip | Genesis8Male | pelvis
            pelvis | hip | pelvis
            {{s}}ThighBend | pelvis | hip
            {{s}}ThighTwist | {{s}}ThighBend | hip/knee
            {{s}}Shin | {{s}}ThighTwist | knee
            {{s}}Foot | {{s}}Shin | ankle
            {{s}}Metatarsals | {{s}}Foot | ankle/ball
            {{s}}Toe | {{s}}Metatarsals | ball
            abdomenLower | hip | spine1
            abdomenUpper | abdomenLower | spine2
            chestLower | abdomenUpper | spine3
            chestUpper | chestLower | chest
            {{s}}Collar | chestUpper | collar
            {{s}}ShldrBend | {{s}}Collar | shoulder
            {{s}}ShldrTwist | {{s}}ShldrBend | shoulder/elbow
            {{s}}ForearmBend | {{s}}ShldrTwist | elbow
            {{s}}ForearmTwist | {{s}}ForearmBend | elbow/wrist
            {{s}}Hand | {{s}}ForearmTwist | wrist
            {_fingers("{s}{f}{i}", ("Thumb", "Index", "Mid", "Ring", "Pinky"), "{s}Hand")}
            neckLower | chestUpper | neck
            neckUpper | neckLower | neck2
            head | neckUpper | head
            upperFaceRig | head | head
            {{s}}Eye | head | eye
            lowerJaw | head | jaw
        """
        parts = _limbs(
            "{s}ThighBend", "{s}Shin", "{s}Foot", "{s}Toe", "{s}Collar", "{s}ShldrBend", "{s}ForearmBend", "{s}Hand",
            "pelvis", "chestUpper", "neckLower", "head",
        )  # fmt: skip
        return build("daz 8", lines, ("l", "r"), parts, droop=45)
    lines = f"""
        Genesis9 | | floor
        hip | Genesis9 | pelvis
        pelvis | hip | pelvis
        {{s}}_thigh | pelvis | hip
        {{s}}_thightwist1 | {{s}}_thigh | hip
        {{s}}_thightwist2 | {{s}}_thigh | hip/knee
        {{s}}_shin | {{s}}_thigh | knee
        {{s}}_foot | {{s}}_shin | ankle
        {{s}}_toes | {{s}}_foot | ball
        {{s}}_bigtoe1 | {{s}}_toes | toe
        spine1 | hip | spine1
        spine2 | spine1 | spine2
        spine3 | spine2 | spine3
        spine4 | spine3 | chest
        {{s}}_shoulder | spine4 | collar
        {{s}}_upperarm | {{s}}_shoulder | shoulder
        {{s}}_upperarmtwist1 | {{s}}_upperarm | shoulder
        {{s}}_forearm | {{s}}_upperarm | elbow
        {{s}}_forearmtwist1 | {{s}}_forearm | elbow/wrist
        {{s}}_hand | {{s}}_forearm | wrist
        {_fingers("{s}_{f}{i}", ("thumb", "index", "mid", "ring", "pinky"), "{s}_hand")}
        neck1 | spine4 | neck
        neck2 | neck1 | neck2
        head | neck2 | head
        lowerjaw | head | jaw
        {{s}}_eye | head | eye
    """
    parts = _limbs(
        "{s}_thigh", "{s}_shin", "{s}_foot", "{s}_toes", "{s}_shoulder", "{s}_upperarm", "{s}_forearm", "{s}_hand",
        "pelvis", "spine4", "neck1", "head",
    )  # fmt: skip
    return build("daz 9", lines, ("l", "r"), parts, droop=35)


def biped() -> Rig:
    """3ds Max's Biped: legs that hang from the spine."""
    lines = f"""
        Bip001 | | pelvis
        Bip001 Pelvis | Bip001 | pelvis
        Bip001 Spine | Bip001 Pelvis | waist
        Bip001 {{s}} Thigh | Bip001 Pelvis | hip
        Bip001 {{s}} Calf | Bip001 {{s}} Thigh | knee
        Bip001 {{s}} Foot | Bip001 {{s}} Calf | ankle
        Bip001 {{s}} Toe0 | Bip001 {{s}} Foot | ball
        Bip001 {{s}} Toe0Nub | Bip001 {{s}} Toe0 | toe
        Bip001 Spine1 | Bip001 Spine | spine2
        Bip001 Neck | Bip001 Spine1 | neck
        Bip001 {{s}} Clavicle | Bip001 Neck | collar
        Bip001 {{s}} UpperArm | Bip001 {{s}} Clavicle | shoulder
        Bip001 {{s}} Forearm | Bip001 {{s}} UpperArm | elbow
        Bip001 {{s}} Hand | Bip001 {{s}} Forearm | wrist
        {_fingers("Bip001 {s} Finger{f}{i}", ("0", "1", "2", "3", "4"), "Bip001 {s} Hand")}
        Bip001 Head | Bip001 Neck | head
        Bip001 HeadNub | Bip001 Head | top
    """
    parts = _limbs(
        *(f"Bip001 {{s}} {part}" for part in
          ("Thigh", "Calf", "Foot", "Toe0", "Clavicle", "UpperArm", "Forearm", "Hand")),
        "Bip001 Pelvis", "Bip001 Neck", "Bip001 Neck", "Bip001 Head",
    )  # fmt: skip
    return build("biped", lines, ("L", "R"), parts)


def smpl() -> Rig:
    """SMPL as its authors' FBX has it: a hand joint beyond the wrist, names that begin alike."""
    lines = """
        m_avg_root | | floor
        m_avg_Pelvis | m_avg_root | pelvis
        m_avg_{s}_Hip | m_avg_Pelvis | hip
        m_avg_{s}_Knee | m_avg_{s}_Hip | knee
        m_avg_{s}_Ankle | m_avg_{s}_Knee | ankle
        m_avg_{s}_Foot | m_avg_{s}_Ankle | ball
        m_avg_Spine1 | m_avg_Pelvis | spine1
        m_avg_Spine2 | m_avg_Spine1 | spine2
        m_avg_Spine3 | m_avg_Spine2 | spine3
        m_avg_Neck | m_avg_Spine3 | neck
        m_avg_Head | m_avg_Neck | head
        m_avg_{s}_Collar | m_avg_Spine3 | collar
        m_avg_{s}_Shoulder | m_avg_{s}_Collar | shoulder
        m_avg_{s}_Elbow | m_avg_{s}_Shoulder | elbow
        m_avg_{s}_Wrist | m_avg_{s}_Elbow | wrist
        m_avg_{s}_Hand | m_avg_{s}_Wrist | middle1
    """
    parts = _limbs(
        *(f"m_avg_{{s}}_{part}" for part in
          ("Hip", "Knee", "Ankle", "Foot", "Collar", "Shoulder", "Elbow", "Wrist")),
        *(f"m_avg_{part}" for part in ("Pelvis", "Spine3", "Neck", "Head")),
    )  # fmt: skip
    return build("smpl", lines, ("L", "R"), parts)


def game() -> Rig:
    """A sparse rig for games: no collars, no toes, no neck, one bone between hips and chest."""
    lines = """
        hips | | pelvis
        spine | hips | spine1
        chest | spine | spine3
        head | chest | neck2
        upperarm.{s} | chest | shoulder
        lowerarm.{s} | upperarm.{s} | elbow
        wrist.{s} | lowerarm.{s} | wrist
        upperleg.{s} | hips | hip
        lowerleg.{s} | upperleg.{s} | knee
        foot.{s} | lowerleg.{s} | ankle
    """
    parts = _limbs(
        "upperleg.{s}", "lowerleg.{s}", "foot.{s}", "", "", "upperarm.{s}", "lowerarm.{s}", "wrist.{s}",
        "hips", "chest", "head", "head",
    )  # fmt: skip
    return build("game", lines, ("l", "r"), {role: joint for role, joint in parts.items() if joint}, droop=60)


def all_rigs() -> dict[str, Rig]:
    """Every rig by a name for a test."""
    return {
        "mixamo": mixamo(), "mixamo without namespace": mixamo(""), "motionbuilder": motionbuilder(),
        "unreal": unreal(), "vrm": vrm(), "unity": unity(), "rigify meta-rig": rigify_meta(),
        "rigify ORG": rigify_meta("ORG-"), "rigify DEF": rigify_meta("DEF-"), "rigify generated": rigify(),
        "character creator": character_creator(), "daz genesis 8": daz(8), "daz genesis 9": daz(9), "biped": biped(),
        "smpl": smpl(), "sparse game rig": game(),
    }  # fmt: skip
