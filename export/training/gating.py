"""How the gate of a mixture of LoRA experts learns (HMVLM, section 3.3).

With the messages it learns through the language model's likelihood alone. On questions that ask for no motion it learns
to choose the zero expert, L_gat = -log a_0 (equation 4). Requests for motion in the form of a conversation are the
other side, -log(1 - a_0), which the paper does not have: it never has to tell the two apart by the sentence alone.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.numpy import load_file, save_file
from torch import Tensor
from torch.nn import functional as F

from export.corpora.conversations import Conversations
from export.data.messages import Row, said
from export.training.concepts import Concepts
from export.training.sentences import Sentences
from models.backbone import Told
from models.sentences.gate import Gate, SoftTokens

log = logging.getLogger(__name__)
_BARE = 0.3  # of messages whose gate is not told the instruction: so does who asks in any form
_DRAWN = 32  # prompts a step, of each side
_STEPS = 1500
_ALONE = 600  # steps
_SUBJECT = re.compile(r"^(?:a person|someone|somebody|a \w+|the \w+) ")
_ARTICLE = re.compile(r"\b(?:the|a|an) ")


class Gating:
    """What the gate and the soft tokens are told in a step, and the gate's own losses."""

    def __init__(self, gate: Gate, talk: Conversations) -> None:
        """Raises MissingPart where the sentence encoder is not installed."""
        self.gate = gate
        self.sentences = Sentences()
        """what embeds them"""
        self._prompts = talk.prompts
        self._requests = tuple(asked.text for asked in talk.requests)

    def told(self, batch: list[Row], generator: torch.Generator, device: torch.device) -> Told:
        """Of a batch's messages and rivals, which come as `Messages.tensors` has them."""
        rows = said(batch)
        bare = (torch.rand(len(batch), generator=generator) < _BARE).tolist()
        bare += [bare[i] for i, row in enumerate(batch) if row.rival is not None]
        instructions = [None if without else one.instruction for one, without in zip(rows, bare, strict=True)]
        places = [-1 if one.soft is None else one.soft for one in rows]
        return Told(
            self.sentences(instructions).to(device),
            self.sentences([one.text for one in rows]).to(device),
            torch.tensor(places, device=device),
        )

    def loss(self, generator: torch.Generator, device: torch.device) -> dict[str, Tensor]:
        """L_gat and its other side, on texts drawn anew."""
        found: dict[str, Tensor] = {}
        for name, texts in (("gate", self._prompts), ("gate_motion", self._requests)):
            drawn = torch.randint(len(texts), (_DRAWN,), generator=generator).tolist()
            prompts = self.sentences([texts[i] for i in drawn]).to(device)
            zero = self.gate(torch.zeros_like(prompts), prompts)[:, 0]
            found[name] = -zero.mean() if name == "gate" else -torch.log1p(-zero.exp().clamp(max=1 - 1e-6)).mean()
        return found

    def alone(self) -> Gate:
        """The gate after it has learned to route alone, where there is no mixture whose experts it weighs."""
        generator = torch.Generator().manual_seed(1)
        optimizer = torch.optim.AdamW(self.gate.parameters(), 1e-3, weight_decay=0.01)
        for _ in range(_ALONE):
            loss = torch.stack(list(self.loss(generator, torch.device("cpu")).values())).sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return self.gate.eval()

    def begin(self, concepts: Concepts, path: Path, embed: Callable[[str], Tensor], tokens: int) -> SoftTokens:
        """Soft tokens that tell what sentences speak of, and say it in plain words' own embeddings, so that from the
        start the language model is told in words it knows; made once and kept in `path`.

        embed: text -> embeddings (N, width) of its tokens; tokens: of each sentence.
        """
        if path.exists():
            return SoftTokens.like({name: torch.from_numpy(one) for name, one in load_file(path).items()}, tokens)
        asked = concepts.asked
        given = self.sentences([text for text, _, _ in asked])
        kinds, styles = (torch.tensor([one[at] for one in asked]) for at in (1, 2))
        generator = torch.Generator().manual_seed(1)
        width = embed(".").shape[-1]
        torch.manual_seed(1)
        soft = SoftTokens((len(concepts.captions), tokens - 1), (len(concepts.styles), 1), width)
        optimizer = torch.optim.AdamW([*soft.enter.parameters(), *soft.leave.parameters()], 2e-3, weight_decay=0.01)
        for step in range(_STEPS):
            picks = torch.randint(len(asked), (512,), generator=generator)
            found = soft.scores(given[picks], dropout=0.2)
            loss = F.nll_loss(found[0], kinds[picks]) + F.nll_loss(found[1], styles[picks])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if (step + 1) % 500 == 0:
                log.info("soft tokens: step %d of %d, loss %.3f", step + 1, _STEPS, float(loss.detach()))
        with torch.no_grad():
            rest = embed(".")[:1]
            for row, text in zip(soft.concepts, concepts.captions, strict=True):
                own = embed(f" {_plainest(text)}")[: tokens - 1]
                row.copy_(torch.cat([own, rest.expand(tokens - 1 - len(own), -1)]).flatten())
            for row, text in zip(soft.styles, concepts.styles, strict=True):
                row.copy_(embed(f" {text}" if text else ".").mean(0))
        save_file({name: value.numpy() for name, value in soft.state_dict().items()}, path)
        return soft


def _plainest(caption: str) -> str:
    """A caption without its subject and without articles."""
    return _ARTICLE.sub("", _SUBJECT.sub("", caption))
