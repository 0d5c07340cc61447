"""Licences of recordings, strictest first: what is made of several is under the strictest of theirs."""

from __future__ import annotations

from collections.abc import Iterable

from motion.errors import BadBundle

ORDER = ("CC-BY-NC-4.0", "CC-BY-SA-3.0", "CMU", "CC-BY-4.0", "Apache-2.0", "MIT", "CC0-1.0")
FREE = frozenset(ORDER[2:])
"""Those that permit commercial use and ask nobody to share alike."""


def strictest(found: Iterable[str]) -> str:
    """The licence of what is made of data under these licences. Raises BadBundle for one that is not in `ORDER`."""
    licences = set(found)
    strange = sorted(licences - set(ORDER))
    if strange:
        raise BadBundle(f"no rule says what may be done with what is made of data under {strange[0]!r}; add one")
    return next(name for name in ORDER if name in licences)
