"""The language model that everything stands on: a causal LM of transformers with a motion vocabulary beside its own.

The backbone's text embeddings and head stay as they are. Special tokens and motion codes get embeddings and a head of
their own; a code's embedding is computed from its FSQ digits by a small network, so that codes that differ by one
level begin alike and 4,375 of them cost 0.6 million parameters.
"""

from __future__ import annotations

import importlib
import logging
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.checkpoint import cache_folder, packaged
from models.mixture import Mixture
from models.multi_token import MultiTokenHead
from models.sentences.gate import Gate, SoftTokens
from models.vocabulary import SPECIAL, Vocabulary
from motion.errors import MissingPart

log = logging.getLogger(__name__)
NAME = "SmolLM2-135M-Instruct"


def prepared(backbone: Path | None = None) -> Path:
    """A folder that transformers loads in seconds: `backbone` itself, or the packaged model converted once to bf16.
    Raises MissingPart where `backbone` is no such folder."""
    if backbone is not None:
        if not (backbone / "config.json").exists():
            raise MissingPart(
                f"{backbone} holds no config.json; give a folder that transformers' save_pretrained wrote"
            )
        return backbone
    gguf = packaged()
    folder = cache_folder() / f"{NAME}-{gguf.stat().st_size}"
    if (folder / "model.safetensors").exists():
        return folder
    os.environ["HF_HUB_OFFLINE"] = "1"
    import transformers
    from transformers import AutoModelForCausalLM, AutoTokenizer

    log.info("converting %s, once: later starts take seconds", NAME)
    quiet: Any = transformers
    quiet.utils.logging.disable_progress_bar()
    quiet.utils.logging.set_verbosity_error()  # it advises on speed, which the copy in bf16 settles
    part = folder.with_name(f"{folder.name}.part{os.getpid()}")
    with _read_once():
        loaded: Any = AutoModelForCausalLM.from_pretrained(gguf.parent, gguf_file=gguf.name, dtype=torch.bfloat16)
        words: Any = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    config = loaded.config
    if hasattr(config, "quantization_config"):
        del config.quantization_config  # save_pretrained refuses a model that says it came from GGUF
    plain = type(loaded)(config).to(torch.bfloat16)
    plain.load_state_dict(loaded.state_dict())
    plain.save_pretrained(part)
    words.save_pretrained(part)
    try:
        part.rename(folder)
    except OSError:
        if not (folder / "model.safetensors").exists():  # otherwise another process was faster
            raise
    return folder


@contextmanager
def _read_once() -> Iterator[None]:
    """Transformers opens a GGUF file three times, and reads its vocabulary each time: half of the whole conversion."""
    gguf: Any = importlib.import_module("gguf")
    theirs = gguf.GGUFReader
    gguf.GGUFReader = cache(theirs)
    try:
        yield
    finally:
        gguf.GGUFReader = theirs


def code_digits(levels: tuple[int, ...]) -> Tensor:
    """Each code's level index in each FSQ channel (codes, channels) int64, the first channel running fastest."""
    codes = torch.arange(math.prod(levels))
    columns: list[Tensor] = []
    for count in levels:
        columns.append(codes % count)
        codes = codes // count
    return torch.stack(columns, dim=-1)


class MotionVocabularyLayers(nn.Module):
    """Embeddings and head of the special tokens and the motion codes."""

    digits: Tensor

    def __init__(self, levels: tuple[int, ...], width: int, hidden: int = 512, scale: float = 0.1) -> None:
        """levels: of the tokenizer's FSQ; width: of the backbone; scale: deviation of its text embeddings."""
        super().__init__()
        self.codes = math.prod(levels)
        digits = code_digits(levels)
        onehot = torch.cat([F.one_hot(digits[:, c], n) for c, n in enumerate(levels)], dim=-1).float()
        # One-hot levels, and the level as a number: neighbours in a channel are neighbours in the input.
        ramp = torch.stack([digits[:, c].float() / (n - 1) * 2 - 1 for c, n in enumerate(levels)], dim=-1)
        self.register_buffer("digits", torch.cat([onehot, ramp], dim=-1), persistent=False)
        inputs = self.digits.shape[1]
        self.special = nn.Parameter(torch.randn(len(SPECIAL), width) * scale)
        self.special_head = nn.Parameter(torch.randn(len(SPECIAL), width) * 0.02)
        self.enter = nn.Sequential(nn.Linear(inputs, hidden), nn.GELU(), nn.Linear(hidden, width))
        self.leave = nn.Sequential(nn.Linear(inputs, hidden), nn.GELU(), nn.Linear(hidden, width))
        self.bias = nn.Parameter(torch.zeros(self.codes))
        for last, deviation in ((self.enter[2], scale * 2 / hidden**0.5), (self.leave[2], 0.04 / hidden**0.5)):
            assert isinstance(last, nn.Linear)
            nn.init.normal_(last.weight, std=deviation)

    def embeddings(self) -> Tensor:
        """(special + codes, width): rows in the order of the vocabulary's ids after the text."""
        return torch.cat([self.special, self.enter(self.digits)])

    def head(self) -> tuple[Tensor, Tensor]:
        """Weight (special + codes, width) and bias of the motion head."""
        bias = torch.cat([self.bias.new_zeros(len(SPECIAL)), self.bias])
        return torch.cat([self.special_head, self.leave(self.digits)]), bias


class Losses(NamedTuple):
    """Of each message, all (B,)."""

    motion: Tensor
    """summed cross entropy of motion targets"""
    motions: Tensor
    """how many they are"""
    text: Tensor
    texts: Tensor
    further: Tensor
    """summed divergence of the multi-token head from the layers"""
    furthers: Tensor


class Told(NamedTuple):
    """What is known of each message's sentence."""

    instruction: Tensor
    """its embedding (B, 384)"""
    prompt: Tensor
    """the sentence's (B, 384); zeros where there is none"""
    soft: Tensor
    """(B,) int64: where its soft tokens stand, -1 where there are none"""


class MotionLanguageModel(nn.Module):
    """A causal LM's trunk with a motion vocabulary. The trunk may carry LoRA layers; without them and without motion
    tokens it computes what the backbone computes, operation for operation."""

    def __init__(
        self,
        trunk: nn.Module,
        text_head: Tensor,
        vocabulary: Vocabulary,
        layers: MotionVocabularyLayers,
        further: MultiTokenHead | None = None,
        at_once: int = 1,
        mixture: Mixture | None = None,
        gate: Gate | None = None,
    ) -> None:
        """trunk: ids or embeddings -> hidden states (a transformers base model); text_head (text, width); further: what
        draws all but the first of each `at_once` codes; mixture: the trunk's experts, which `gate` weighs."""
        super().__init__()
        self.trunk: Any = trunk
        self.text_head = text_head
        self.vocabulary = vocabulary
        self.layers = layers
        self.further = further
        self.at_once = at_once
        self.mixture = mixture
        self.gate = gate
        self.soft: SoftTokens | None = None
        """what a sentence's embedding puts before its tokens, once it is known of what it can speak"""
        self.soft_tokens = 0

    def embed(self, ids: Tensor, table: Tensor) -> Tensor:
        """Embeddings (B, N, width) of ids of any kind; `table` is `layers.embeddings()`."""
        text = self.vocabulary.text
        own = (ids >= text)[..., None]
        words = F.embedding(ids.clamp(max=text - 1), self.trunk.get_input_embeddings().weight)
        ours = F.embedding((ids - text).clamp(min=0), table)
        return torch.where(own, ours.to(words.dtype), words)

    def states(self, ids: Tensor, told: Told | None = None) -> Tensor:
        """Hidden states (B, N, width) of ids (B, N)."""
        embeds = self.embed(ids, self.layers.embeddings())
        if self.soft is not None and told is not None:
            embeds = self.softened(embeds, told)
        return self.run(self.weights(ids, told), inputs_embeds=embeds, use_cache=False).last_hidden_state

    def softened(self, embeds: Tensor, told: Told) -> Tensor:
        """Embeddings (B, N, width) with the sentences' soft tokens in their places."""
        assert self.soft is not None
        rows = (told.soft >= 0).nonzero()[:, 0]
        made = self.soft(told.prompt[rows]).to(embeds.dtype)
        places = told.soft[rows, None] + torch.arange(self.soft.tokens, device=embeds.device)
        return embeds.index_put((rows[:, None].expand_as(places), places), made)

    def weights(self, ids: Tensor, told: Told | None) -> Tensor | None:
        """Of the experts, (B, N, E): the gate's, but for what stands before a message's conditions, which is the same
        in all messages of a task and is read with all experts alike. None where there are no experts."""
        if self.mixture is None or self.gate is None or told is None:
            return None
        weights = self.gate(told.instruction, told.prompt).exp()[:, None, 1:]
        begun = (ids == self.vocabulary.special("COND_BOS")).cumsum(-1)
        inside = begun - (ids == self.vocabulary.special("COND_BOS")).int() > 0
        return torch.where(inside[..., None], weights, 1 / (self.mixture.experts + 1))

    def run(self, weights: Tensor | None, **given: Any) -> Any:
        """The trunk's outcome, with these weights of its experts (B, 1 or N, E) where it has any."""
        return self.trunk(**given) if self.mixture is None else self.mixture.run(self.trunk, weights, **given)

    def code_scores(self, states: Tensor) -> Tensor:
        """Scores (N, special + codes) of what follows states (N, width) where motion can."""
        weight, bias = self.layers.head()
        return F.linear(states, weight.to(states.dtype), bias.to(states.dtype)).float()

    def word_scores(self, states: Tensor) -> Tensor:
        """Scores (N, text + special) of what follows states (N, width) where text can."""
        special = self.layers.head()[0][: len(SPECIAL)]
        return F.linear(states, torch.cat([self.text_head.to(states.dtype), special.to(states.dtype)])).float()

    def forward(self, ids: Tensor, targets: Tensor, told: Told | None = None) -> Losses:
        """What the model makes of messages.

        ids (B, N); targets (B, N): the id to be predicted at each position, -100 where none. A motion or special
        target is told from the motion vocabulary alone, a text target from text and special tokens: at every position
        the message format says which of the two can follow.
        """
        hidden, text = self.states(ids, told), self.vocabulary.text
        is_text = (targets >= 0) & self.text_reply(ids)
        is_motion = (targets >= 0) & ~is_text
        scores = self.code_scores(hidden[is_motion])
        motion = F.cross_entropy(scores, targets[is_motion] - text, reduction="none")
        spoken = F.cross_entropy(self.word_scores(hidden[is_text]), targets[is_text], reduction="none")
        further, many = self.apart(hidden, targets, is_motion, scores.detach())
        return Losses(
            _by_row(motion, is_motion), is_motion.sum(-1), _by_row(spoken, is_text), is_text.sum(-1), further, many
        )

    def apart(self, hidden: Tensor, targets: Tensor, is_motion: Tensor, scores: Tensor) -> tuple[Tensor, Tensor]:
        """Summed divergence (B,) of the multi-token head's scores from those of the layers, and of how many codes (B,).

        hidden states (B, N, width) of messages, targets (B, N), and at the P positions of `is_motion` (B, N) the
        layers' scores (P, special + codes): from each of them the head goes `at_once` - 1 codes on.
        """
        sums = hidden.new_zeros(len(targets), dtype=torch.float32)
        counts = torch.zeros(len(targets), dtype=torch.int64, device=targets.device)
        if self.further is None:
            return sums, counts
        table, wanted = self.layers.embeddings(), scores.log_softmax(-1)
        place = torch.full_like(targets, -1)
        place[is_motion] = torch.arange(len(scores), device=targets.device)
        rows, at = (is_motion & (targets >= self.vocabulary.first_code)).nonzero(as_tuple=True)
        state = hidden[rows, at].float()
        for ahead in range(1, self.at_once):
            # On from where there is a code to go on with, and after it something of the motion to be told.
            later = (at + ahead).clamp(max=targets.shape[1] - 1)
            code = targets[rows, later - 1]
            kept = (at + ahead < targets.shape[1]) & (place[rows, later] >= 0) & (code >= self.vocabulary.first_code)
            rows, at, state, later, code = rows[kept], at[kept], state[kept], later[kept], code[kept]
            state = self.further(state, table[code - self.vocabulary.text].float()).float()
            ours = self.code_scores(state.to(hidden.dtype)).log_softmax(-1)
            apart = F.kl_div(ours, wanted[place[rows, later]], reduction="none", log_target=True).sum(-1)
            sums, counts = sums.index_add(0, rows, apart), counts + torch.bincount(rows, minlength=len(targets))
        return sums, counts

    def text_reply(self, ids: Tensor) -> Tensor:
        """Positions (B, N) that lie between [TEXT_BOS] and [TEXT_EOS], where the next token is text or [TEXT_EOS]."""
        opened = (ids == self.vocabulary.special("TEXT_BOS")).cumsum(-1)
        closed = (ids == self.vocabulary.special("TEXT_EOS")).cumsum(-1)
        return opened > closed


def _by_row(losses: Tensor, chosen: Tensor) -> Tensor:
    """Sums (B,) of the losses of the chosen positions (B, N), which lie in reading order."""
    return losses.new_zeros(chosen.shape[0]).index_add(0, chosen.nonzero()[:, 0], losses)
