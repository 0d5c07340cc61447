"""Training messages for the language model: tokenised clips, their sentences, and batches drawn from them.

Everything a batch holds follows from the seed and the number of the pass, so that a stopped run goes on with exactly
the messages it would have seen.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from export.corpora import mirror
from export.data import dataset
from export.data.curriculum import Curriculum
from models import tasks
from models.vocabulary import FRAMES_PER_TOKEN, Vocabulary
from motion import features

log = logging.getLogger(__name__)
_PASS = 4096  # messages a pass
_IGNORE = -100


@dataclass(frozen=True)
class Sample:
    """One tokenised clip."""

    name: str
    action: str | None
    captions: tuple[str, ...]
    codes: tuple[int, ...]
    origin: str = "recorded"
    """As `dataset.Entry.origin`."""


def seconds(codes: int) -> float:
    """How long a motion of so many codes lasts."""
    return codes * FRAMES_PER_TOKEN / features.FPS


def tokenise(tokenizer: Any, data: dataset.Dataset, path: Path) -> list[Sample]:
    """Codes of every clip, made once and kept in `path`."""
    rows = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    known = {row["name"]: tuple(row["codes"]) for row in rows}
    fresh = [entry for entry in data.entries if entry.name not in known]
    with torch.inference_mode():
        for count, entry in enumerate(fresh, 1):
            codes = tokenizer.encode(torch.from_numpy(np.array(data.clip(entry)))[None])[0]
            known[entry.name] = tuple(codes.tolist())
            if count % 1000 == 0:
                log.info("tokenised %d of %d clips", count, len(fresh))
    if fresh:
        path.write_text(json.dumps([{"name": name, "codes": codes} for name, codes in known.items()]), encoding="utf-8")
    return [Sample(e.name, e.action, e.captions, known[e.name], e.origin) for e in data.entries]


@dataclass(frozen=True)
class Row:
    """One message to learn, and its rival where it has one."""

    ids: list[int]
    targets: list[int]
    """What is to be predicted at each position; -100 where nothing is."""
    rival: tuple[list[int], list[int]] | None = None
    """Ids and targets of the same motion under a sentence that is not true of it."""

    @property
    def tokens(self) -> int:
        """Length of the longer message, counted twice with a rival."""
        return len(self.ids) if self.rival is None else 2 * max(len(self.ids), len(self.rival[0]))


@dataclass(frozen=True)
class Messages:
    """Batches of messages; see `epoch`."""

    samples: list[Sample]
    vocabulary: Vocabulary
    tokenize: Callable[[str], list[int]]
    budget: int
    """Tokens a batch, padding counted."""
    longest: int
    """Frames of motion a message at most."""
    seed: int
    names: tuple[str, ...]
    """Tasks to draw from."""
    curriculum: Curriculum = field(default_factory=Curriculum)
    untold: bool = False
    """A message's rival is not the same motion under an untrue sentence, but without any: what guidance compares."""

    def weights(self) -> np.ndarray:
        """How often each clip is drawn, (clips,), summing to 1: rare actions more often than their number says."""
        counts, plan = Counter(sample.action for sample in self.samples), self.curriculum
        weight = np.array(
            [min(counts[s.action], plan.alike if s.action is None else 1 << 30) ** -0.9 for s in self.samples]
        )
        weight *= np.array([np.sqrt(min(len(s.codes), 64) / 25) for s in self.samples])
        weight *= [plan.origins.get(s.origin, 1.0) for s in self.samples]
        weight *= [plan.actions.get(str(s.action), 1.0) for s in self.samples]
        return weight / weight.sum()

    @cached_property
    def _sums(self) -> np.ndarray:
        sums = np.cumsum(self.weights())
        return sums / sums[-1]

    @cached_property
    def _by_action(self) -> dict[str, list[Sample]]:
        found: dict[str, list[Sample]] = {}
        for sample in self.samples:
            found.setdefault(str(sample.action), []).append(sample)
        return found

    def epoch(self, number: int) -> list[list[Row]]:
        """Batches for one pass, messages of similar length together, in random order."""
        rng = np.random.default_rng([self.seed, number])
        picks = rng.choice(len(self.samples), size=_PASS, p=self.weights())
        share = np.array([self.curriculum.shares[name] for name in self.names])
        drawn = rng.choice(len(self.names), size=_PASS, p=share / share.sum())
        chosen = [(self.samples[i], tasks.find(self.names[k])) for i, k in zip(picks, drawn, strict=True)]
        rows = [self._message(sample, task, rng) for sample, task in chosen]
        rows.sort(key=lambda row: len(row.ids))
        batches: list[list[Row]] = []
        group: list[Row] = []
        total = 0
        for row in rows:
            if group and total + row.tokens > self.budget:
                batches.append(group)
                group, total = [], 0
            group.append(row)
            total += row.tokens
        batches.append(group)
        return [batches[k] for k in rng.permutation(len(batches))]

    def _message(self, sample: Sample, task: tasks.Task, rng: np.random.Generator) -> Row:
        codes, caption = list(sample.codes), self._caption(sample, rng)
        most, plan = self.longest // FRAMES_PER_TOKEN, self.curriculum
        if task.name == "text-to-motion" and sample.action in plan.momentary and rng.random() < plan.again:
            codes = self._again(sample, most, rng)
        untrue: str | None = None
        if task.name == "text-to-motion" and not self.untold and rng.random() < plan.rivals:
            untrue = self._untrue(sample, caption, rng)
        elif task.name == "text-to-motion" and len(codes) <= most // 2 and rng.random() < plan.joined:
            other = self.samples[int(rng.integers(len(self.samples)))]
            if len(codes) + len(other.codes) <= most:  # one after the other, as the sentence says
                joint = (" and then ", ", then ", ". Then ")[int(rng.integers(3))]
                second = self._caption(other, rng)
                for subject in ("a person ", "someone ", "somebody "):
                    second = second.removeprefix(subject)
                codes, caption = codes + list(other.codes), f"{caption}{joint}{second}"
        if len(codes) > most:
            start = int(rng.integers(0, len(codes) - most + 1))
            codes = codes[start : start + most]
        told = rng.random() < 0.85
        given = tasks.Conditions()
        reply = codes
        text = caption if rng.random() < 0.5 else None
        if task.name == "text-to-motion":
            given = tasks.Conditions(text=caption, seconds=seconds(len(codes)) if told else None)
        elif task.name == "motion-to-text":
            given = tasks.Conditions(motion=codes)
        elif task.name == "unconditional":
            given = tasks.Conditions(seconds=seconds(len(codes)) if told else None)
        elif len(codes) < 4:
            return self._message(sample, tasks.find("text-to-motion"), rng)
        elif task.name == "prediction":
            cut = int(rng.integers(1, max(2, len(codes) // 2)))
            past, reply = codes[:cut], codes[cut:]
            given = tasks.Conditions(text=text, seconds=seconds(len(reply)) if told else None, past=past)
        else:
            first = int(rng.integers(1, len(codes) // 3 + 1))
            last = int(rng.integers(1, len(codes) // 3 + 1))
            past, reply, future = codes[:first], codes[first : len(codes) - last], codes[len(codes) - last :]
            given = tasks.Conditions(text=text, seconds=seconds(len(reply)), past=past, future=future)
        answer = [self.vocabulary.code(c) for c in reply] if task.gives == "motion" else self.tokenize(caption)
        ids, targets = self._complete(task, given, answer)
        if self.untold and given.text is not None:
            return Row(ids, targets, self._complete(*tasks.without_text(task, given), answer))
        if untrue is None:
            return Row(ids, targets)
        rival = tasks.Conditions(text=untrue, seconds=given.seconds)
        return Row(ids, targets, self._complete(task, rival, answer))

    def _again(self, sample: Sample, most: int, rng: np.random.Generator) -> list[int]:
        """The clip's codes, and those of others of its action for as long as they fit into `most`."""
        alike = self._by_action[str(sample.action)]
        codes = list(sample.codes)
        for i in rng.integers(len(alike), size=most):
            if len(codes) + len(alike[i].codes) > most:
                break
            codes += alike[i].codes
        return codes

    def _complete(self, task: tasks.Task, given: tasks.Conditions, answer: list[int]) -> tuple[list[int], list[int]]:
        """Prompt, reply and end as ids, and the targets: the reply, and motion codes wherever they stand."""
        message = tasks.prompt(task, given, self.vocabulary, self.tokenize)
        ids = [*message.ids, *answer, *tasks.closing(task, self.vocabulary)]
        first_code = self.vocabulary.first_code
        targets = [
            after if at + 1 >= message.reply or after >= first_code else _IGNORE for at, after in enumerate(ids[1:])
        ]
        return ids, [*targets, _IGNORE]

    def _untrue(self, sample: Sample, caption: str, rng: np.random.Generator) -> str | None:
        """A sentence that is not true of the clip: its own with the sides exchanged, or another action's."""
        if rng.random() < 0.5:
            swapped = mirror.sentence(caption)
            if swapped != caption:
                return swapped
        for _ in range(8):
            # Drawn as the clips are. Drawn evenly, nearly all would be of the few common actions, and nothing rare
            # would ever be told from what else is rare.
            other = self.samples[int(np.searchsorted(self._sums, rng.random()))]
            if other.action != sample.action and other.action and sample.action:
                return self._caption(other, rng)
        return None

    def _caption(self, sample: Sample, rng: np.random.Generator) -> str:
        """One of the clip's wordings; the plainest ones, which come first, are drawn most of the time."""
        captions = sample.captions
        most = min(8, len(captions)) if rng.random() < 0.7 else len(captions)
        return captions[int(rng.integers(most))]

    def tensors(self, batch: list[Row]) -> tuple[Tensor, Tensor, Tensor]:
        """Ids and targets (B + R, N), padded at the end: the batch's B messages, then the rivals of those that have
        one; and the rows (R,) these belong to."""
        owners = [i for i, row in enumerate(batch) if row.rival is not None]
        rows = [(row.ids, row.targets) for row in batch] + [row.rival for row in batch if row.rival is not None]
        width = max(len(ids) for ids, _ in rows)
        pad = self.vocabulary.special("PAD")
        ids = torch.tensor([row + [pad] * (width - len(row)) for row, _ in rows])
        targets = torch.tensor([row + [_IGNORE] * (width - len(row)) for _, row in rows])
        return ids, targets, torch.tensor(owners, dtype=torch.int64)
