"""The table of rules counts recordings by what they are, over splits and mirrored copies."""

from __future__ import annotations

from export.data.dataset import Entry
from export.measuring import rules, style_signs
from motion import clip as clips
from motion import features
from tests.export.metrics.test_geometry import KICKS, STANDS, WALKS, replace
from tests.export.metrics.test_measures import recorded


def _entry(name: str, action: str, mirrored: bool = False) -> Entry:
    return Entry(name, "x", "CC0-1.0", "train", mirrored, "recorded", action, (), 0, 8)


def test_own_others_and_overlaps_are_counted_apart() -> None:
    bows = replace(STANDS, bow_rad=0.8, lean_change_rad=0.8)
    found = rules.counts(
        "bow",
        [
            (_entry("a_bow_normal_1", "bow"), bows), (_entry("a_bow_angry_1", "bow"), STANDS),
            (_entry("a_call_1", "call"), bows),
            (_entry("a_walk_1", "walk"), WALKS), (_entry("a_walk_2", "walk"), bows),
            (_entry("a_squat_1", "squat"), STANDS),
        ],
    )  # fmt: skip
    assert (found["own"], found["own_pass"]) == (2, 1)
    assert (found["overlaps"], found["overlaps_pass"]) == (1, 1)
    assert (found["others"], found["others_pass"], found["others_alike"]) == (3, 1, 0.25)
    assert found["most_often"] == ["walk"]


def test_a_mirrored_kick_is_one_of_the_other_foot() -> None:
    left, right = replace(STANDS, feet=(KICKS, STANDS.feet[0])), replace(STANDS, feet=(STANDS.feet[0], KICKS))
    entries = [(_entry("HDM_kickLFront_1", "kick"), left), (_entry("HDM_kickLFront_1", "kick", True), right)]
    for rule in ("kick-left", "kick-right"):
        found = rules.counts(rule, entries)
        assert (found["own"], found["own_pass"], found["others"], found["others_pass"]) == (1, 1, 1, 0)


def test_of_a_long_clip_the_middle_eight_seconds_are_measured() -> None:
    frames = features.encode(clips.concatenate([recorded()] * 4))
    assert rules.measured(frames).seconds == 8
    assert rules.measured(frames[:90]).seconds == 3


def test_a_sign_counts_where_recordings_bear_it_out() -> None:
    quick, slow = replace(WALKS, speed_m_s=1.3), replace(WALKS, speed_m_s=0.8)
    recordings = {
        ("normal", "walk"): [WALKS, quick, WALKS],
        ("elderly", "walk"): [slow] * 4,
        ("sad", "walk"): [WALKS] * 4,
    }
    assert style_signs.told("elderly", True, recordings) == (1.0, 0.0, 4)
    assert style_signs.good(style_signs.told("elderly", True, recordings))
    assert not style_signs.good(style_signs.told("sad", True, recordings))
    assert not style_signs.good(style_signs.told("masculinity", True, recordings)), "it has no sign"
    sign = style_signs.sign("elderly", "walk")
    assert sign is not None
    assert [sign.seen(one, 1.2) for one in (WALKS, slow)] == [False, True]
