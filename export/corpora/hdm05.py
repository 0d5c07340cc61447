"""HDM05 (University of Bonn): short cuts of one class each, by five actors; the class is in the file name.

A file is called `HDM_actor_class_number_120.amc`; the actor's skeleton is `HDM_actor.asf`.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path, PurePosixPath

from export.corpora import archive, phrase
from export.corpora.trial import Trial, symmetric

ARCHIVE = "hdm05.tar.xz"
WORDINGS = 24

SENTENCES = {
    "depositFloorR": (
        "a person puts something down on the floor with the right hand",
        "a person deposits an object on the floor with the right hand",
        "someone bends down, sets something on the ground with the right hand and stands up again",
        "a person crouches and lays an object on the floor, using the right hand",
        "somebody leans down to place something on the ground with the right hand",
        "the figure reaches down to the floor with the right hand and straightens up again",
        "with the right hand, a person puts an object on the ground in front of the feet",
        "a person stoops, lets go of something at floor level with the right hand and rises",
    ),
    "elbowToKnee1RepsLelbowStart": (
        "a person brings the left elbow to the right knee",
        "a person touches the right knee with the left elbow",
        "someone does a standing elbow to knee exercise",
        "somebody lifts the right knee to the left elbow and puts the foot down again",
        "a person does a standing cross crunch, the left elbow meeting the right knee",
        "the figure twists the upper body, raises the right knee and meets it with the left elbow",
        "standing on the left leg, a person moves the right knee and the left elbow together",
        "a person does a gymnastic exercise, elbow to knee",
    ),
    "grabHighR": (
        "a person grabs something high up with the right hand",
        "a person reaches up with the right hand and takes something down",
        "someone stretches the right arm above the head to grab an object",
        "somebody takes an object from a high shelf with the right hand",
        "a person lifts the right hand up high, takes hold of something and brings it down",
        "the figure grasps something overhead with the right hand",
        "with the right hand, a person fetches something from high above",
        "a person reaches for something out of the way above the head, using the right arm",
    ),
    "hopBothLegs1hops": (
        "a person hops on both legs",
        "a person hops once with both feet together",
        "someone makes one hop with both legs",
        "somebody jumps a little with both feet at the same time",
        "a person bends the knees, makes a small jump and lands on both feet",
        "the figure gives a single two-legged hop",
        "a person does one short jump off both feet",
    ),
    "jogLeftCircle4StepsRstart": (
        "a person jogs in a circle to the left",
        "a person jogs a few steps along a curve to the left",
        "someone runs around a left circle, the right foot first",
        "somebody takes four jogging steps on a counterclockwise arc, starting with the right foot",
        "a person runs at an easy pace, bending off to the left all the time",
        "the figure jogs counterclockwise around a circle",
        "a person jogs around to the left",
    ),
    "kickLFront1Reps": (
        "a person kicks forward with the left leg",
        "a person does a front kick with the left foot",
        "someone kicks to the front with the left leg",
        "somebody swings the left foot up in front of the body and puts it down again",
        "a person stands on the right leg and kicks the left one straight ahead",
        "the figure lifts the left knee and throws the foot forward in a kick",
        "with the left leg, a person gives one kick to the front",
    ),
    "lieDownFloor": (
        "a person lies down on the floor",
        "a person lies down",
        "someone goes from standing to lying on the ground",
        "somebody gets down on the floor and stretches out",
        "a person lowers the body to the ground and lies there",
        "the figure crouches, sits down and then lies on the floor",
        "from a stand, a person gets down and lies flat on the ground",
    ),
    "rotateArmsBothBackward1Reps": (
        "a person rotates both arms backward",
        "a person swings both arms backward in a full circle",
        "someone circles both arms to the back once",
        "somebody makes one big backward circle with the two arms together",
        "a person warms up the shoulders, turning both straight arms backward",
        "the figure lifts both arms in front, swings them overhead and down behind the body",
        "standing in place, a person draws a circle backward with each arm",
    ),
    "sneak2StepsLStart": (
        "a person sneaks forward",
        "a person sneaks two steps, starting with the left foot",
        "someone tiptoes along, trying not to be heard",
        "somebody creeps ahead with bent knees, the left foot first",
        "a person steps forward slowly and quietly as if not to wake anybody",
        "the figure prowls ahead like a burglar",
        "a person takes two careful, silent steps forward",
    ),
    "squat1Reps": (
        "a person squats",
        "a person does one squat",
        "someone bends the knees deeply and stands up again",
        "somebody does a knee bend with the arms stretched to the front",
        "a person lowers the hips to a squat and rises again",
        "the figure goes down into a squat and comes back up",
        "standing in place, a person does a single knee bend",
    ),
    "throwBasketball": (
        "a person throws a basketball",
        "a person shoots a basketball as if at a basket",
        "someone throws a ball with both hands as if at a hoop",
        "somebody lifts an imaginary ball and throws it up and forward",
        "a person bends the knees and takes a shot at a basket",
        "the figure makes a basketball shot",
        "a person raises both hands in front of the head and throws a ball that is not there",
    ),
}

ACTIONS = {
    "depositFloorR": "deposit-floor",
    "elbowToKnee1RepsLelbowStart": "elbow-to-knee",
    "grabHighR": "grab-high",
    "hopBothLegs1hops": "jump",
    "jogLeftCircle4StepsRstart": "jog-circle",
    "kickLFront1Reps": "kick",
    "lieDownFloor": "lie-down",
    "rotateArmsBothBackward1Reps": "rotate-arms",
    "sneak2StepsLStart": "sneak",
    "squat1Reps": "squat",
    "throwBasketball": "throw",
}


def trials(mocap: Path, cache: Path) -> list[Trial]:
    """All cuts, in order of actor, class and number."""
    found: list[Trial] = []
    for member in archive.members(archive.unpack(mocap / ARCHIVE, cache), ".amc"):
        path = PurePosixPath(member)
        _, actor, kind, *_ = path.stem.split("_")
        captions = phrase.neutral_wordings(path.stem, SENTENCES[kind], WORDINGS)
        own = symmetric("hdm05", path.stem, ARCHIVE, member, "CC-BY-SA-3.0", captions, ACTIONS[kind])
        found.append(replace(own, skeleton_member=(path.parent / f"HDM_{actor}.asf").as_posix()))
    return found
