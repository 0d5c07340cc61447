"""What of the prepared clips is learned how often: the table [curriculum] of a recipe.

A clip's origin (export/data/dataset.py) is "recorded", or how export.data.compose made it: "grafted", "paced" or
"series".
"""

from __future__ import annotations

from dataclasses import dataclass, field

from motion.errors import BadConfig

_SHARES = {
    "text-to-motion": 0.84, "motion-to-text": 0.05, "prediction": 0.04, "in-betweening": 0.04, "unconditional": 0.03
}  # fmt: skip


def _numbers() -> dict[str, float]:
    return {}


@dataclass(frozen=True)
class Curriculum:
    """Of the tokenizer's crops, and of the language model's messages."""

    common: int = 800
    """Crops: clips of an action from which on it is not rare. Those of rarer ones are shown more often, ..."""
    most: float = 16.0
    """... so many times as often at most, or what is rare would never be worth a code."""
    repeats: dict[str, float] = field(default_factory=_numbers)
    """Crops: origin -> so many times as often as that; 1 where none is named."""
    shares: dict[str, float] = field(default_factory=lambda: dict(_SHARES))
    """Messages: task -> its share among those that the recipe names."""
    origins: dict[str, float] = field(default_factory=_numbers)
    """Messages: origin -> weight with which clips are drawn; 1 where none is named."""
    actions: dict[str, float] = field(default_factory=_numbers)
    """Messages: action -> weight with which its clips are drawn; 1 where none is named. An action of which every
    recording has codes of its own is learned last, and is to be seen more often."""
    alike: int = 60
    """Messages: clips without an action count as if so many others showed what they show."""
    rivals: float = 0.6
    """Share of text-to-motion messages that come with a rival: the same motion under an untrue sentence."""
    joined: float = 0.12
    """Share of the others that show two clips, one after the other, as their sentence says."""
    plainly: float = 0.0
    """Share of sentences that say in plain words what the clip shows, as the service puts most of what it is asked for
    (export/training/concepts.py), where the recipe has wordings."""
    worded: float = 0.75
    """Share of sentences that are drawn from the recipe's wordings, where a clip has any, and not from its captions."""
    styled: float = 0.45
    """Share of those that name the clip's style, where it has one."""
    dropped: float = 0.05
    """Share of sentences that lose a word that names no side."""
    momentary: tuple[str, ...] = ()
    """Actions that are over in a second or two: who asks for six seconds wants to see them more than once."""
    again: float = 0.5
    """Share of their messages in which other clips of the action follow."""

    def __post_init__(self) -> None:
        numbers = (self.rivals, self.joined, self.again, self.worded, self.styled, self.dropped, self.plainly)
        tables = (self.repeats, self.shares, self.origins, self.actions)
        if not all(0 <= share <= 1 for share in numbers) or min(self.common, self.alike, self.most) < 1:
            raise BadConfig(f"curriculum's shares must be from 0 to 1, its counts 1 or more; got {self}")
        if any(weight < 0 for table in tables for weight in table.values()):
            raise BadConfig(f"curriculum's weights must not be negative, got {self}")
