"""What training on motion cost the language: how much of its own answers the backbone still gives.

After HMVLM's Table 1 (4.1), without a judge: 80 questions in MT-Bench's eight topics stand beside this file in
`questions.json`, and the reference is what the backbone answers greedily. A row says how a model takes the same
answers, token by token: shares are between 0 and 1, log-likelihoods in nats. Weights are read as float32, so that
rounding makes no token tip over.
"""

from __future__ import annotations

import json
import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import torch
from torch import Tensor
from torch.nn import functional as F
from transformers import AutoModelForCausalLM

from export.measuring.gate_weights import LEFT_OUT
from export.recipe import Recipe
from export.training import adapters
from export.training.sentences import Sentences
from models import backbone, words
from models.backbone import MotionLanguageModel
from models.words import Words
from motion.bundles.manifest import ADAPTER
from motion.errors import BadFile

log = logging.getLogger(__name__)
QUESTIONS: Final = Path(__file__).with_name("questions.json")
TOKENS: Final = 96
"""Longest answer."""
OVERALL: Final = "overall"


class Voice(Protocol):
    """A model that can be asked how likely each token of a text is to it."""

    def score(self, ids: Tensor, text: str) -> Tensor:
        """Log-probabilities (N, vocabulary) of what follows each of ids (1, N); text: the question, for a gate. The
        backbone's tokens are the first of the vocabulary."""
        ...


class Backbone:
    """The backbone as it comes."""

    def __init__(self, folder: Path) -> None:
        self.causal: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()

    def score(self, ids: Tensor, text: str) -> Tensor:
        """See Voice."""
        del text
        return self.causal(input_ids=ids, use_cache=False).logits[0].log_softmax(-1)


class Adapted:
    """A backbone with one set of adapters, whatever is asked: its text vocabulary and the special tokens."""

    def __init__(self, model: MotionLanguageModel) -> None:
        self.model = model

    def score(self, ids: Tensor, text: str) -> Tensor:
        """See Voice."""
        del text
        return self.model.word_scores(self.model.states(ids)[0]).log_softmax(-1)


class Gated:
    """A mixture of experts, weighed by the gate as the service does it: left out where the zero expert has nearly all
    the weight."""

    def __init__(self, model: MotionLanguageModel, sentences: Sentences) -> None:
        self.model, self.sentences = model, sentences

    def score(self, ids: Tensor, text: str) -> Tensor:
        """See Voice."""
        assert self.model.gate is not None
        prompt = self.sentences([text])
        weights = self.model.gate(torch.zeros_like(prompt), prompt).exp()
        own = None if float(weights[0, 0]) > LEFT_OUT else weights[:, None, 1:]
        embeds = self.model.embed(ids, self.model.layers.embeddings())
        states = self.model.run(own, inputs_embeds=embeds, use_cache=False).last_hidden_state
        text_scores = F.linear(states[0], self.model.text_head.to(states.dtype)).float()
        return (text_scores if own is None else self.model.word_scores(states[0])).log_softmax(-1)


@dataclass(frozen=True)
class Answer:
    """What the backbone says to a question."""

    topic: str
    question: str
    prompt: tuple[int, ...]
    """Ids of the conversation up to where the answer begins."""
    ids: tuple[int, ...]
    """Of the answer, with the token that ends it where it ended."""
    text: str


@dataclass(frozen=True)
class Kept:
    """How a model takes one answer."""

    topic: str
    tokens: int
    agreed: int
    """Tokens it holds for the likeliest too, told all that goes before."""
    prefix: int
    """Tokens that agree before the first that does not: so far its own greedy answer is the backbone's."""
    log_likelihood: float
    """Summed over the tokens."""


def questions(path: Path = QUESTIONS) -> dict[str, tuple[str, ...]]:
    """The questions by topic."""
    return {topic: tuple(texts) for topic, texts in json.loads(path.read_text(encoding="utf-8")).items()}


@torch.inference_mode()
def answers(
    voice: Backbone, spoken: Words, asked: Mapping[str, Sequence[str]], longest: int = TOKENS
) -> tuple[Answer, ...]:
    """What the backbone answers greedily to each question, in at most `longest` tokens."""
    found: list[Answer] = []
    for topic, texts in asked.items():
        prompts = [spoken.conversation([{"role": "user", "content": text}]) for text in texts]
        for text, prompt, ids in zip(texts, prompts, _greedy(voice.causal, prompts, spoken.end, longest), strict=True):
            found.append(Answer(topic, text, tuple(prompt), tuple(ids), spoken.decode(ids)))
        log.info("the backbone has answered %d questions", len(found))
    return tuple(found)


def _greedy(causal: Any, prompts: Sequence[Sequence[int]], end: int, longest: int) -> list[list[int]]:
    """What follows each prompt, with the token that ends it; prompts of unlike lengths are filled up on the left."""
    width = max(len(prompt) for prompt in prompts)
    fed = torch.tensor([[end] * (width - len(prompt)) + list(prompt) for prompt in prompts])  # (B, N)
    mask = torch.tensor([[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts])
    found: list[list[int]] = [[] for _ in prompts]
    past = None
    for _ in range(longest):
        place = (mask.cumsum(-1) - 1).clamp(min=0)[:, -fed.shape[1] :]
        out = causal(input_ids=fed, attention_mask=mask, position_ids=place, past_key_values=past, use_cache=True)
        fed, past = out.logits[:, -1:].argmax(-1), out.past_key_values
        mask = torch.cat([mask, torch.ones_like(fed)], dim=-1)
        for ids, token in zip(found, fed[:, 0].tolist(), strict=True):
            if not ids or ids[-1] != end:
                ids.append(token)
        if all(ids[-1] == end for ids in found):
            break
    return found


def references(
    folder: Path, asked: Mapping[str, Sequence[str]], longest: int = TOKENS, cache: Path | None = None
) -> tuple[Answer, ...]:
    """The answers of the backbone in `folder`: from the file `cache` where that holds those to the same questions, else
    made, and written there."""
    key = {"backbone": folder.name, "longest": longest, "questions": {t: list(texts) for t, texts in asked.items()}}
    if cache is not None and cache.exists():
        held = json.loads(cache.read_text(encoding="utf-8"))
        if held["key"] == key:
            return tuple(Answer(**one | {n: tuple(one[n]) for n in ("prompt", "ids")}) for one in held["answers"])
    made = answers(Backbone(folder), words.from_folder(folder), asked, longest)
    if cache is not None:
        kept = {"key": key, "answers": [asdict(one) for one in made]}
        cache.write_text(json.dumps(kept, ensure_ascii=False, indent=1), encoding="utf-8")
    return made


@torch.inference_mode()
def kept(voice: Voice, answer: Answer) -> Kept:
    """How a model takes an answer. Its own greedy answer needs not be drawn: up to the first token that differs it has
    read what the reference holds, so the two part exactly there."""
    ids = torch.tensor([[*answer.prompt, *answer.ids]])
    scores = voice.score(ids[:, :-1], answer.question)[len(answer.prompt) - 1 :]  # (tokens, vocabulary)
    wanted = ids[0, len(answer.prompt) :]
    agreed = (scores.argmax(-1) == wanted).long()
    return Kept(
        topic=answer.topic,
        tokens=len(wanted),
        agreed=int(agreed.sum()),
        prefix=int(agreed.cumprod(0).sum()),
        log_likelihood=float(scores.gather(-1, wanted[:, None]).double().sum()),
    )


def table(taken: Iterable[Kept]) -> dict[str, dict[str, float]]:
    """Topic, and all together -> shares of tokens agreed, of answers' beginnings (mean over answers) and of answers
    kept whole, and mean log-likelihood of a token."""
    groups: dict[str, list[Kept]] = defaultdict(list)
    for one in taken:
        groups[OVERALL].append(one)
        groups[one.topic].append(one)
    rows: dict[str, dict[str, float]] = {}
    for name, group in groups.items():
        tokens = sum(one.tokens for one in group)
        rows[name] = {
            "answers": len(group),
            "tokens": tokens,
            "tokens_kept": sum(one.agreed for one in group) / tokens,
            "common_prefix": sum(one.prefix / one.tokens for one in group) / len(group),
            "answers_kept": sum(one.prefix == one.tokens for one in group) / len(group),
            "log_likelihood": sum(one.log_likelihood for one in group) / tokens,
        }
    return rows


def voices(recipe: Recipe, folder: Path) -> dict[str, Voice]:
    """The language models that a recipe's run holds, on the backbone in `folder`, by what they are called in the
    table."""
    found: dict[str, Voice] = {}
    if (recipe.run / ADAPTER).exists():
        model, _ = adapters.trained(recipe, folder, torch.float32)
        if model.gate is None:
            found["plain LoRA"] = Adapted(model)
        else:
            name = "mixture with the gate" if recipe.language.gate_loss else "mixture without L_gat"
            found[name] = Gated(model, Sentences())
    return found


def measure(recipes: Sequence[Recipe], cache: Path | None = None, folder: Path | None = None) -> dict[str, object]:
    """The table of the backbone, which keeps all but what rounding tips over, and of every model of the recipes' runs;
    folder: the backbone's (the packaged one). Raises BadFile where a run holds no language model, or not all of it."""
    place = backbone.prepared(folder)
    known = references(place, questions(), cache=cache)
    rows: dict[str, dict[str, dict[str, float]]] = {}

    def add(name: str, voice: Voice) -> None:
        rows[name] = table(kept(voice, answer) for answer in known)
        log.info("%s: %s", name, " ".join(f"{key} {value:.4g}" for key, value in rows[name][OVERALL].items()))

    add("backbone", Backbone(place))
    for recipe in recipes:
        found = voices(recipe, place)
        if not found:
            raise BadFile("holds no language model; run python -m export.train_llm first", str(recipe.run))
        for name, voice in found.items():
            add(f"{recipe.name}, {name}", voice)
    return {"longest_answer_tokens": TOKENS, "rows": rows}
