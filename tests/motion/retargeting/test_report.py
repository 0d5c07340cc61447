"""The report of a retargeting says what was taken for what."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from motion.retargeting.retarget import transfer
from motion.skeleton import SMPLX22
from tests.motion.clips import walk
from tests.motion.rigs import all_rigs, rigify_meta, unreal


def test_every_role_is_listed_with_who_plays_it_on_both_sides() -> None:
    report = transfer(walk(), unreal().skeleton).report
    pairs = {pair.role: (pair.source, pair.target) for pair in report.pairs}
    assert pairs["left_knee"] == ("left_knee", "calf_l")
    assert pairs["spine3"] == ("spine3", "spine_03")
    assert not report.guessed
    assert "upperarm_twist_01_l" in report.idle
    assert report.unread == ()
    text = str(report)
    assert "smplx22 -> unreal: 20 roles mapped, 0 of them guessed" in text
    assert "calf_l" in text
    assert "left at rest on the target: root" in text


def test_guesses_are_marked() -> None:
    report = transfer(walk(), rigify_meta().skeleton).report
    assert {pair.role for pair in report.guessed} == {"neck", "head"}
    assert str(report).count("(guessed)") == 2
    names = tuple(f"x{i}" for i in range(22))
    report = transfer(walk(), replace(SMPLX22, name="noise", joints=names)).report
    assert len(report.guessed) == 20


def test_what_a_rig_lacks_is_said_in_a_sentence() -> None:
    sparse = all_rigs()["sparse game rig"].skeleton
    there, report = transfer(walk(), sparse)
    assert ("left_collar", "left_collar", None) in [(pair.role, pair.source, pair.target) for pair in report.pairs]
    assert any("bends its trunk at 3 joints, the target at 2" in note for note in report.notes)
    back = transfer(there, SMPLX22).report
    assert "the source has no left_collar and no right_collar: the target's go with the chest" in back.notes
    assert "the source has no left_foot and no right_foot: the target's go with the ankle" in back.notes


def test_the_size_is_the_legs() -> None:
    half = replace(SMPLX22, offsets=SMPLX22.offsets * np.float32(0.5))
    assert abs(transfer(walk(), half).report.scale - 0.5) < 1e-6
