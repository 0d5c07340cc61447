"""Game animations without conditions of use: the Quaternius library and two gestures of mesh2motion.

Nobody travels in them: walks and runs are treadmill-style, and their sentences say so. Left out are poses and what is
shorter than half a second (the T-pose, aiming a pistol, being hit), what hangs in the air for its whole length
(Jump_Loop) and a spell in which hardly anything moves (Spell_Simple_Shoot).
"""

from __future__ import annotations

from pathlib import Path

from export.corpora import archive, phrase
from export.corpora.archive import MORE
from export.corpora.trial import Trial, symmetric

FOLDER = "game_cc0"
LIBRARY = "quaternius-human-base-44.glb"
ADDED = "mesh2motion-human-addon-37.glb"
LICENCE = "CC0-1.0"
WORDINGS = 16

# Animation -> sentences; written after looking at the motion, sides read from the joints.
SENTENCES: dict[str, tuple[str, ...]] = {
    "Crouch_Fwd_Loop": (
        "a person sneaks in place, crouching low",
        "a person walks on the spot in a crouch",
        "someone takes crouched steps without moving forward",
    ),
    "Crouch_Idle_Loop": (
        "a person crouches",
        "a person stays down in a crouch and waits",
        "someone squats low and keeps still",
    ),
    "Dance_Loop": (
        "a person dances",
        "a person dances on the spot, bouncing from foot to foot",
        "someone grooves gently with bent arms",
    ),
    "Death01": (
        "a person falls down",
        "a person is hit, staggers, falls backward and lies on the back",
        "someone drops dead backward",
    ),
    "Driving_Loop": (
        "a person drives a car",
        "a person sits with both hands on a steering wheel",
        "someone sits and drives",
    ),
    "Fixing_Kneeling": (
        "a person kneels down and repairs something",
        "a person goes down on the right knee, works with both hands and stands up again",
        "someone kneels to fix something on the ground",
    ),
    "Idle_Loop": (
        "a person stands",
        "a person stands still and breathes",
        "someone stands idle",
        "a person waits, standing upright",
    ),
    "Idle_Talking_Loop": (
        "a person stands and talks",
        "a person talks with small gestures of both hands",
        "someone stands and explains something",
    ),
    "Idle_Torch_Loop": (
        "a person holds a torch",
        "a person stands with a torch in the left hand, held out in front",
        "someone stands and holds something up with the left hand",
    ),
    "Interact": (
        "a person presses a button",
        "a person stretches the left arm forward, touches something and lowers the arm",
        "someone reaches out with the left hand to press something",
    ),
    "Jog_Fwd_Loop": (
        "a person jogs in place",
        "a person runs on the spot",
        "someone runs without moving forward",
    ),
    "Jump_Land": (
        "a person lands from a jump",
        "a person drops into a squat on landing and straightens up",
        "someone lands, absorbs the shock with bent knees and rises",
    ),
    "Jump_Start": (
        "a person takes off for a jump",
        "a person rises out of a crouch and leaps up",
        "someone crouches, jumps and stays in the air",
    ),
    "PickUp_Table": (
        "a person picks something up from a table",
        "a person takes something from a table with the left hand",
        "someone reaches forward at hip height and takes an object",
    ),
    "Pistol_Idle_Loop": (
        "a person aims a pistol",
        "a person stands and aims a pistol straight ahead with both hands",
        "someone holds a gun at the ready",
    ),
    "Pistol_Reload": (
        "a person reloads a pistol",
        "a person fetches a magazine with the left hand and reloads the gun",
        "someone stands and reloads a handgun",
    ),
    "Pistol_Shoot": (
        "a person shoots a pistol",
        "a person fires a pistol straight ahead with both hands",
        "someone shoots a handgun once",
    ),
    "Punch_Cross": (
        "a person punches",
        "a person throws a cross with the right hand",
        "someone in a fighting stance punches straight with the right fist",
    ),
    "Punch_Enter": (
        "a person raises both fists",
        "a person lifts the fists into a fighting guard",
        "someone gets ready to box",
    ),
    "Punch_Jab": (
        "a person punches",
        "a person throws a jab with the left hand",
        "someone in a fighting stance punches straight with the left fist",
    ),
    "Push_Loop": (
        "a person pushes something heavy",
        "a person leans forward and pushes a heavy object, stepping in place",
        "someone shoves with both arms stretched out",
    ),
    "Roll": (
        "a person rolls forward",
        "a person dives into a forward roll and stands up",
        "someone does a roll over the ground",
    ),
    "Sitting_Enter": (
        "a person sits down",
        "a person sits down on a chair",
        "someone lowers onto a seat",
    ),
    "Sitting_Exit": (
        "a person stands up from a chair",
        "a person gets up from sitting",
        "someone rises from a seat",
    ),
    "Sitting_Idle_Loop": (
        "a person sits on a chair",
        "a person sits still, hands on the lap",
        "someone sits and waits",
    ),
    "Sitting_Talking_Loop": (
        "a person sits and talks",
        "a person sits on a chair and talks with small gestures",
        "someone sits and explains something with both hands",
    ),
    "Spell_Simple_Enter": (
        "a person casts a spell",
        "a person stretches the left arm out to cast a spell",
        "someone lifts the left arm to shoulder height, palm ahead",
    ),
    "Spell_Simple_Idle_Loop": (
        "a person casts a spell",
        "a person holds the left arm stretched out, casting a spell",
        "someone stands with the left arm held out at shoulder height",
    ),
    "Sprint_Loop": (
        "a person sprints in place",
        "a person sprints on the spot",
        "someone runs very fast without moving forward",
    ),
    "Swim_Fwd_Loop": (
        "a person swims",
        "a person swims a breaststroke, lying on the belly",
        "someone swims in place with arms and legs",
    ),
    "Swim_Idle_Loop": (
        "a person treads water",
        "a person keeps afloat upright, paddling with arms and legs",
        "someone floats upright in the water",
    ),
    "Sword_Attack": (
        "a person swings a sword",
        "a person lunges and slashes with a sword in the right hand",
        "someone makes one wide sword stroke",
    ),
    "Sword_Idle": (
        "a person stands ready with a sword",
        "a person stands in a wide fighting stance, holding a sword",
        "someone waits in a low stance, sword in the right hand",
    ),
    "Walk_Formal_Loop": (
        "a person walks in place, upright and formal",
        "a person walks on the spot with still arms",
        "someone strides without moving forward, back straight",
    ),
    "Walk_Loop": (
        "a person walks in place",
        "a person walks on the spot",
        "someone takes steps without moving forward",
    ),
    "Greeting": (
        "a person waves",
        "a person waves with the right hand",
        "someone greets with a small wave of the right hand in front of the shoulder",
    ),
    "Victory Fist Pump": (
        "a person pumps a fist",
        "a person celebrates with the right fist",
        "someone bends the right arm and pumps the fist in front of the chest",
    ),
}

ACTIONS = {
    "Crouch_Fwd_Loop": "crouch-walk",
    "Crouch_Idle_Loop": "crouch",
    "Dance_Loop": "dance",
    "Death01": "fall",
    "Driving_Loop": "drive",
    "Fixing_Kneeling": "repair",
    "Idle_Loop": "stand",
    "Idle_Talking_Loop": "talk",
    "Interact": "press-button",
    "Jog_Fwd_Loop": "run-in-place",
    "PickUp_Table": "pick-up",
    "Pistol_Idle_Loop": "aim",
    "Pistol_Reload": "reload",
    "Pistol_Shoot": "shoot",
    "Punch_Cross": "punch",
    "Punch_Jab": "punch",
    "Push_Loop": "push",
    "Roll": "roll",
    "Sitting_Enter": "sit-down",
    "Sitting_Exit": "stand-up",
    "Sitting_Idle_Loop": "sit",
    "Sitting_Talking_Loop": "sit",
    "Spell_Simple_Enter": "cast-spell",
    "Spell_Simple_Idle_Loop": "cast-spell",
    "Sprint_Loop": "run-in-place",
    "Swim_Fwd_Loop": "swim",
    "Swim_Idle_Loop": "tread-water",
    "Sword_Attack": "slash",
    "Walk_Formal_Loop": "walk-in-place",
    "Walk_Loop": "walk-in-place",
    "Greeting": "wave-right",
    "Victory Fist Pump": "fist-pump",
}

_OF_ADDED = ("Greeting", "Victory Fist Pump")


def trials(more: Path) -> list[Trial]:
    """All animations there are sentences for, in that order. Raises BadFile where a file is missing."""
    for file in (LIBRARY, ADDED):
        archive.inside(more / FOLDER, file)
    found: list[Trial] = []
    for take, sentences in SENTENCES.items():
        file = ADDED if take in _OF_ADDED else LIBRARY
        clip = take.replace(" ", "_")
        captions = phrase.neutral_wordings(clip, sentences, WORDINGS)
        found.append(symmetric("game", clip, MORE + FOLDER, f"{file}#{take}", LICENCE, captions, ACTIONS.get(take)))
    return found
