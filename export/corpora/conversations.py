"""What people type that is no caption: questions that ask for no motion at all, and requests that ask for one.

The gate of HMVLM's mixture learns the zero expert on the first (3.3, equation 4, L_gat) and the other experts on the
second. The texts lie beside this file in `conversations.json`; they were written for this project and are free to use
(CC0). Half of the questions speak of movement, dance, sport, bodies or animation, and still ask for no motion.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from motion.errors import BadFile

Split = Literal["train", "heldout"]

TEXTS: Final = Path(__file__).with_name("conversations.json")
HELD_OUT: Final = 0.15
"""Share of the texts that nothing is trained on."""

_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Asked:
    """A sentence that asks for a motion in the form of a conversation."""

    text: str
    key: str | None
    """The action it names plainly, such as "bandai/walk", so that it is true as a caption of it; None where no
    recording shows it, where it names a manner as well, or where it names several."""


@dataclass(frozen=True)
class Conversations:
    """The texts of one split."""

    prompts: tuple[str, ...]
    """Ask for no motion."""
    requests: tuple[Asked, ...]
    """Ask for one."""


def load(split: Split, path: Path = TEXTS) -> Conversations:
    """Read the texts of a split, in the file's order. Raises BadFile when the file is missing or not of this form."""
    try:
        sheet: dict[str, dict[str, list[str]]] = json.loads(path.read_text(encoding="utf-8"))
        return _parse(sheet, split)
    except OSError as problem:
        raise BadFile("cannot be read; it comes with the program, so install that again", str(path)) from problem
    except json.JSONDecodeError as problem:
        raise BadFile(f"is no JSON ({problem.msg})", str(path), problem.lineno) from problem
    except (KeyError, TypeError, AttributeError) as problem:
        raise BadFile(f"is no sheet of conversations: {problem!r}", str(path)) from problem


def split_of(text: str) -> Split:
    """The split of a text: by its words alone, so that "Why?" lies where "why" does."""
    words = " ".join(_WORD.findall(text.lower()))
    draw = int.from_bytes(hashlib.sha256((words or text).encode()).digest()[:4], "big") / 2**32
    return "heldout" if draw < HELD_OUT else "train"


def _parse(sheet: dict[str, Any], split: Split) -> Conversations:
    prompts = [text for texts in sheet["prompts"].values() for text in texts]
    requests = [Asked(text, key or None) for key, texts in sheet["requests"].items() for text in texts]
    return Conversations(
        prompts=tuple(text for text in prompts if split_of(text) == split),
        requests=tuple(asked for asked in requests if split_of(asked.text) == split),
    )
