"""Motion codes from a trained language model, many requests at once: what evaluation needs.

The service decodes one request at a time as its tokens are wanted; here the whole batch runs to its end.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from export.training.sentences import Sentences
from models import tasks
from models.backbone import MotionLanguageModel, Told
from models.vocabulary import FRAMES_PER_TOKEN, SPECIAL
from motion import features


def motion(
    model: MotionLanguageModel,
    tokenize: Any,
    requests: Sequence[tasks.Conditions],
    task: str = "text-to-motion",
    temperature: float = 0.7,
    top_p: float = 0.95,
    seed: int = 1,
    guidance: float = 1.0,
    at_once: int | None = None,
    sentences: Sentences | None = None,
) -> list[list[int]]:
    """Codes for each request, as many as its seconds ask for, drawn with one generator.

    guidance: scores are those without the sentence plus this many times what the sentence changes in them (Ho and
    Salimans 2022); 1 leaves them as they are. at_once: codes that one run
    of the layers brings, by the model's multi-token head; None: as many as it was trained for. sentences: what embeds
    them, for a mixture's gate.
    """
    vocabulary = model.vocabulary
    row = tasks.find(task)
    soft = 0 if model.soft is None else model.soft.tokens
    asked = [(row, given) for given in requests]
    if guidance != 1.0:
        free = tasks.find("unconditional")
        asked += [(free, tasks.Conditions(seconds=given.seconds)) for given in requests]
    made_of = [tasks.prompt(one, given, vocabulary, tokenize, soft) for one, given in asked]
    prompts = [one.ids for one in made_of]
    counts = [round((given.seconds or 4.0) * features.FPS / FRAMES_PER_TOKEN) for given in requests]
    width = max(map(len, prompts))
    pad = vocabulary.special("PAD")
    ids = torch.tensor([[pad] * (width - len(prompt)) + prompt for prompt in prompts])
    mask = torch.tensor([[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts])
    told: Told | None = None
    if model.gate is not None:
        assert sentences is not None, "a mixture is told its sentences"
        starts = [-1 if one.soft is None else width - len(one.ids) + one.soft for one in made_of]
        told = Told(
            sentences([one.instruction for one, _ in asked]), sentences([given.text for _, given in asked]),
            torch.tensor(starts),
        )  # fmt: skip
    generator = torch.Generator().manual_seed(seed)
    further, at_once = model.further, model.at_once if at_once is None else at_once
    made: list[Tensor] = []
    cache: Any = None
    with torch.inference_mode():
        table = model.layers.embeddings()
        weight, bias = model.layers.head()
        weight, bias = weight[len(SPECIAL) :], bias[len(SPECIAL) :]
        while len(made) < max(counts):
            places = (mask.cumsum(-1) - 1).clamp(min=0)[:, -ids.shape[1] :]
            embeds, weights = model.embed(ids, table), model.weights(ids, told)
            if cache is None and model.soft is not None and told is not None:
                embeds = model.softened(embeds, told)
            elif weights is not None and model.gate is not None and told is not None:
                weights = model.gate(told.instruction, told.prompt).exp()[:, None, 1:]
            with torch.autocast("cpu", dtype=torch.bfloat16):
                output = model.run(
                    weights, inputs_embeds=embeds, attention_mask=mask, position_ids=places,
                    past_key_values=cache, use_cache=True,
                )  # fmt: skip
            cache = output.past_key_values
            state, drawn = output.last_hidden_state[:, -1].float(), list[Tensor]()
            for _ in range(at_once):
                if drawn:
                    assert further is not None, "this model draws one code a run"
                    state = further(state, table[len(SPECIAL) + drawn[-1]])
                scores = F.linear(state, weight, bias)
                if guidance != 1.0:
                    with_text, without = scores.log_softmax(-1).chunk(2)
                    scores = without + guidance * (with_text - without)
                code = _draw(scores, temperature, top_p, generator)
                made.append(code)
                drawn.append(code.repeat(2) if guidance != 1.0 else code)
            ids = vocabulary.first_code + torch.stack(drawn, dim=1)
            mask = F.pad(mask, (0, at_once), value=1)
    codes = torch.stack(made, dim=1).tolist()
    return [one[:count] for one, count in zip(codes, counts, strict=True)]


def _draw(scores: Tensor, temperature: float, top_p: float, generator: torch.Generator) -> Tensor:
    """One index a row of scores (B, N), from the best tokens that together have `top_p`."""
    if temperature == 0:
        return scores.argmax(-1)
    chances = (scores / temperature).softmax(-1)
    ordered, order = chances.sort(descending=True)
    ordered = ordered.masked_fill(ordered.cumsum(-1) - ordered > top_p, 0)
    return order.gather(-1, torch.multinomial(ordered, 1, generator=generator))[:, 0]
