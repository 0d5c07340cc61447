"""Rigs of game engines and of games: Unreal, Unity, VRM, and one with the fewest joints there are."""

from __future__ import annotations

from tests.motion.rigs.rig import Rig, build, fingers, limbs


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
        {fingers("{f}_0{i}_{s}", ("thumb", "index", "middle", "ring", "pinky"), "hand_{s}")}
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
    parts = limbs(
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
        {fingers("J_Bip_{s}_{f}{i}", ("Thumb", "Index", "Middle", "Ring", "Little"), "J_Bip_{s}_Hand")}
        J_Bip_{{s}}_UpperLeg | J_Bip_C_Hips | hip
        J_Bip_{{s}}_LowerLeg | J_Bip_{{s}}_UpperLeg | knee
        J_Bip_{{s}}_Foot | J_Bip_{{s}}_LowerLeg | ankle
        J_Bip_{{s}}_ToeBase | J_Bip_{{s}}_Foot | ball
        J_Sec_{{s}}_SkirtSide1_01 | J_Bip_{{s}}_UpperLeg | hip
        J_Sec_{{s}}_SkirtSide2_01 | J_Sec_{{s}}_SkirtSide1_01 | hip/knee
    """
    parts = limbs(
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
        {fingers("{s}{f}{i}", ("Thumb", "Index", "Middle", "Ring", "Little"), "{s}Hand")}
        Neck | UpperChest | neck
        Head | Neck | head
        {{s}}Eye | Head | eye
        Jaw | Head | jaw
    """
    parts = limbs(
        "{s}UpperLeg", "{s}LowerLeg", "{s}Foot", "", "{s}Shoulder", "{s}UpperArm", "{s}LowerArm", "{s}Hand",
        "Hips", "UpperChest", "Neck", "Head",
    )  # fmt: skip
    return build("unity", lines, ("Left", "Right"), parts)


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
    parts = limbs(
        "upperleg.{s}", "lowerleg.{s}", "foot.{s}", "", "", "upperarm.{s}", "lowerarm.{s}", "wrist.{s}",
        "hips", "chest", "head", "head",
    )  # fmt: skip
    return build("game", lines, ("l", "r"), parts, droop=60)
