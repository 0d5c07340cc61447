"""From what stands in the sidebar to a take: which requests, on which rig, at which frames.

Everything that can be known to be wrong is said here, before anything is sent or changed: each function raises a
MotionError with the sentence for the user.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import bpy
import numpy as np

from blender_addon import defaults
from blender_addon.armature import curves, reading
from blender_addon.armature import rig as rigs
from blender_addon.extension import preferences
from blender_addon.session import Session
from blender_addon.showing import preview
from blender_addon.showing.show import Show, Wish
from blender_addon.showing.stage import Stage
from blender_addon.talk.take import PAST_S, Step, Take
from motion.clip import Clip, cut
from motion.errors import BadRequest, Unavailable, UnknownTask
from motion.quat import F32

SEEDS = 2**31
LEAST = 4
"""frames of a past or future at the least: one token of the shipped bundle"""


@dataclass(frozen=True)
class Segment:
    """One sentence of a prompt timeline, from one frame of the scene to another."""

    text: str
    start: int
    end: int


def armature_of(context: bpy.types.Context) -> bpy.types.Object:
    """The armature that is meant: the sidebar's, else the active or a selected one, else the scene's only one."""
    chosen = context.scene.motus.armature
    if chosen is not None and chosen.name in context.scene.objects:
        return chosen
    active = context.view_layer.objects.active if context.view_layer else None
    near = [active, *(one for one in context.view_layer.objects if one.select_get())]
    for one in near:
        if one is not None and one.type == "ARMATURE":
            return one
        if one is not None and one.find_armature() is not None:
            return one.find_armature()
    every = [one for one in context.scene.objects if one.type == "ARMATURE"]
    if len(every) == 1:
        return every[0]
    if not every:
        raise BadRequest("There is no armature in this scene: add your character, or press Add Character")
    raise BadRequest(f"Which of the {len(every)} armatures is meant? Choose one in the sidebar, or select it")


def stage(session: Session, context: bpy.types.Context, armature: bpy.types.Object | None = None) -> Stage:
    """Where a take is to be seen, by the sidebar's settings."""
    scene, settings, prefs, welcome = context.scene, context.scene.motus, preferences(), session.desk.welcome
    armature = armature or armature_of(context)
    if armature.mode == "EDIT":
        raise BadRequest(f"{armature.name!r} is in Edit Mode: leave it first (Tab)")
    preview.check(armature)
    if armature.motus.showing:  # the rig is read as the user has it
        preview.hide(armature)
        session.again()
    rig = rigs.read(armature, sheet_of(armature), armature.motus.stance == "POSE")
    fps = scene.render.fps / scene.render.fps_base
    start = scene.frame_current if settings.at_playhead else scene.frame_start
    shift: F32 = np.zeros(3, np.float32)
    if settings.at_cursor:
        shift = rig.inside(np.array(scene.cursor.location, np.float32)) * np.array([1, 0, 1], np.float32)
    wish = Wish(
        float(start),
        fps,
        defaults.root_on(armature),
        settings.in_place,
        settings.loop,
        armature.motus.lock_feet,
        tuple(float(value) for value in shift),
        rate=0.0 if prefs is None or prefs.rate == "SCENE" or welcome is None else welcome.fps,
        stride=armature.motus.stride,
    )
    return Stage(scene, armature, rig, wish)


def sheet_of(armature: bpy.types.Object) -> dict[str, str]:
    """What the user said of this armature's roles; an empty name: the rig has none."""
    return {line.name: line.bone for line in armature.motus.bones if line.given}


def generate(session: Session, place: Stage, prompt: str, seconds: float, seed: int, variations: int = 1) -> list[Show]:
    """The takes of one sentence, each with the next seed."""
    prompt = " ".join(prompt.split())
    if not prompt:
        raise BadRequest("Say what the character should do: the prompt is empty")
    need(session, "text-to-motion")
    check_length(session, prompt, seconds)
    step = Step("text-to-motion", prompt, seconds)
    return [place.show(new(session, prompt, [step], seed + index)) for index in range(variations)]


def onward(session: Session, place: Stage, prompt: str, seconds: float, seed: int, variations: int = 1) -> list[Show]:
    """Takes that go on from what the armature does up to the stage's start."""
    need(session, "prediction")
    prompt = " ".join(prompt.split())
    check_length(session, prompt, seconds)
    past = past_of(session, place)
    if len(past) < LEAST:
        raise BadRequest("There is nothing to go on from: the animation before this frame is too short")
    step = Step("prediction", prompt, seconds, past=past, lead=_last(past))
    title = prompt or f"{place.armature.name} goes on"
    stage_on = replace(place, wish=replace(place.wish, keep="BEFORE", shift=(0.0, 0.0, 0.0)))
    return [stage_on.show(new(session, title, [step], seed + index)) for index in range(variations)]


def timeline(session: Session, place: Stage, segments: Sequence[Segment], seed: int) -> Show:
    """One take of several sentences, one after the other on the scene's timeline."""
    if not segments:
        raise BadRequest("The prompt timeline is empty: add a sentence to it")
    need(session, "text-to-motion")
    if len(segments) > 1:
        need(session, "prediction")
    ordered = sorted(segments, key=lambda one: one.start)
    steps: list[Step] = []
    at = ordered[0].start
    for segment in ordered:
        text = " ".join(segment.text.split())
        if not text:
            raise BadRequest(f"The segment at frame {segment.start} says nothing: write what happens in it")
        if segment.start < at:
            raise BadRequest(f"Two segments overlap at frame {segment.start}: move one of them")
        if segment.start > at:  # whoever comes first goes on until the next begins
            steps[-1] = replace(steps[-1], seconds=(steps[-1].seconds or 0) + (segment.start - at) / place.wish.fps)
        seconds = (segment.end - segment.start) / place.wish.fps
        steps.append(Step("prediction" if steps else "text-to-motion", text, seconds, carry=bool(steps)))
        at = segment.end
    for step in steps:
        check_length(session, step.text, step.seconds or 0.0)
    started = replace(place, wish=replace(place.wish, start=float(ordered[0].start)))
    return started.show(new(session, ", then ".join(step.text for step in steps), steps, seed))


def between(session: Session, place: Stage, keys: Sequence[float], prompt: str, seed: int) -> Show:
    """A take through the poses the armature has at these frames of the scene."""
    need(session, "in-betweening")
    keys = sorted(set(keys))
    if len(keys) < 2:
        raise BadRequest("At least two poses are needed: mark them, or select their keyframes")
    assert session.desk.welcome is not None, "need() was asked first"
    limits, fps = session.desk.welcome.limits, session.desk.welcome.fps
    gaps = [max(round((b - a) / place.wish.fps * fps) - 1, 0) for a, b in pairwise(keys)]
    short = next((key for key, gap in zip(keys, gaps, strict=False) if gap < limits.seconds_least * fps), None)
    if short is not None:
        raise BadRequest(
            f"The pose after frame {short:g} is too near: between two poses {limits.seconds_least:g} s are needed"
        )
    skeleton = session.desk.skeleton
    assert skeleton is not None, "need() was asked first"
    scene, armature, rig = place.scene, place.armature, place.rig
    steps: list[Step] = []
    for (start, end), gap in zip(pairwise(keys), gaps, strict=True):
        past = reading.read(scene, armature, rig, reading.before(scene, start, PAST_S, fps), fps, skeleton)
        future = reading.read(scene, armature, rig, reading.after(scene, end, LEAST / fps, fps), fps, skeleton)
        text = " ".join(prompt.split())
        steps.append(Step("in-betweening", text, gap / fps, past=past, future=future, lead=_last(past)))
    last = reading.read(scene, armature, rig, [keys[-1]], fps, skeleton)
    steps.append(Step(lead=last))
    wish = replace(
        place.wish, start=float(keys[0]), keep="AROUND", pins=tuple(keys), shift=(0, 0, 0), in_place=False, loop=False
    )
    title = " ".join(prompt.split()) or f"{armature.name} in between"
    return replace(place, wish=wish).show(new(session, title, steps, seed))


def edit(session: Session, place: Stage, first: float, last: float, prompt: str, seed: int) -> Show:
    """A take that does what the armature does from frame `first` to `last`, but as the sentence says."""
    need(session, "editing")
    prompt = " ".join(prompt.split())
    if not prompt:
        raise BadRequest("Say what is to be different: the prompt is empty")
    motion = motion_of(session, place, first, last)
    wish = replace(place.wish, start=first, shift=(0.0, 0.0, 0.0))
    return replace(place, wish=wish).show(new(session, prompt, [Step("editing", prompt, motion=motion)], seed))


def describe(session: Session, place: Stage, first: float, last: float) -> Take:
    """A take whose text says what the armature does from frame `first` to `last`."""
    need(session, "motion-to-text")
    motion = motion_of(session, place, first, last)
    return new(session, f"What {place.armature.name} does", [Step("motion-to-text", motion=motion)], 0)


def motion_of(session: Session, place: Stage, first: float, last: float) -> Clip:
    """What the armature does from frame `first` to `last`, on the server's skeleton. Raises BadRequest."""
    if last <= first:
        raise BadRequest(f"There is nothing from frame {first:g} to {last:g}: set a range of frames")
    assert session.desk.welcome is not None, "need() was asked first"
    assert session.desk.skeleton is not None, "need() was asked first"
    limits, fps = session.desk.welcome.limits, session.desk.welcome.fps
    seconds = (last - first) / place.wish.fps
    if seconds > limits.seconds_most:
        raise BadRequest(f"{seconds:.0f} s are too long for one request: at most {limits.seconds_most:g} s")
    frames = reading.after(place.scene, first, max(seconds, LEAST / fps), fps)
    return reading.read(place.scene, place.armature, place.rig, frames, fps, session.desk.skeleton)


def past_of(session: Session, place: Stage) -> Clip:
    """What the armature did up to and with the stage's first frame, on the server's skeleton."""
    assert session.desk.welcome is not None, "need() was asked first"
    assert session.desk.skeleton is not None, "need() was asked first"
    fps = session.desk.welcome.fps
    frames = reading.before(place.scene, place.wish.start, PAST_S, fps)
    return reading.read(place.scene, place.armature, place.rig, frames, fps, session.desk.skeleton)


def _last(clip: Clip) -> Clip:
    return replace(cut(clip, len(clip) - 1, len(clip)), contacts=None)


def new(session: Session, title: str, steps: list[Step], seed: int) -> Take:
    """A take for the server that is connected."""
    skeleton, welcome = session.desk.skeleton, session.desk.welcome
    assert skeleton is not None, "need() was asked first"
    assert welcome is not None, "need() was asked first"
    return Take(title, steps, seed % 2**32, skeleton, welcome.fps)


def need(session: Session, *tasks: str) -> None:
    """Raises Unavailable or UnknownTask, saying why none of these tasks can be done now."""
    why = session.desk.why_not(*tasks)
    if why:
        raise (UnknownTask if session.desk.welcome else Unavailable)(why)


def check_length(session: Session, prompt: str, seconds: float) -> None:
    """Raises BadRequest for what the server would refuse."""
    assert session.desk.welcome is not None, "need() was asked first"
    limits = session.desk.welcome.limits
    if len(prompt) > limits.text_characters:
        raise BadRequest(
            f"The prompt has {len(prompt)} characters, and the server takes {limits.text_characters}: shorten it, or "
            "split it on the prompt timeline"
        )
    if not limits.seconds_least <= seconds <= limits.seconds_most:
        raise BadRequest(
            f"A clip may have {limits.seconds_least:g} to {limits.seconds_most:g} seconds; {seconds:g} were asked for"
        )


def seed_of(settings: bpy.types.PropertyGroup) -> int:
    """The seed that is set, or a new one where the dice is on. It is noted once something was asked for with it."""
    return roll() if settings.dice else settings.seed


def at_end(place: Stage) -> Stage:
    """The stage that begins where the armature's own animation ends. Raises BadRequest where there is none."""
    own = curves.assigned(place.armature).action
    if own is None:
        raise BadRequest(f"{place.armature.name!r} has no action to append to: switch Append off for the first clip")
    return replace(place, wish=replace(place.wish, start=float(own.frame_range[1])))


def at_playhead(place: Stage) -> Stage:
    """The stage that begins at the current frame."""
    return replace(place, wish=replace(place.wish, start=float(place.scene.frame_current)))


def roll() -> int:
    """A seed that nobody chose."""
    return random.randrange(SEEDS)
