"""The rules tell actions and sides apart: on recordings, and where one number is changed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from export.metrics import geometry
from export.metrics.measures import Arm, Leg, Measures
from motion import clip as clips
from motion.errors import BadConfig
from tests.export.metrics.test_measures import of, recorded
from tests.motion.clips import backflip, lie_down, stroll

RESTS, WAVES, HELD = Arm(-0.5, 0.0, 0, 0, 0.2), Arm(0.3, 3.0, 8, 0, 2.0), Arm(0.3, 1.5, 1, 0, 2.0)
DOWN, KICKS = Leg(0.0, 0.2), Leg(0.9, 5.0)
STANDS = Measures(
    seconds=4, forward_m=0, left_m=0, path_m=0.1, speed_m_s=0, turn_rad=0, airborne_s=0, leap_m=0, dip=0.01,
    bow_rad=0.05, lowest_hips=0.98, lowest_hand_m=0.8, lean_change_rad=0.05, trunk_rad=0,
    hands=(RESTS, RESTS), feet=(DOWN, DOWN),
)  # fmt: skip
WALKS = replace(STANDS, forward_m=4.0, path_m=4.1, speed_m_s=1.2)
MADE = [
    (STANDS, ()),
    (WALKS, ("walk",)),
    (replace(WALKS, speed_m_s=1.9, airborne_s=0.5), ("run",)),
    (replace(WALKS, speed_m_s=1.9, airborne_s=0.0), ("walk",)),
    (replace(WALKS, speed_m_s=2.8, airborne_s=0.0), ("run",)),
    (replace(WALKS, forward_m=-3.0, speed_m_s=-0.5), ("walk-back",)),
    (replace(WALKS, left_m=2.0), ("walk-left",)),
    (replace(WALKS, forward_m=0.1, left_m=-2.0), ("walk-right",)),
    (replace(WALKS, left_m=2.0, turn_rad=1.5), ("turn-left",)),
    (replace(WALKS, turn_rad=-1.5), ("turn-right",)),
    (replace(STANDS, hands=(WAVES, RESTS)), ("wave-left",)),
    (replace(STANDS, hands=(RESTS, WAVES)), ("wave-right",)),
    (replace(STANDS, hands=(WAVES, WAVES)), ("wave-both",)),
    (replace(STANDS, hands=(HELD, RESTS)), ("raise-left",)),
    (replace(STANDS, hands=(RESTS, HELD)), ("raise-right",)),
    (replace(STANDS, hands=(HELD, HELD)), ("raise-both",)),
    (replace(STANDS, hands=(replace(WAVES, swings=4), RESTS)), ("wave-left", "raise-left")),
    (replace(WALKS, hands=(RESTS, WAVES)), ("walk", "wave-right")),
    (replace(STANDS, bow_rad=0.8, lean_change_rad=0.8), ("bow",)),
    (replace(STANDS, bow_rad=0.6, lean_change_rad=0.75), ("bow",)),
    (replace(STANDS, bow_rad=0.6, lean_change_rad=0.6), ()),
    (replace(STANDS, bow_rad=0.8, lean_change_rad=0.1), ()),
    (replace(STANDS, bow_rad=0.8, lean_change_rad=0.8, lowest_hand_m=0.1), ()),
    (replace(STANDS, feet=(KICKS, DOWN)), ("kick",)),
    (replace(STANDS, feet=(replace(KICKS, fastest_m_s=1.0), DOWN)), ()),
    (replace(STANDS, hands=(RESTS, replace(RESTS, punches=2, fastest_m_s=4.0))), ("punch",)),
    (replace(STANDS, hands=(RESTS, replace(RESTS, punches=2, fastest_m_s=1.0))), ()),
    (replace(STANDS, leap_m=0.25), ("jump",)),
    (replace(STANDS, dip=0.5, lowest_hips=0.5), ("squat",)),
]


@pytest.mark.parametrize(("measures", "actions"), MADE)
def test_what_is_shown_is_told_and_nothing_else(measures: Measures, actions: tuple[str, ...]) -> None:
    assert geometry.shown(measures) == actions


def test_a_recorded_walk_is_a_walk_and_nothing_else() -> None:
    assert geometry.shown(of(recorded())) == ("walk",)
    assert geometry.shown(of(clips.mirror(recorded()))) == ("walk",)


def test_a_recorded_walk_that_is_played_backward_goes_back() -> None:
    clip = recorded()
    back = replace(clip, rotations=clip.rotations[::-1].copy(), root=clip.root[::-1].copy(), contacts=None)
    assert geometry.shown(of(back)) == ("walk-back",)


def test_a_recorded_walk_whose_body_looks_aside_walks_aside() -> None:
    clip = recorded()
    for angle, action in ((-0.5, "walk-left"), (0.5, "walk-right")):
        looks = replace(clips.turn(clip, angle), root=clip.root)
        assert geometry.shown(of(looks)) == (action,)


def test_a_walk_in_a_bend_turns_to_its_side() -> None:
    assert geometry.shown(of(stroll())) == ("turn-left",)
    assert geometry.shown(of(clips.mirror(stroll()))) == ("turn-right",)


def test_tumbling_and_lying_down_are_none_of_the_eighteen() -> None:
    assert geometry.shown(of(backflip())) == ()
    assert geometry.shown(of(lie_down())) == ()


def test_a_body_that_does_not_move_shows_nothing() -> None:
    clip = recorded()
    for frame in (0, 20, 40):
        still = clips.cut(clip, frame, frame + 1)
        frozen = replace(
            still, rotations=np.repeat(still.rotations, 90, 0), root=np.repeat(still.root, 90, 0), contacts=None
        )
        assert geometry.shown(of(frozen)) == ()


def test_a_kick_is_told_by_its_foot() -> None:
    left = replace(STANDS, feet=(KICKS, DOWN))
    assert [geometry.shows(f"kick-{side}", left) for side in ("left", "right")] == [True, False]


def test_an_action_without_a_rule_is_refused_by_name() -> None:
    with pytest.raises(BadConfig, match=r"no rule tells 'cartwheel'; there are rules for walk, run"):
        geometry.shows("cartwheel", STANDS)
