"""How much work a long clip is: the same number of calls for any length, so that Blender is not held up."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from tests.blender.inside.studio import character, folder, part, shown
from tests.motion import rigs

RIGS = ("mixamo", "unreal", "character_creator")
"""of 55 to 75 bones"""


def test_keys_are_written_with_as_many_calls_for_a_thousand_frames_as_for_a_hundred() -> None:
    armature = character(rigs.mixamo().skeleton)
    calls, curves = {}, part("armature.curves")
    for frames in (100, 1000):
        channels, at = shown(armature, frames).channels(armature, curves.assigned(armature), True)
        made = curves.make("take", armature)
        calls[frames] = counted(lambda made=made, channels=channels, at=at: curves.write(made, channels, at))
        assert len(curves.curves(made)[0].keyframe_points) == frames
    assert calls[1000] == calls[100]


def test_the_way_onto_the_rig_costs_few_calls_a_frame() -> None:
    armature = character(rigs.mixamo().skeleton)
    calls = {}
    for frames in (100, 1000):
        show = shown(armature, frames)
        calls[frames] = counted(
            lambda show=show: show.channels(armature, part("armature.curves").assigned(armature), True)
        )
    bones = len(armature.data.bones)
    assert (calls[1000] - calls[100]) / 900 < 5 * bones, "bones are gone through one by one in each frame"


def measure() -> None:
    """Write speed.json: seconds of the processor that 1,000 frames take from the server's frames to keys, by rig."""
    found: dict[str, float] = {}
    for name in RIGS:
        armature = character(getattr(rigs, name)().skeleton, name)
        for locked in (False, True):
            times = []
            for _ in range(5):
                began = time.process_time()
                show = shown(armature, 1000, locked)
                channels, at = show.channels(armature, part("armature.curves").assigned(armature), True)
                made = part("armature.curves").make("take", armature)
                part("armature.curves").write(made, channels, at)
                times.append(time.process_time() - began)
            found[f"{name}, {len(armature.data.bones)} bones{', feet locked' if locked else ''}"] = min(times)
    (folder() / "speed.json").write_text(json.dumps(found))


def counted(what: Any) -> int:
    """How many functions are called, in Python and below."""
    calls = [0]

    def hook(_frame: object, event: str, _argument: object) -> None:
        calls[0] += event in ("call", "c_call")

    sys.setprofile(hook)
    try:
        what()
    finally:
        sys.setprofile(None)
    return calls[0]
