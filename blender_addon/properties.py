"""What is kept in the .blend: settings in the scene, a rig's choices on its object, a take's origin on its action.

Only what the user would miss is kept. What is under way lives in the session and never in the file.
"""

import bpy
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)

from blender_addon import session

OVERRIDABLE = {"LIBRARY_OVERRIDABLE"}
ROOTS = (
    ("PELVIS", "Hips", "The hips move in their rest space; nothing else is touched"),
    ("TOP", "Root bone", "The bone at the top of the tree carries the body over the ground"),
    ("OBJECT", "Object", "The armature object itself moves over the ground"),
)


STANCES = (
    ("REST", "Rest pose", "The armature's rest pose stands upright, in T, A or any other pose of the arms"),
    ("POSE", "Current pose", "The rest pose is no stance: the pose the armature is in now is"),
)


def _is_armature(_owner: bpy.types.ID, candidate: bpy.types.Object) -> bool:
    return candidate.type == "ARMATURE"


def _given(self: bpy.types.PropertyGroup, _context: bpy.types.Context) -> None:
    self.given, self.how = True, "given"


def _order(self: bpy.types.PropertyGroup, _context: bpy.types.Context) -> None:
    session.tell(text=" ".join(self.live_text.split()))


def _hurry(self: bpy.types.PropertyGroup, _context: bpy.types.Context) -> None:
    session.tell(speed=self.live_speed)


def _hold(self: bpy.types.PropertyGroup, _context: bpy.types.Context) -> None:
    session.tell(pause=self.live_pause)


class MotusDecision(bpy.types.PropertyGroup):
    """What became of one take; kept in the scene so that undo takes it back."""

    name: StringProperty(description="The take")
    verdict: EnumProperty(items=(("ACCEPTED", "Accepted", ""), ("REJECTED", "Rejected", "")))


class MotusMark(bpy.types.PropertyGroup):
    """A frame whose pose is kept in an in-between."""

    frame: FloatProperty(name="Frame")


class MotusSegment(bpy.types.PropertyGroup):
    """One sentence of the prompt timeline."""

    name: StringProperty(name="Sentence", description="What the character does in this stretch of the timeline")
    start: IntProperty(name="Start", description="The frame it begins at")
    end: IntProperty(name="End", description="The frame it ends at")


class MotusScene(bpy.types.PropertyGroup):
    """Settings of the sidebar."""

    armature: PointerProperty(
        type=bpy.types.Object, name="Armature", description="The character that moves", poll=_is_armature
    )
    prompt: StringProperty(
        name="Prompt",
        description="What the character should do, in a sentence: a person walks forward and waves",
        options={"TEXTEDIT_UPDATE"},
    )
    seconds: FloatProperty(
        name="Seconds", description="How long the clip is", default=4.0, min=0.5, max=60.0, step=50, precision=1
    )
    seed: IntProperty(
        name="Seed", description="The same sentence, length and seed give the same motion", min=0, max=2**31 - 1
    )
    dice: BoolProperty(name="New seed each time", description="Roll a new seed for every clip", default=True)
    variations: IntProperty(
        name="Variations", description="How many clips to make of the sentence, each with the next seed", default=1,
        min=1, max=8,
    )  # fmt: skip
    in_place: BoolProperty(name="In place", description="Take the way over the ground out")
    loop: BoolProperty(name="Loop", description="Bend the ends together so that the clip can repeat")
    at_playhead: BoolProperty(
        name="At playhead", description="Begin at the current frame; otherwise at the scene's first", default=True
    )
    at_cursor: BoolProperty(name="At 3D cursor", description="The character begins where the 3D cursor stands")
    append: BoolProperty(
        name="Append", description="Go on from the animation that ends before the start frame, in pose and pace"
    )
    nla: BoolProperty(name="NLA strip", description="An accepted take also becomes a strip on the armature's NLA")
    segments: CollectionProperty(type=MotusSegment)
    segment: IntProperty(name="Segment")
    decisions: CollectionProperty(type=MotusDecision)
    take: IntProperty(name="Take")
    live_text: StringProperty(
        name="Order", description="What the character should do from now on", default="a person walks", update=_order
    )
    live_publish: StringProperty(
        name="Publish as", description="A name under which Unity and others may watch the same character; empty: nobody"
    )
    live_speed: FloatProperty(
        name="Speed", description="1: as the model made it", default=1.0, min=0.0, max=2.0, update=_hurry
    )
    live_pause: BoolProperty(name="Pause", description="Stand still", update=_hold)
    marks: CollectionProperty(type=MotusMark)
    begun: BoolProperty(description="Whether the preferences' defaults were put in")


class MotusBone(bpy.types.PropertyGroup):
    """One line of the map: which bone plays a role."""

    name: StringProperty(name="Role")
    bone: StringProperty(
        name="Bone", description="The bone that plays this role; empty: the rig has none", override=OVERRIDABLE,
        update=_given,
    )  # fmt: skip
    how: StringProperty(name="Found", description="How it was found", override=OVERRIDABLE)
    given: BoolProperty(name="Given", description="The user's own word, which detection leaves", override=OVERRIDABLE)


class MotusRig(bpy.types.PropertyGroup):
    """A rig's choices, and what the user had on it before a take was shown."""

    root_on: EnumProperty(
        name="Root motion", items=ROOTS, description="What carries the character over the ground", override=OVERRIDABLE
    )
    stance: EnumProperty(
        name="Stance", items=STANCES, description="Which pose of the armature stands upright, legs down and trunk up",
        override=OVERRIDABLE,
    )  # fmt: skip
    stride: FloatProperty(
        name="Stride", description="How far it goes over the ground; 1: as far as its legs are long", default=1.0,
        min=0.1, max=10.0, override=OVERRIDABLE,
    )  # fmt: skip
    lock_feet: BoolProperty(
        name="Lock feet", description="Feet that rest stay where they are, by turning the legs", default=True,
        override=OVERRIDABLE,
    )  # fmt: skip
    bones: CollectionProperty(type=MotusBone, override=OVERRIDABLE | {"USE_INSERTION"})
    bone: IntProperty(name="Role")
    showing: StringProperty(description="The take that is shown; empty: none", override=OVERRIDABLE)
    own_action: PointerProperty(type=bpy.types.Action, override=OVERRIDABLE)
    own_slot: IntProperty(override=OVERRIDABLE)
    own_pose: StringProperty(description="The values that a take's keys cover", override=OVERRIDABLE)
    had_data: BoolProperty(override=OVERRIDABLE)
    had_nla: BoolProperty(override=OVERRIDABLE)


class MotusTake(bpy.types.PropertyGroup):
    """Where an action came from."""

    uid: StringProperty(name="Take")
    before: PointerProperty(type=bpy.types.Action, name="Before", description="What animated the armature before")
    prompt: StringProperty(name="Prompt")
    description: StringProperty(name="Description", description="What the motion shows, in words")
    seed: StringProperty(name="Seed")
    seconds: FloatProperty(name="Seconds")
    made: StringProperty(name="Made")
    bundle: StringProperty(name="Bundle")
    licence: StringProperty(name="Licence of the weights")


CLASSES = (MotusDecision, MotusMark, MotusSegment, MotusScene, MotusBone, MotusRig, MotusTake)
_OWNERS = ((bpy.types.Scene, MotusScene), (bpy.types.Object, MotusRig), (bpy.types.Action, MotusTake))


def register() -> None:
    """Make them known."""
    for kind in CLASSES:
        bpy.utils.register_class(kind)
    for owner, kind in _OWNERS:
        owner.motus = PointerProperty(type=kind, override=OVERRIDABLE)


def unregister() -> None:
    """Take them away; what stands in files stays there."""
    for owner, _ in _OWNERS:
        del owner.motus
    for kind in reversed(CLASSES):
        bpy.utils.unregister_class(kind)
