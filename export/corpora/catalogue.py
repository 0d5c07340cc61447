"""Every trial of every corpus, in one list."""

from __future__ import annotations

from pathlib import Path

from export.corpora import aist, bandai, cc0, cmu, cmu_actions, dance, emotes, game, hdm05, misc
from export.corpora.trial import Trial

FURTHER = frozenset(("cmu-actions", "game", "emotes", "aist"))
"""Names of the corpora that lie in the folder `more`."""


def catalogue(mocap: Path, cache: Path, more: Path | None = None) -> list[Trial]:
    """All trials below the folder `mocap`, sorted by name; archives are unpacked into `cache` where they are not yet.

    more: folder of the further corpora; None leaves them out.
    Raises BadFile when an archive or a caption sheet is missing or damaged.
    """
    readers = (bandai, cmu, dance, hdm05, misc, cc0)
    found = [trial for corpus in readers for trial in corpus.trials(mocap, cache)]
    if more is not None:
        found += further(more)
    return sorted(found, key=lambda trial: trial.name)


def further(more: Path) -> list[Trial]:
    """All trials of the corpora below the folder `more`, sorted by name. Raises BadFile as `catalogue` does."""
    readers = (cmu_actions, game, emotes, aist)
    return sorted((trial for corpus in readers for trial in corpus.trials(more)), key=lambda trial: trial.name)
