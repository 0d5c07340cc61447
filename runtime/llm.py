"""The language model at work: prompts in, motion codes and words out, one token at a time.

The backbone stays as it was published; the motion adapter is merged into a copy of its layers that shares the text
embeddings. Conversation runs on the untouched backbone. Decoding keeps keys and values, and after a motion token only
what the message format allows can follow, so that a reply always parses.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any, Self, cast

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file  # pyright: ignore[reportUnknownVariableType] (a bare PathLike)
from torch import Tensor, nn
from torch.nn import functional as F

from models import backbone, tasks
from models.backbone import MotionVocabularyLayers
from models.vocabulary import SPECIAL, Vocabulary
from motion.bundle import Bundle
from motion.errors import BadBundle
from runtime.sampling import Sampling, draw

Codes = NDArray[np.int64]
MOTION = Sampling(temperature=0.9, top_p=0.95)
WORDS = Sampling(temperature=0.7, top_p=0.9)
GUIDANCE = 3.0  # how much the sentence counts; docs/RESULTS.md says what 1, 2 and 3.5 gave
_LONGEST_TEXT = 96  # tokens of a description
_LONGEST_ANSWER = 256  # tokens of an answer in conversation


class MotionLanguageModel:
    """A bundle's language model, loaded. One thread uses it at a time."""

    def __init__(
        self, causal: Any, words: Any, trunk: Any, layers: MotionVocabularyLayers, tokens_per_second: float
    ) -> None:
        """causal: the backbone with its head; trunk: its layers with the adapter merged; see `load`."""
        self._causal: Any = causal
        self._words = words
        self._trunk: Any = trunk
        head = cast(Tensor, causal.lm_head.weight)
        self.vocabulary = Vocabulary(head.shape[0], layers.codes)
        with torch.inference_mode():
            self._table = layers.embeddings().to(head.dtype)
            weight, bias = layers.head()
            self._motion_head, self._motion_bias = weight.to(head.dtype), bias.float()
        self._text_head = head
        self._text_table = cast(Tensor, causal.get_input_embeddings().weight)  # the head itself, where the two are tied
        self._tokens_per_second = tokens_per_second

    @classmethod
    def load(cls, source: Bundle, path: str | None = None, threads: int = 2) -> Self:
        """The model of a bundle on the backbone in `path`, or on the packaged one. Raises BadBundle, MissingPart."""
        torch.set_num_threads(threads)
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
        import transformers

        folder = backbone.prepared(None if path is None else Path(path))
        untyped = cast(Any, transformers)
        untyped.utils.logging.disable_progress_bar()
        causal = untyped.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16, attn_implementation="sdpa")
        words = untyped.AutoTokenizer.from_pretrained(folder)
        facts = source.manifest.vocabulary
        weights = {name: value.float() for name, value in load_file(source.path("embeddings.safetensors")).items()}
        adapter = load_file(source.path("adapter.safetensors"))
        try:
            layers = MotionVocabularyLayers(tuple(facts["levels"]), causal.lm_head.weight.shape[1])
            layers.load_state_dict(weights)
            scale = float(facts["alpha"]) / float(facts["rank"])
        except (KeyError, RuntimeError) as error:
            raise BadBundle(
                f"the motion vocabulary of bundle {source.manifest.name!r} does not fit the backbone in {folder} "
                f"({error}); serve the bundle on the backbone it names"
            ) from error
        trunk = merged(causal.model, adapter, scale)
        tokens = source.manifest.tokens
        for module in (causal, trunk, layers):
            module.eval().requires_grad_(False)
        return cls(causal, words, trunk, layers, source.manifest.fps / tokens.frames_per_token)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._causal = self._trunk = None

    def motion(
        self,
        task: str,
        text: str,
        tokens: int | None,
        past: Codes | None,
        future: Codes | None,
        seed: int,
        sampling: Sampling = MOTION,
        guidance: float = GUIDANCE,
    ) -> Generator[int, None, None]:
        """Codes of a motion, one a step; exactly `tokens` of them where that is given.

        With a sentence, each step's scores are those without it plus `guidance` times what it changes in them
        (classifier-free guidance, Ho and Salimans 2022); both prompts run as one batch.
        """
        seconds = None if tokens is None else tokens / self._tokens_per_second
        given = tasks.Conditions(text or None, seconds, None, _listed(past), _listed(future))
        row = tasks.find(task)
        prompts = [tasks.prompt(row, given, self.vocabulary, self._tokenize).ids]
        if given.text is not None and guidance != 1:
            told_less = tasks.find("unconditional") if "text" in row.needs else row
            untold = tasks.Conditions(None, seconds, None, given.past, given.future)
            prompts.append(tasks.prompt(told_less, untold, self.vocabulary, self._tokenize).ids)
        generator = np.random.default_rng(seed)
        end = SPECIAL.index("MOT_EOS")
        allowed = torch.full((len(SPECIAL) + self.vocabulary.codes,), -torch.inf)
        allowed[len(SPECIAL) :] = 0
        steps = self._steps(prompts)
        hidden = next(steps)
        made = 0
        while tokens is None or made < tokens:
            may_end = tokens is None and made > 0
            allowed[end] = 0 if may_end else -torch.inf
            scores = F.linear(hidden, self._motion_head).float() + self._motion_bias + allowed
            if len(scores) == 2:
                told, untold_scores = scores.log_softmax(-1)
                scores = (untold_scores + guidance * (told - untold_scores)).nan_to_num(nan=-torch.inf)[None]
            token = draw(scores[0].numpy(), sampling, generator)
            if token == end:
                return
            yield token - len(SPECIAL)
            made += 1
            if tokens is None or made < tokens:
                hidden = steps.send(self.vocabulary.text + token)

    def text(
        self, task: str, text: str, codes: Codes | None, seed: int, sampling: Sampling = WORDS
    ) -> Generator[str, None, None]:
        """Words about a motion, or in answer to `text`, piece by piece."""
        if task == "conversation":
            yield from self._converse(text, seed, sampling)
            return
        given = tasks.Conditions(text or None, None, _listed(codes))
        message = tasks.prompt(tasks.find(task), given, self.vocabulary, self._tokenize)
        generator = np.random.default_rng(seed)
        end = SPECIAL.index("TEXT_EOS")
        steps = self._steps([message.ids])
        hidden = next(steps)
        spoken = _Spoken(self._words)
        for _ in range(_LONGEST_TEXT):
            ending = F.linear(hidden, self._motion_head[end : end + 1])
            scores = torch.cat([F.linear(hidden, self._text_head), ending], dim=-1)[0]
            token = draw(scores.float().numpy(), sampling, generator)
            if token == self.vocabulary.text:
                return
            yield from spoken.add(token)
            hidden = steps.send(token)

    def _converse(self, text: str, seed: int, sampling: Sampling) -> Generator[str, None, None]:
        """An answer of the untouched backbone."""
        turns = [{"role": "user", "content": text}]
        ids: list[int] = list(
            self._words.apply_chat_template(turns, add_generation_prompt=True, return_dict=True)["input_ids"]
        )
        generator = np.random.default_rng(seed)
        spoken = _Spoken(self._words)
        cache: Any = None
        fresh = ids
        for _ in range(_LONGEST_ANSWER):
            with torch.inference_mode():
                output = self._causal(
                    input_ids=torch.tensor([fresh]), past_key_values=cache, use_cache=True, logits_to_keep=1
                )
            cache = output.past_key_values
            token = draw(output.logits[0, -1].float().numpy(), sampling, generator)
            if token == self._words.eos_token_id:
                return
            yield from spoken.add(token)
            fresh = [token]

    def _tokenize(self, text: str) -> list[int]:
        return list(self._words(text, add_special_tokens=False)["input_ids"])

    def _steps(self, prompts: list[list[int]]) -> Generator[Tensor, int, None]:
        """Hidden states (B, width) after the B prompts, then after each token id that is sent to all of them."""
        cache: Any = None
        width = max(map(len, prompts))
        pad = self.vocabulary.special("PAD")
        ids = torch.tensor([[pad] * (width - len(prompt)) + prompt for prompt in prompts])
        mask = torch.tensor([[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts])
        while True:
            with torch.inference_mode():
                places = (mask.cumsum(-1) - 1).clamp(min=0)[:, -ids.shape[1] :]
                output = self._trunk(
                    inputs_embeds=self._embed(ids),
                    attention_mask=mask if len(prompts) > 1 else None,
                    position_ids=places,
                    past_key_values=cache,
                    use_cache=True,
                )
                cache = output.past_key_values
                hidden = output.last_hidden_state[:, -1]
            token = yield hidden
            ids = torch.full((len(prompts), 1), token)
            mask = F.pad(mask, (0, 1), value=1)

    def _embed(self, ids: Tensor) -> Tensor:
        text = self.vocabulary.text
        words = F.embedding(ids.clamp(max=text - 1), self._text_table)
        ours = F.embedding((ids - text).clamp(min=0), self._table)
        return torch.where((ids >= text)[..., None], ours, words)


class _Spoken:
    """Token ids -> pieces of text, whole characters only."""

    def __init__(self, words: Any) -> None:
        self._words = words
        self._ids: list[int] = []
        self._said = ""

    def add(self, token: int) -> Generator[str, None, None]:
        self._ids.append(token)
        text = str(self._words.decode(self._ids, skip_special_tokens=True))
        if not text.endswith("\N{REPLACEMENT CHARACTER}") and len(text) > len(self._said):
            yield text[len(self._said) :]
            self._said = text


def merged(trunk: nn.Module, adapter: dict[str, Tensor], scale: float) -> nn.Module:
    """A copy of `trunk` with W + scale B A in place of each W that the LoRA `adapter` names; embeddings are shared.

    Raises BadBundle where the adapter does not fit the backbone.
    """
    shared = {id(module.weight): module.weight for module in trunk.modules() if isinstance(module, nn.Embedding)}
    result = copy.deepcopy(trunk, dict(shared))
    modules = dict(cast("Iterator[tuple[str, nn.Module]]", result.named_modules()))
    for name, down in adapter.items():
        if not name.endswith("lora_A.weight"):
            continue
        path = name.removeprefix("base_model.model.").removesuffix(".lora_A.weight")
        up = adapter.get(name.replace("lora_A", "lora_B"))
        module = modules.get(path)
        if up is None or not isinstance(module, nn.Linear) or module.weight.shape != (up.shape[0], down.shape[1]):
            raise BadBundle(
                f"the adapter's {path} does not fit the backbone; serve the bundle on the backbone it names"
            )
        with torch.no_grad():
            module.weight.copy_(module.weight.float() + scale * (up.float() @ down.float()))
    return result


def _listed(codes: Codes | None) -> list[int] | None:
    return None if codes is None else [int(code) for code in codes]
