"""Sentences acted out as the service does it, and how many show what was said: for `python -m tools.judge`."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from export.data.dataset import Dataset
from export.measuring import rules, style_signs
from export.measuring.style_signs import Recorded
from export.metrics import geometry
from export.metrics.actions import Classifier
from export.metrics.measures import Measures
from motion import clip as clips
from motion import features
from motion.quat import F32
from tools.measuring.asked import Asked, style_of
from tools.measuring.direct import Direct, Request
from tools.setup.ticker import Ticker, bar

_TOGETHER = 8  # motions that share runs of the language model


@dataclass(frozen=True)
class Judged:
    """One sentence and what came of it."""

    action: str
    rule: str
    text: str
    seed: int
    style: str | None
    shows: bool
    shown: tuple[str, ...]
    """all of `geometry.ACTIONS` that the clip shows"""
    classifier: str | None
    """the action that the classifier sees; None: it was not asked"""
    in_style: bool | None
    """whether the clip shows the sign of its style; None: no sign tells it"""


def act_out(asks: Sequence[Asked], served: Direct, seconds: float, ticker: Ticker, name: str) -> list[F32]:
    """Features (T, D) of each sentence's motion."""
    tokens = max(1, round(seconds * served.fps / served.rate))
    started, made = time.monotonic(), list[F32]()
    for first in range(0, len(asks), _TOGETHER):
        group = asks[first : first + _TOGETHER]
        made += [one.frames for one in served.make([Request(ask.text, tokens, ask.seed) for ask in group])]
        left = (time.monotonic() - started) / len(made) * (len(asks) - len(made))
        ticker.show(f"{name}  {bar(len(made), len(asks))} {len(made)} of {len(asks)} clips, {left / 60:.1f} min left")
    return made


def judge(
    asks: Sequence[Asked], made: Sequence[F32], classifier: Classifier | None, recorded: Recorded | None = None
) -> list[Judged]:
    """What each clip shows; recorded: recordings by style and action, for sentences that name a style."""
    seen = classifier.predict(list(made)) if classifier else [None] * len(made)
    found: list[Judged] = []
    for ask, frames, label in zip(asks, made, seen, strict=True):
        measures = rules.measured(frames)
        shows = geometry.shows(ask.rule, measures)
        in_style = _in_style(ask, measures, recorded) if recorded else None
        found.append(
            Judged(
                ask.action, ask.rule, ask.text, ask.seed, ask.style, shows, geometry.shown(measures), label, in_style
            )
        )
    return found


def recordings(data: Dataset) -> Recorded:
    """Measures of Bandai's recordings by style and action."""
    found: dict[tuple[str, str], list[Measures]] = defaultdict(list)
    for entry in data.entries:
        style = style_of(entry)
        if style and entry.action in geometry.ACTIONS and not entry.mirrored:
            found[style, entry.action].append(rules.measured(np.array(data.clip(entry))))
    return dict(found)


def _in_style(ask: Asked, measures: Measures, recorded: Recorded) -> bool | None:
    sign = style_signs.sign(ask.style or "", ask.action)
    middle = None if sign is None else style_signs.usual(sign, ask.action, recorded)
    travels = ask.action in style_signs.TRAVELS
    if sign is None or middle is None or not style_signs.good(style_signs.told(ask.style or "", travels, recorded)):
        return None
    return sign.seen(measures, middle)


def summary(judged: Sequence[Judged]) -> dict[str, object]:
    """Shares over all clips, and with each action counted alike; a row for each action and for each style."""
    by_action = _grouped(judged, lambda one: one.action)
    by_style = _grouped([one for one in judged if one.style], lambda one: str(one.style))
    rows = {action: _row(by_action[action]) for action in geometry.ACTIONS if action in by_action}
    return {
        **_row(judged),
        "actions_alike": float(np.mean([row["shows"] for row in rows.values()])) if rows else 0.0,  # type: ignore[arg-type]
        "actions": rows,
        "styles": {style: _style_row(clips_of) for style, clips_of in by_style.items()},
        "clips": [asdict(one) for one in judged],
    }


def _row(judged: Sequence[Judged]) -> dict[str, object]:
    missed = Counter(other for one in judged if not one.shows for other in one.shown or ("none",))
    asked = [one for one in judged if one.classifier is not None]
    return {
        "asked": len(judged),
        "shows": float(np.mean([one.shows for one in judged])) if judged else 0.0,
        "classifier": float(np.mean([one.classifier == one.action for one in asked])) if asked else None,
        "instead": [f"{other} {count}" for other, count in missed.most_common(3)],
    }


def _style_row(judged: Sequence[Judged]) -> dict[str, object]:
    known = [one.in_style for one in judged if one.in_style is not None]
    return {**_row(judged), "judged": len(known), "in_style": float(np.mean(known)) if known else None}


def _grouped(judged: Iterable[Judged], key: Callable[[Judged], str]) -> dict[str, list[Judged]]:
    found: dict[str, list[Judged]] = defaultdict(list)
    for one in judged:
        found[key(one)].append(one)
    return found


def table(words: dict[str, dict[str, object]]) -> str:
    """Percent by action, a column of the rules and one of the classifier for each kind of words."""
    lines = [f"{'':<14}" + "".join(f"{name:>12}{'geometry':>10}{'classifier':>12}" for name in words)]
    lines += [
        f"{action:<14}" + "".join(_cells(one["actions"].get(action)) for one in words.values())  # type: ignore[attr-defined]
        for action in geometry.ACTIONS
    ]
    lines.append(f"{'all':<14}" + "".join(_cells(one) for one in words.values()))
    alike = (f"{'':>12}{100 * float(str(one['actions_alike'])):>10.1f}{'':>12}" for one in words.values())
    lines.append(f"{'actions alike':<14}" + "".join(alike))
    for name, one in words.items():
        styles: dict[str, dict[str, object]] = one["styles"]  # type: ignore[assignment]
        lines += [f"{name}, style {style}:{_cells(row)}  {_style(row)}" for style, row in styles.items()]
    return "\n".join(lines)


def _style(row: dict[str, object]) -> str:
    if row["in_style"] is None:
        return "style not judged: no sign tells it in recordings"
    return f"in style {100 * float(str(row['in_style'])):.0f} % of {row['judged']}"


def _cells(row: dict[str, object] | None) -> str:
    if row is None:
        return f"{'':>34}"
    seen = row["classifier"]
    return f"{row['asked']:>12}{100 * float(str(row['shows'])):>10.1f}" + (
        f"{'':>12}" if seen is None else f"{100 * float(str(seen)):>12.1f}"
    )


def keep(judged: Sequence[Judged], made: Sequence[F32], folder: Path) -> None:
    """Each clip as `.npz`, named by its number, its rule and the verdict."""
    folder.mkdir(parents=True, exist_ok=True)
    for i, (one, frames) in enumerate(zip(judged, made, strict=True)):
        verdict = "shown" if one.shows else "missed"
        clips.save(features.decode(frames, one.text), folder / f"{i:03}-{one.rule}-{verdict}.npz")
