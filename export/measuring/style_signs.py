"""Styles that one plain number tells: quicker, slower, bent, beside recordings of the same action in style normal.

Whether a sign is good for anything is counted on recordings: `ENOUGH` of those in the style must show it, and no more
than `STRAY` of those in style normal. What no sign tells so well is not judged.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np

from export.metrics.measures import Measures

ENOUGH, STRAY, FEWEST = 0.8, 0.2, 4
"""shares of recordings; recordings in the style, at least"""
TRAVELS: Final = frozenset(("walk", "run", "walk-back", "walk-left", "walk-right", "turn-left", "turn-right"))


@dataclass(frozen=True)
class Sign:
    """A number that lies over or under its median in style normal."""

    words: str
    of: Callable[[Measures], float]
    over: bool
    factor: float = 1.0
    """of the median"""
    apart: float = 0.0
    """from the median, in the number's unit"""

    def seen(self, measures: Measures, usual: float) -> bool:
        """Whether a clip shows it; usual: the median of `of` in recordings of its action in style normal."""
        bound = usual * self.factor + self.apart
        return bool(self.of(measures) > bound if self.over else self.of(measures) < bound)


def _hand(measures: Measures) -> float:
    return max(arm.fastest_m_s for arm in measures.hands)


_FASTER = Sign("travels faster by 15 %", lambda m: m.speed_m_s, True, 1.15)
_SLOWER = Sign("travels slower by 15 %", lambda m: m.speed_m_s, False, 0.85)
_LIVELY = Sign("hands faster by 15 %", _hand, True, 1.15)
_CALM = Sign("hands slower by 15 %", _hand, False, 0.85)
_BENT = Sign("trunk bent by 5 degrees more", lambda m: m.trunk_rad, True, apart=float(np.radians(5)))
SIGNS: Final[Mapping[str, tuple[Sign | None, Sign | None]]] = MappingProxyType(
    {
        "active": (_FASTER, _LIVELY),
        "youthful": (_LIVELY, _LIVELY),
        "childish": (None, _LIVELY),
        "elderly": (_SLOWER, _CALM),
        "old": (_BENT, _CALM),
        "tired": (_BENT, None),
        "not-confident": (_BENT, None),
        "feminine": (None, _CALM),
        "proud": (None, _CALM),
        "exhausted": (_SLOWER, _CALM),
        "happy": (_FASTER, _LIVELY),
        "sad": (_SLOWER, _CALM),
        "angry": (_FASTER, _LIVELY),
        "giant": (_SLOWER, _CALM),
        "masculine": (_FASTER, _LIVELY),
    }
)
"""Style -> its sign when somebody travels, and when not. Whether recordings bear it out, `told` counts."""
Recorded = Mapping[tuple[str, str], list[Measures]]
"""(style, action) -> recordings"""


def sign(style: str, action: str) -> Sign | None:
    """What tells the style in that action."""
    return SIGNS.get(style, (None, None))[action not in TRAVELS]


def usual(found: Sign, action: str, recorded: Recorded) -> float | None:
    """The sign's median in recordings of an action in style normal; None where there are none."""
    values = [found.of(one) for one in recorded.get(("normal", action), ())]
    return float(np.median(values)) if values else None


def told(style: str, travels: bool, recorded: Recorded) -> tuple[float, float, int]:
    """Shares of recordings that show the sign: in the style, in style normal; and how many there are in the style."""
    own: list[bool] = []
    others: list[bool] = []
    for (of, action), clips_of in recorded.items():
        found = sign(style, action)
        if of != style or found is None or (action in TRAVELS) != travels:
            continue
        middle = usual(found, action, recorded)
        if middle is not None:
            own += [found.seen(one, middle) for one in clips_of]
            others += [found.seen(one, middle) for one in recorded["normal", action]]
    return (float(np.mean(own)), float(np.mean(others)), len(own)) if own else (0.0, 1.0, 0)


def good(shares: tuple[float, float, int]) -> bool:
    """Whether a sign of which `told` gave these tells its style."""
    return shares[0] >= ENOUGH and shares[1] <= STRAY and shares[2] >= FEWEST
