"""Rigs of animators' programs and services: Mixamo, MotionBuilder, Biped, Character Creator, Daz, SMPL."""

from __future__ import annotations

from tests.motion.rigs.rig import Rig, build, fingers, limbs, renamed


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
        {fingers("{s}Hand{f}{i}", ("Thumb", "Index", "Middle", "Ring", "Pinky"), "{s}Hand")}
        {{s}}UpLeg | Hips | hip
        {{s}}Leg | {{s}}UpLeg | knee
        {{s}}Foot | {{s}}Leg | ankle
        {{s}}ToeBase | {{s}}Foot | ball
        {{s}}Toe_End | {{s}}ToeBase | toe
    """
    parts = limbs(
        "{s}UpLeg", "{s}Leg", "{s}Foot", "{s}ToeBase", "{s}Shoulder", "{s}Arm", "{s}ForeArm", "{s}Hand",
        "Hips", "Spine2", "Neck", "Head",
    )  # fmt: skip
    return renamed(build("mixamo", lines, ("Left", "Right"), parts), lambda joint: prefix + joint)


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
        {fingers("{s}Hand{f}{i}", ("Thumb", "Index", "Middle", "Ring", "Pinky"), "{s}Hand")}
        Neck | Spine3 | neck
        Neck1 | Neck | neck2
        Head | Neck1 | head
    """
    parts = limbs(
        "{s}UpLeg", "{s}Leg", "{s}Foot", "{s}ToeBase", "{s}Shoulder", "{s}Arm", "{s}ForeArm", "{s}Hand",
        "Hips", "Spine3", "Neck", "Head",
    )  # fmt: skip
    return renamed(build("motionbuilder", lines, ("Left", "Right"), parts), lambda joint: f"Actor_01:{joint}")


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
        {fingers("CC_Base_{s}_{f}{i}", ("Thumb", "Index", "Mid", "Ring", "Pinky"), "CC_Base_{s}_Hand")}
    """
    parts = limbs(
        *(f"CC_Base_{{s}}_{part}" for part in
          ("Thigh", "Calf", "Foot", "ToeBase", "Clavicle", "Upperarm", "Forearm", "Hand")),
        *(f"CC_Base_{part}" for part in ("Pelvis", "Spine02", "NeckTwist01", "Head")),
    )  # fmt: skip
    return build("character creator", lines, ("L", "R"), parts, droop=40)


def genesis8() -> Rig:
    """Daz Genesis 8: bend and twist bones in one chain."""
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
        {fingers("{s}{f}{i}", ("Thumb", "Index", "Mid", "Ring", "Pinky"), "{s}Hand")}
        neckLower | chestUpper | neck
        neckUpper | neckLower | neck2
        head | neckUpper | head
        upperFaceRig | head | head
        {{s}}Eye | head | eye
        lowerJaw | head | jaw
    """
    parts = limbs(
        "{s}ThighBend", "{s}Shin", "{s}Foot", "{s}Toe", "{s}Collar", "{s}ShldrBend", "{s}ForearmBend", "{s}Hand",
        "pelvis", "chestUpper", "neckLower", "head",
    )  # fmt: skip
    return build("daz 8", lines, ("l", "r"), parts, droop=45)


def genesis9() -> Rig:
    """Daz Genesis 9: twist bones beside the limbs."""
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
        {fingers("{s}_{f}{i}", ("thumb", "index", "mid", "ring", "pinky"), "{s}_hand")}
        neck1 | spine4 | neck
        neck2 | neck1 | neck2
        head | neck2 | head
        lowerjaw | head | jaw
        {{s}}_eye | head | eye
    """
    parts = limbs(
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
        {fingers("Bip001 {s} Finger{f}{i}", ("0", "1", "2", "3", "4"), "Bip001 {s} Hand")}
        Bip001 Head | Bip001 Neck | head
        Bip001 HeadNub | Bip001 Head | top
    """
    parts = limbs(
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
    parts = limbs(
        *(f"m_avg_{{s}}_{part}" for part in
          ("Hip", "Knee", "Ankle", "Foot", "Collar", "Shoulder", "Elbow", "Wrist")),
        *(f"m_avg_{part}" for part in ("Pelvis", "Spine3", "Neck", "Head")),
    )  # fmt: skip
    return build("smpl", lines, ("L", "R"), parts)
