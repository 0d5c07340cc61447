"""The tasks, one row each, and the message that puts a task to the language model.

VerMo's motion message (section 4.4): an instruction, the conditions, the reply, each between its begin and end token.

    [INSTR_BOS] Generate motion [INSTR_EOS] [COND_BOS] [TEXT_BOS] a person waves [TEXT_EOS] [DURATION_BOS] 3.2 s
    [DURATION_EOS] [COND_EOS] [REPLY_BOS] [MOT_BOS] codes [MOT_EOS] [REPLY_EOS]
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from models.vocabulary import Vocabulary
from motion.errors import BadRequest, UnknownTask

Condition = Literal["text", "duration", "motion", "past", "future"]


@dataclass(frozen=True)
class Task:
    """What a task needs, may be given, gives back, and how it is asked for."""

    name: str
    instruction: str
    gives: Literal["motion", "text"]
    needs: tuple[Condition, ...] = ()
    optional: tuple[Condition, ...] = ()


TASKS: tuple[Task, ...] = (
    Task("text-to-motion", "Generate motion", "motion", ("text",), ("duration",)),
    Task("motion-to-text", "Describe motion", "text", ("motion",)),
    Task("prediction", "Continue motion", "motion", ("past",), ("text", "duration")),
    Task("in-betweening", "Fill motion", "motion", ("past", "future"), ("text", "duration")),
    Task("unconditional", "Any motion", "motion", (), ("duration",)),
)


def find(name: str) -> Task:
    """The task of this name. Raises UnknownTask naming those there are."""
    for task in TASKS:
        if task.name == name:
            return task
    known = ", ".join(task.name for task in TASKS)
    raise UnknownTask(f"there is no task {name!r}; the tasks are {known}")


@dataclass(frozen=True)
class Conditions:
    """What a request gives. Codes are motion codes."""

    text: str | None = None
    seconds: float | None = None
    """Length of the reply's motion."""
    motion: Sequence[int] | None = None
    past: Sequence[int] | None = None
    future: Sequence[int] | None = None


@dataclass(frozen=True)
class Message:
    """Token ids; the reply begins at `reply`, with its first token still to be predicted."""

    ids: list[int] = field(default_factory=list[int])
    reply: int = 0
    soft: int | None = None
    """where the sentence's soft tokens stand, which have no ids; None: nowhere"""


def prompt(
    task: Task, given: Conditions, vocabulary: Vocabulary, tokenize: Callable[[str], list[int]], soft: int = 0
) -> Message:
    """The message up to and including [REPLY_BOS] and the opening token of the reply's modality.

    tokenize: text -> text token ids, without special tokens; soft: soft tokens before a sentence's own, for which
    [PAD] stands. Raises BadRequest where a needed condition is missing.
    """
    values = {
        "text": given.text,
        "duration": given.seconds,
        "motion": given.motion,
        "past": given.past,
        "future": given.future,
    }
    missing = [need for need in task.needs if values[need] is None]
    if missing:
        raise BadRequest(f"the task {task.name!r} needs {' and '.join(missing)}; send it with the request")
    special = vocabulary.special
    ids = [special("INSTR_BOS"), *tokenize(task.instruction), special("INSTR_EOS"), special("COND_BOS")]
    at: int | None = None
    for name in (*task.needs, *task.optional):
        value = values[name]
        if value is None:
            continue
        if name == "text":
            at = len(ids) + 1 if soft else None
            ids += [special("TEXT_BOS"), *[special("PAD")] * soft, *tokenize(str(value)), special("TEXT_EOS")]
        elif name == "duration":
            ids += [special("DURATION_BOS"), *tokenize(f"{float(value):.1f} s"), special("DURATION_EOS")]  # type: ignore[arg-type]
        else:
            opening = {"motion": "MOT", "past": "PAST", "future": "FUTURE"}[name]
            codes = [vocabulary.code(int(code)) for code in value]  # type: ignore[union-attr]
            ids += [special(f"{opening}_BOS"), *codes, special(f"{opening}_EOS")]
    ids += [special("COND_EOS"), special("REPLY_BOS"), special("MOT_BOS" if task.gives == "motion" else "TEXT_BOS")]
    return Message(ids, len(ids), at)


def without_text(task: Task, given: Conditions) -> tuple[Task, Conditions]:
    """What is asked for when the sentence is taken away: what classifier-free guidance compares with."""
    return find("unconditional") if "text" in task.needs else task, replace(given, text=None)


def closing(task: Task, vocabulary: Vocabulary) -> list[int]:
    """The tokens that end a reply."""
    return [vocabulary.special("MOT_EOS" if task.gives == "motion" else "TEXT_EOS"), vocabulary.special("REPLY_EOS")]
