"""The language model's vocabulary: the backbone's text tokens, then special tokens, then one token a motion code.

Token ids: [0, text) text as the backbone has it, [text, text + 29) special, then the motion codes. The 29 special
tokens mark the segments of VerMo's motion message (section 4.4 and appendix A.1).
"""

from __future__ import annotations

from dataclasses import dataclass

FRAMES_PER_TOKEN = 4
"""Of motion at 30 a second, which one code stands for (VerMo, section 4.2)."""
SPECIAL: tuple[str, ...] = (
    "PAD",
    "INSTR_BOS",
    "INSTR_EOS",
    "COND_BOS",
    "COND_EOS",
    "REPLY_BOS",
    "REPLY_EOS",
    "TEXT_BOS",
    "TEXT_EOS",
    "DURATION_BOS",
    "DURATION_EOS",
    "MOT_BOS",
    "MOT_EOS",
    "PAST_BOS",
    "PAST_EOS",
    "FUTURE_BOS",
    "FUTURE_EOS",
    "AGENT_SEP",
    "AGENTS_BOS",
    "AGENTS_EOS",
    "AUDIO_BOS",
    "AUDIO_EOS",
    "SPEECH_BOS",
    "SPEECH_EOS",
    "IMAGE_BOS",
    "IMAGE_EOS",
    "VIDEO_BOS",
    "VIDEO_EOS",
    "STYLE",
)


@dataclass(frozen=True)
class Vocabulary:
    """Where each kind of token lies."""

    text: int
    """Number of text tokens of the backbone."""
    codes: int
    """Number of motion codes."""

    @property
    def size(self) -> int:
        """All tokens."""
        return self.text + len(SPECIAL) + self.codes

    def special(self, name: str) -> int:
        """Id of a special token by its name in `SPECIAL`."""
        return self.text + SPECIAL.index(name)

    def code(self, code: int) -> int:
        """Id of a motion code."""
        assert 0 <= code < self.codes, f"code {code} is outside the code book of {self.codes}"
        return self.text + len(SPECIAL) + code

    @property
    def first_code(self) -> int:
        """Id of motion code 0; every id from here on is a code."""
        return self.text + len(SPECIAL)
