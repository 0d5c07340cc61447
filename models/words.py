"""The backbone's text tokens, without transformers: text -> ids and back, and the form of a conversation.

Ids are those of transformers' own tokenizer for the same files.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tokenizers import AddedToken, Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE

from motion.errors import BadFile, MissingPart

_CONTROL: Final = 3  # GGUF's type of tokens that are no text


class Words:
    """A text tokenizer."""

    def __init__(self, tokenizer: Tokenizer, end: int, template: str) -> None:
        """end: id of the token that ends a turn; template: of conversations, in jinja."""
        self._tokenizer = tokenizer
        self.end = end
        self._template = template

    def encode(self, text: str) -> list[int]:
        """Ids of a text, without special tokens around it."""
        return list(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def decode(self, ids: Sequence[int]) -> str:
        """Text of ids; special tokens are left out."""
        return str(self._tokenizer.decode(ids, skip_special_tokens=True))

    def conversation(self, turns: Sequence[Mapping[str, str]]) -> list[int]:
        """Ids of turns, each with `role` and `content`, up to where the answer begins."""
        from jinja2.sandbox import ImmutableSandboxedEnvironment

        form = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True).from_string(self._template)
        return self.encode(form.render(messages=list(turns), add_generation_prompt=True))


def from_gguf(fields: Mapping[str, Any]) -> Words:
    """The tokenizer in a GGUF file, as transformers converts it: byte-level BPE."""
    tokens: list[str] = fields["tokenizer.ggml.tokens"]
    merges = [tuple(merge.split(" ")) for merge in fields["tokenizer.ggml.merges"]]
    tokenizer = Tokenizer(BPE(vocab={token: i for i, token in enumerate(tokens)}, merges=merges))  # type: ignore[arg-type]
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)  # type: ignore[assignment]
    tokenizer.decoder = decoders.ByteLevel()  # type: ignore[assignment]
    kinds: list[int] = fields["tokenizer.ggml.token_type"]
    control = [token for token, kind in zip(tokens, kinds, strict=True) if kind == _CONTROL]
    tokenizer.add_special_tokens([AddedToken(token, normalized=False, special=True) for token in control])
    return Words(tokenizer, fields["tokenizer.ggml.eos_token_id"], fields["tokenizer.chat_template"])


def from_folder(folder: Path) -> Words:
    """The tokenizer in a folder of transformers. Raises MissingPart, BadFile."""
    path = folder / "tokenizer.json"
    if not path.exists():
        raise MissingPart(f"{folder} holds no tokenizer.json; save its tokenizer there with save_pretrained")
    try:
        tokenizer = Tokenizer.from_file(str(path))
        facts: dict[str, Any] = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
        apart = folder / "chat_template.jinja"
        template = apart.read_text(encoding="utf-8") if apart.exists() else str(facts.get("chat_template") or "")
        end: Any = facts["eos_token"]
        found = tokenizer.token_to_id(end if isinstance(end, str) else end["content"])
    except Exception as error:  # tokenizers raises the bare class
        raise BadFile(f"is no tokenizer that can be read ({error!r}); save it afresh", str(path)) from error
    if found is None:
        raise BadFile(f"has no token {end!r}, which its configuration says ends a text; save it afresh", str(path))
    return Words(tokenizer, found, template)
