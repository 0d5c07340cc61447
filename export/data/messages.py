"""Training messages for the language model: tokenised clips, their sentences, and batches drawn from them.

Everything a batch holds follows from the seed and the number of the pass, so that a stopped run goes on with exactly
the messages it would have seen.
"""

from __future__ import annotations

import json
import logging
import re
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
from export.corpora.words import Words, Wordings
from export.data import dataset
from export.data.curriculum import Curriculum
from models import tasks
from models.vocabulary import FRAMES_PER_TOKEN, Vocabulary
from motion import features

log = logging.getLogger(__name__)
_PASS = 4096  # messages a pass
_IGNORE = -100
_BOTH = re.compile(r"\bleft\b.*\bright\b|\bright\b.*\bleft\b", re.IGNORECASE)  # exchanged, may mean the same
_KEPT = re.compile(r"(?:left|right|both|no|not|without|back|never|instead)\w*", re.IGNORECASE)


@dataclass(frozen=True)
class Sample:
    """One tokenised clip."""

    name: str
    action: str | None
    captions: tuple[str, ...]
    codes: tuple[int, ...]
    origin: str = "recorded"
    """As `dataset.Entry.origin`."""
    wordings: Wordings | None = None


def seconds(codes: int) -> float:
    """How long a motion of so many codes lasts."""
    return codes * FRAMES_PER_TOKEN / features.FPS


def tokenise(tokenizer: Any, data: dataset.Dataset, path: Path, words: Words | None = None) -> list[Sample]:
    """Codes of every clip, made once and kept in `path`, with its wordings where there are `words`."""
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
    said = None if words is None else words.of
    return [
        Sample(e.name, e.action, e.captions, known[e.name], e.origin, said and said(e.name)) for e in data.entries
    ]


@dataclass(frozen=True)
class Said:
    """One message with what is to be learned of it."""

    ids: list[int]
    targets: list[int]
    """What is to be predicted at each position; -100 where nothing is."""
    instruction: str
    text: str | None = None
    """The sentence among its conditions."""
    soft: int | None = None
    """As `tasks.Message.soft`."""


@dataclass(frozen=True)
class Row:
    """One message to learn, and its rival where it has one."""

    true: Said
    rival: Said | None = None
    """The same motion under a sentence that is not true of it."""

    @property
    def tokens(self) -> int:
        """Length of the longer message, counted twice with a rival."""
        ids = len(self.true.ids)
        return ids if self.rival is None else 2 * max(ids, len(self.rival.ids))


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
    soft: int = 0
    """Soft tokens before each sentence."""
    plainly: Callable[[Sample, bool], str] | None = None
    """(clip, whether in its style) -> what it shows in plain words."""
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
        rows.sort(key=lambda row: len(row.true.ids))
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
        true = self._complete(task, given, answer)
        if self.untold and given.text is not None:
            return Row(true, self._complete(*tasks.without_text(task, given), answer))
        if untrue is None:
            return Row(true)
        return Row(true, self._complete(task, tasks.Conditions(text=untrue, seconds=given.seconds), answer))

    def _again(self, sample: Sample, most: int, rng: np.random.Generator) -> list[int]:
        """The clip's codes, and those of others of its action for as long as they fit into `most`."""
        alike = self._by_action[str(sample.action)]
        codes = list(sample.codes)
        for i in rng.integers(len(alike), size=most):
            if len(codes) + len(alike[i].codes) > most:
                break
            codes += alike[i].codes
        return codes

    def _complete(self, task: tasks.Task, given: tasks.Conditions, answer: list[int]) -> Said:
        """Prompt, reply and end; to be learned are the reply, and motion codes wherever they stand."""
        message = tasks.prompt(task, given, self.vocabulary, self.tokenize, self.soft)
        ids = [*message.ids, *answer, *tasks.closing(task, self.vocabulary)]
        first_code = self.vocabulary.first_code
        targets = [
            after if at + 1 >= message.reply or after >= first_code else _IGNORE for at, after in enumerate(ids[1:])
        ]
        return Said(ids, [*targets, _IGNORE], task.instruction, given.text, message.soft)

    def _untrue(self, sample: Sample, caption: str, rng: np.random.Generator) -> str | None:
        """A sentence that is not true of the clip: its own with the sides exchanged, or another action's."""
        if rng.random() < 0.5:
            swapped = mirror.sentence(caption)
            if swapped != caption and not _BOTH.search(caption):
                return swapped
        if sample.wordings is not None and rng.random() < 0.4:
            misses = sample.wordings.near_misses
            return misses[int(rng.integers(len(misses)))]
        for _ in range(8):
            # Drawn as the clips are. Drawn evenly, nearly all would be of the few common actions, and nothing rare
            # would ever be told from what else is rare.
            other = self.samples[int(np.searchsorted(self._sums, rng.random()))]
            if other.action != sample.action and other.action and sample.action:
                return self._caption(other, rng)
        return None

    def _caption(self, sample: Sample, rng: np.random.Generator) -> str:
        """One of the clip's wordings or captions; the plainest captions, which come first, are drawn most often."""
        plan = self.curriculum
        if self.plainly is not None and rng.random() < plan.plainly:
            return self.plainly(sample, bool(rng.random() < plan.styled))
        if sample.wordings is not None and rng.random() < plan.worded:
            text = sample.wordings.draw(rng, plan.styled)
        else:
            captions = sample.captions
            most = min(8, len(captions)) if rng.random() < 0.7 else len(captions)
            text = captions[int(rng.integers(most))]
        return _without_one(text, rng) if sample.wordings is not None and rng.random() < plan.dropped else text

    def tensors(self, batch: list[Row]) -> tuple[Tensor, Tensor, Tensor]:
        """Ids and targets (B + R, N), padded at the end: the batch's B messages, then the rivals of those that have
        one; and the rows (R,) these belong to."""
        owners = [i for i, row in enumerate(batch) if row.rival is not None]
        rows = said(batch)
        width = max(len(one.ids) for one in rows)
        pad = self.vocabulary.special("PAD")
        ids = torch.tensor([one.ids + [pad] * (width - len(one.ids)) for one in rows])
        targets = torch.tensor([one.targets + [_IGNORE] * (width - len(one.targets)) for one in rows])
        return ids, targets, torch.tensor(owners, dtype=torch.int64)


def said(batch: list[Row]) -> list[Said]:
    """A batch's B messages, then the rivals of those that have one, as `Messages.tensors` has them."""
    return [row.true for row in batch] + [row.rival for row in batch if row.rival is not None]


def _without_one(text: str, rng: np.random.Generator) -> str:
    """The text without one of its words, which is none that names a side or takes back what the others say."""
    words = text.split()
    free = [i for i, word in enumerate(words) if not _KEPT.match(word)]
    if len(words) < 4 or not free:
        return text
    gone = free[int(rng.integers(len(free)))]
    return " ".join(word for i, word in enumerate(words) if i != gone)
