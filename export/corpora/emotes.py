"""Emotes of Decentraland's avatars: one GLB an action, made by animators, on the spot.

Left out: a T-pose in the file of the one-handed swing.
"""

from __future__ import annotations

from pathlib import Path

from export.corpora import archive, phrase
from export.corpora.archive import MORE
from export.corpora.trial import Trial, symmetric

FOLDER = "decentraland_emotes"
LICENCE = "Apache-2.0"
WORDINGS = 16

# File -> animation in it, action label, sentences; written after looking at the motion.
EMOTES: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "Button_45": ("Button_45", "press-button", (
        "a person presses a button",
        "a person bends a little and presses a low button with the right hand",
        "someone reaches down in front with the right hand and pushes a button",
    )),
    "Button_Front": ("Button_Front", "press-button", (
        "a person presses a button",
        "a person presses a button in front of the chest with the right hand",
        "someone stretches the right arm forward, pushes a button and lowers the arm",
    )),
    "Crafting": ("Crafting", "craft", (
        "a person crafts something with both hands",
        "a person works on something in front of the belly with both hands",
        "someone stands and builds something by hand",
    )),
    "Get_Hit": ("Hit", "get-hit", (
        "a person gets hit",
        "a person is hit, ducks and holds the left arm up in front of the face",
        "someone flinches under a blow and straightens up",
    )),
    "KO": ("KO", "fall", (
        "a person falls down",
        "a person is knocked out, drops to the knees and falls forward onto the belly",
        "someone is beaten, collapses forward and lies on the ground",
    )),
    "Lever": ("Lever", "pull-lever", (
        "a person pulls a lever",
        "a person reaches forward, takes hold of a lever and pulls it",
        "someone works a big lever with the hands and steps back upright",
    )),
    "OpenChest": ("OpenChest", "open-chest", (
        "a person opens a chest",
        "a person squats, takes the lid of a chest with both hands and lifts it",
        "someone crouches, opens a box and stands up",
    )),
    "OpenDoor": ("Open_Door", "open-door", (
        "a person opens a door",
        "a person reaches for a door handle with the right hand and opens the door",
        "someone takes hold of a door with the right hand and swings it open",
    )),
    "Punch": ("Punch", "punch", (
        "a person punches",
        "a person draws the right arm back and throws a punch",
        "someone strikes straight ahead with the right fist",
    )),
    "Push": ("Push", "push", (
        "a person pushes something",
        "a person pushes something away with both hands",
        "someone leans forward and shoves with both arms",
    )),
    "SittingChair_v01": ("Sitting_Chair_v01", "sit", (
        "a person sits on a chair",
        "a person sits on a chair with one leg crossed over the other",
        "someone sits still with crossed legs",
    )),
    "SittingChair_v02": ("Sitting_Chair_v02", "sit", (
        "a person sits on a chair",
        "a person sits on a chair, both hands between the thighs",
        "someone sits still on a seat",
    )),
    "SittingGround_v01": ("Sitting_Ground_v01", "sit", (
        "a person sits on the ground",
        "a person sits on the ground leaning back on the right hand",
        "someone sits relaxed on the floor with one knee up",
    )),
    "SittingGround_v02": ("Sitting_Ground_v02", "sit", (
        "a person sits on the ground",
        "a person sits on the ground with the knees drawn up",
        "someone sits still on the floor with bent legs",
    )),
    "Swing_DoubleHanded": ("Swing_Hammer", "smash", (
        "a person swings a hammer",
        "a person lifts a heavy hammer overhead with both hands and smashes it down",
        "someone strikes down to the ground with both hands and straightens up",
    )),
    "Swing_OneHand": ("Sword_Slash", "slash", (
        "a person swings a sword",
        "a person raises the right hand and slashes downward with a sword",
        "someone slashes with one hand",
    )),
    "Throw": ("Throw", "throw", (
        "a person throws something",
        "a person draws the right arm back and throws something forward",
        "someone throws overhand with the right hand",
    )),
}  # fmt: skip


def trials(more: Path) -> list[Trial]:
    """All emotes of the table, in its order. Raises BadFile where a file is missing."""
    for file in EMOTES:
        archive.inside(more / FOLDER, f"{file}.glb")
    return [
        symmetric(
            "emotes", take, MORE + FOLDER, f"{file}.glb#{take}", LICENCE,
            phrase.neutral_wordings(take, sentences, WORDINGS), action,
        )
        for file, (take, action, sentences) in EMOTES.items()
    ]  # fmt: skip
