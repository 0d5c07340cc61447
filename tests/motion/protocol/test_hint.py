"""The hint for a sentence that lies far from what was learned: one sentence, and only where it is far."""

from __future__ import annotations

from dataclasses import replace

import pytest

from motion.protocol import Done
from motion.protocol.hint import FAR, hint

DONE = Done("g", 30, 120, "", 0.0, 0.0, 0.0, 0.0, 1.0, task="text-to-motion")


def test_a_sentence_that_lies_far_gets_the_nearest_things_the_bundle_can_do() -> None:
    far = replace(DONE, familiar=0.1, nearest=("a person bows", "a person jumps"))
    assert hint(far) == "Far from what this bundle learned; nearest: a person bows, a person jumps"
    assert hint(replace(far, nearest=())) == "Far from what this bundle learned"


@pytest.mark.parametrize("familiar", [None, FAR, 1.0])
def test_what_is_known_or_of_which_nothing_is_known_gets_none(familiar: float | None) -> None:
    assert hint(replace(DONE, familiar=familiar, nearest=("a person bows",))) == ""
