"""How the gate of a mixture of LoRA experts learns (HMVLM, section 3.3).

With the messages it learns through the language model's likelihood alone. On questions that ask for no motion it learns
to choose the zero expert, L_gat = -log a_0 (equation 4). Requests for motion in the form of a conversation are the
other side, -log(1 - a_0), which the paper does not have: it never has to tell the two apart by the sentence alone.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from export.corpora.conversations import Conversations
from export.corpora.words import Words
from export.data.messages import Row, said
from export.training.sentences import Sentences
from models.backbone import MotionLanguageModel, Told

log = logging.getLogger(__name__)
_BARE = 0.3  # of messages whose gate is not told the instruction: so does who asks in any form
_DRAWN = 32  # prompts a step, of each side
_STEPS = 1500


class Gating:
    """What the gate and the soft tokens are told in a step, and the gate's own losses."""

    def __init__(self, model: MotionLanguageModel, talk: Conversations) -> None:
        """Raises MissingPart where the sentence encoder is not installed."""
        assert model.gate is not None
        self._gate, self._soft = model.gate, model.soft
        self._sentences = Sentences()
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
            self._sentences(instructions).to(device),
            self._sentences([one.text for one in rows]).to(device),
            torch.tensor(places, device=device),
        )

    def loss(self, generator: torch.Generator, device: torch.device) -> dict[str, Tensor]:
        """L_gat and its other side, on texts drawn anew."""
        found: dict[str, Tensor] = {}
        for name, texts in (("gate", self._prompts), ("gate_motion", self._requests)):
            drawn = torch.randint(len(texts), (_DRAWN,), generator=generator).tolist()
            prompts = self._sentences([texts[i] for i in drawn]).to(device)
            zero = self._gate(torch.zeros_like(prompts), prompts)[:, 0]
            found[name] = -zero.mean() if name == "gate" else -torch.log1p(-zero.exp().clamp(max=1 - 1e-6)).mean()
        return found

    def begin(self, words: Words, seed: int = 1) -> None:
        """Teaches the soft tokens' hidden layer to tell the wordings' keys apart, so that the language model is told
        the same for whatever means the same."""
        if self._soft is None:
            return
        texts, keys = zip(*words.said(), strict=True)
        place = {key: i for i, key in enumerate(words.keys)}
        wanted = torch.tensor([place[key] for key in keys])
        given = self._sentences(texts)
        generator = torch.Generator().manual_seed(seed)
        head = nn.Linear(self._soft.enter.out_features, len(place))
        learned: Sequence[nn.Parameter] = [*self._soft.enter.parameters(), *head.parameters()]
        optimizer = torch.optim.AdamW(learned, 2e-3, weight_decay=0.01)
        for step in range(_STEPS):
            picks = torch.randint(len(texts), (512,), generator=generator)
            inside = F.dropout(self._soft.features(given[picks]), 0.2)
            loss = F.cross_entropy(head(inside), wanted[picks])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if (step + 1) % 500 == 0:
                log.info("soft tokens: step %d of %d, loss %.3f", step + 1, _STEPS, float(loss.detach()))
