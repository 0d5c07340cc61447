"""Every trial of every corpus, in one list."""

from __future__ import annotations

from pathlib import Path

from export.corpora import bandai, cc0, cmu, dance, hdm05, misc
from export.corpora.trial import Trial


def catalogue(mocap: Path, cache: Path) -> list[Trial]:
    """All trials below the folder `mocap`, sorted by name; archives are unpacked into `cache` where they are not yet.

    Raises BadFile when an archive or a caption sheet is missing or damaged.
    """
    readers = (bandai, cmu, dance, hdm05, misc, cc0)
    found = [trial for corpus in readers for trial in corpus.trials(mocap, cache)]
    return sorted(found, key=lambda trial: trial.name)
