"""Rigs of other makers, built from their documented joint names and the proportions of an adult, by name."""

from __future__ import annotations

from tests.motion.rigs.games import game, unity, unreal, vrm
from tests.motion.rigs.rig import Rig
from tests.motion.rigs.rigify import rigify, rigify_meta
from tests.motion.rigs.studios import biped, character_creator, genesis8, genesis9, mixamo, motionbuilder, smpl


def all_rigs() -> dict[str, Rig]:
    """Every rig by a name for a test."""
    return {
        "mixamo": mixamo(), "mixamo without namespace": mixamo(""), "motionbuilder": motionbuilder(),
        "unreal": unreal(), "vrm": vrm(), "unity": unity(), "rigify meta-rig": rigify_meta(),
        "rigify ORG": rigify_meta("ORG-"), "rigify DEF": rigify_meta("DEF-"), "rigify generated": rigify(),
        "character creator": character_creator(), "daz genesis 8": genesis8(), "daz genesis 9": genesis9(),
        "biped": biped(), "smpl": smpl(), "sparse game rig": game(),
    }  # fmt: skip
