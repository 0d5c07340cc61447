"""The sentences that `python -m tools.judge` has acted out, and by which geometric rule each is judged.

Which are drawn depends on nothing but the seed.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np

from export.data.dataset import Dataset, Entry
from export.metrics.geometry import ACTIONS, RULES
from motion.errors import BadFile

SHEET: Final[Mapping[str, str]] = MappingProxyType(
    {
        "bandai/walk": "walk", "cmu/walk": "walk", "cmu/walk-slow": "walk", "cmu/walk-fast": "walk",
        "cmu/walk-long-steps": "walk", "bandai/run": "run", "bandai/dash": "run", "cmu/run": "run",
        "bandai/walk-back": "walk-back", "bandai/walk-left": "walk-left", "bandai/walk-right": "walk-right",
        "bandai/walk-turn-left": "turn-left", "bandai/walk-turn-right": "turn-right",
        "bandai/wave-left-hand": "wave-left", "bandai/wave-right-hand": "wave-right", "bandai/bye": "wave-right",
        "bandai/wave-both-hands": "wave-both", "bandai/byebye": "wave-both",
        "bandai/raise-up-left-hand": "raise-left", "bandai/respond": "raise-left",
        "bandai/raise-up-right-hand": "raise-right", "bandai/raise-up-both-hands": "raise-both", "bandai/bow": "bow",
        "bandai/kick": "kick-right", "cmu/soccer-kick": "kick-right", "cc0/kick-right": "kick-right",
        "hdm05/kickLFront1Reps": "kick-left", "bandai/punch": "punch", "cc0/jab-left": "punch",
        "cc0/punch-right": "punch", "cmu/jump-up": "jump", "cmu/jump-forward": "jump",
        "hdm05/hopBothLegs1hops": "jump", "hdm05/squat1Reps": "squat",
    }
)  # fmt: skip
"""Key of a sheet of wordings -> rule, where a rule is plainly true of all its sentences. Left out are runs and walks on
the spot, salutes that may not bend, uppercuts, leaps from one foot."""
_PLAINEST = 8  # of a clip's captions; the first tell its action without much else


@dataclass(frozen=True)
class Asked:
    """One sentence to be acted out."""

    action: str
    """one of `geometry.ACTIONS`"""
    rule: str
    """of `geometry.RULES`: the action, or a kick by its foot"""
    text: str
    style: str | None = None
    seed: int = 1


def trained(data: Dataset, most: int, seed: int) -> list[Asked]:
    """`most` sentences an action out of the captions of recordings."""
    return [
        Asked(action, action, text)
        for action in ACTIONS
        for text in _captions((one for one in data.entries if one.action == action), most, seed)
    ]


def styled(data: Dataset, style: str, most: int, seed: int) -> list[Asked]:
    """`most` sentences that name a style of Bandai's, by turns of each action: captions that no clip in another style
    has."""
    by_style: dict[tuple[str, str], list[Entry]] = defaultdict(list)
    for entry in data.entries:
        if entry.action in ACTIONS and (acted := style_of(entry)):
            by_style[acted, entry.action].append(entry)
    found: list[list[Asked]] = []
    for action in ACTIONS:
        others = [entries for (of, what), entries in by_style.items() if what == action and of != style]
        unsaid = {text for entries in others for entry in entries for text in entry.captions}
        texts = _captions(by_style[style, action], most, seed, unsaid) if (style, action) in by_style else []
        found.append([Asked(action, action, text, style) for text in texts])
    return [one[turn] for turn in range(most) for one in found if turn < len(one)][:most]


def heldout(path: Path, most: int, seed: int) -> list[Asked]:
    """`most` sentences an action of a sheet of wordings, a JSON object of key -> {"sentences": [...]}, for the keys of
    `SHEET`. Raises BadFile."""
    try:
        sheet = json.loads(path.read_text(encoding="utf-8"))
        pools: dict[str, list[Asked]] = defaultdict(list)
        for key, rule in SHEET.items():
            action = _action(rule)
            pools[action] += [Asked(action, rule, str(text)) for text in sheet.get(key, {"sentences": []})["sentences"]]
    except OSError as error:
        raise BadFile(f"cannot be read ({error.strerror}); give --heldout FILE", str(path)) from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise BadFile('is no sheet of wordings; each key needs "sentences", a list', str(path)) from error
    return [pools[action][i] for action in ACTIONS for i in _some(len(pools[action]), most, seed)]


def listed(path: Path) -> list[Asked]:
    """Sentences that others wrote: lines of action, tab, sentence, or a JSON list of such pairs. Raises BadFile."""
    try:
        text = path.read_text(encoding="utf-8")
        pairs = json.loads(text) if text.lstrip().startswith("[") else None
    except (OSError, ValueError) as error:
        raise BadFile(f"cannot be read ({error}); give lines of action, tab, sentence", str(path)) from error
    if pairs is None:
        pairs = [line.split("\t", 1) for line in text.splitlines() if line.strip()]
    found: list[Asked] = []
    for number, pair in enumerate(pairs, 1):
        if not (isinstance(pair, list) and len(pair) == 2 and all(isinstance(part, str) for part in pair)):
            raise BadFile("holds no pair of an action and a sentence; part them by a tab", str(path), number)
        rule, sentence = pair[0].strip(), pair[1].strip()
        if rule not in RULES:
            raise BadFile(f"{rule!r} is none of {', '.join(RULES)}", str(path), number)
        found.append(Asked(_action(rule), rule, sentence))
    return found


def seeded(asks: Iterable[Asked], seeds: int, first: int) -> list[Asked]:
    """Each sentence once for every seed, no two sentences with the same noise."""
    return [replace(one, seed=first + 1000 * turn + i) for turn in range(seeds) for i, one in enumerate(asks)]


def style_of(entry: Entry) -> str | None:
    """In which style a recording of Bandai's was acted."""
    return entry.name.split("_")[2] if entry.corpus == "bandai" and entry.origin == "recorded" else None


def _captions(entries: Iterable[Entry], most: int, seed: int, but: set[str] | None = None) -> list[str]:
    entries = [one for one in entries if one.origin == "recorded"]
    rng = np.random.default_rng(seed)
    found: dict[str, None] = {}
    for i in rng.permutation(len(entries)):
        texts = [text for text in entries[i].captions[:_PLAINEST] if text not in (but or ()) and text not in found]
        if texts and len(found) < most:
            found[texts[int(rng.integers(len(texts)))]] = None
    return list(found)


def _some(count: int, most: int, seed: int) -> list[int]:
    return [int(i) for i in np.random.default_rng(seed).permutation(count)[:most]]


def _action(rule: str) -> str:
    return "kick" if rule.startswith("kick") else rule
