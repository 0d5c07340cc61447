"""The language model at work: prompts in, motion codes and words out, one by one.

Where the bundle has a multi-token head (models/multi_token.py), each run of the layers brings several codes. The layers
run as ONNX graphs whose weights are made at start from the backbone's own file and the bundle's adapter; a bundle or a
backbone without such graphs runs in transformers. The untouched backbone answers in conversation. After a motion token
only what the message format allows can follow, so that a reply always parses.
"""

from __future__ import annotations

import contextlib
import ctypes
import logging
import sys
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from models import checkpoint, packing, tasks
from models import words as text_tokens
from models.checkpoint import Checkpoint
from models.packing import Adapters, Experts
from models.vocabulary import SPECIAL, Vocabulary
from models.words import Words
from motion.bundles.bundle import Bundle
from motion.errors import BadBundle, BadFile, MissingPart, UnknownTask
from runtime.engines.layers import Layers
from runtime.language.decoding import Decoder, Manner, Prompt, Reply
from runtime.language.familiarity import Familiarity
from runtime.language.gate import Gate
from runtime.language.paraphrase import SURE, Paraphraser
from runtime.language.parts import NoGraph, Parts
from runtime.language.sampling import Sampling

_log = logging.getLogger(__name__)
F32 = NDArray[np.float32]
Codes = NDArray[np.int64]
WORDS = Sampling(temperature=0.7, top_p=0.9)
_TALK = 0.5  # weight of the zero expert from which on a text asks for no motion
_LONGEST_TEXT = 96  # tokens of a description
_LONGEST_ANSWER = 256  # tokens of an answer in conversation


@dataclass(frozen=True)
class Voice:
    """What a reply is decoded with."""

    decoder: Decoder
    experts: F32
    """mixing weights of its adapters (E,)"""


class MotionLanguageModel:
    """A bundle's language model, loaded. Several threads may use it; their replies share each run of its layers."""

    def __init__(
        self,
        adapted: Voice,
        plain: Callable[[], Voice],
        words: Words,
        vocabulary: Vocabulary,
        parts: Parts,
        about: str = "",
        gate: Gate | None = None,
        paraphraser: Paraphraser | None = None,
    ) -> None:
        """adapted: the trained adapter; plain: makes the untouched backbone's voice, when somebody first converses;
        gate: tells a question from an order to move, and weighs a mixture's adapters; paraphraser: puts sentences in
        plain words."""
        self.vocabulary = vocabulary
        self.guidance = parts.language.guidance
        self.sampling = parts.sampling
        self.about = about
        """what it runs as, for people"""
        self._adapted = adapted
        self._make_plain = plain
        self._plain: Voice | None = None
        self._words = words
        self._gate = gate
        self._mixture = gate if parts.language.adapter.experts else None
        self._paraphraser = paraphraser
        self._tokens_per_second = parts.tokenizer.tokens_per_second
        self._only_codes = np.full(len(SPECIAL) + vocabulary.codes, -np.inf, np.float32)
        self._only_codes[len(SPECIAL) :] = 0
        self._codes_or_end = self._only_codes.copy()
        self._codes_or_end[SPECIAL.index("MOT_EOS")] = 0

    @classmethod
    def load(
        cls,
        source: Bundle,
        path: str | None = None,
        threads: int = 2,
        engine: Literal["auto", "onnx", "torch"] = "auto",
        precision: str | None = None,
        device: str = "cpu",
        one_code: bool = False,
    ) -> Self:
        """The model of a bundle on the backbone in `path`, or on the packaged one.

        engine: "auto" takes onnxruntime where bundle and backbone allow it; precision: of its weights, None for the
        first of `BEST` that the bundle has; transformers knows fp32, and bfloat16 otherwise. On a card ("cuda") it runs
        in transformers. one_code: draw each code by a run of the layers, where the bundle has a multi-token head.
        Raises BadBundle, MissingPart.
        """
        folder = None if path is None else Path(path)
        parts = Parts.of(source, one_code)
        if device != "cpu":
            return cls._on_torch(parts, folder, threads, precision, device)
        if engine != "torch":
            try:
                return cls._on_onnx(parts, checkpoint.read(folder), threads, precision)
            except (BadFile, NoGraph) as error:
                if engine == "onnx":
                    raise BadBundle(str(error)) from error
                _log.warning("the language model runs in transformers, which is slow: %s", error)
        return cls._on_torch(parts, folder, threads, precision, "cpu")

    @classmethod
    def _on_onnx(cls, parts: Parts, backbone: Checkpoint, threads: int, wanted: str | None) -> Self:
        from runtime.engines.onnx_layers import OnnxLayers, Several

        file, plan = parts.graph(wanted)
        parts.check(backbone.sizes.width, backbone.path)

        def decoder(adapters: Adapters) -> Decoder:
            weights = packing.pack(backbone, plan, adapters, parts.head, parts.bias, threads)
            text = packing.text_head(backbone)
            graph, words, several = parts.source.path(file), parts.source.path(parts.language.words), None
            if parts.further is not None and (isinstance(adapters, Experts) or adapters):
                head = packing.multi_token(parts.further, parts.head, parts.bias, plan.precision)
                tokens, read, drawn = parts.several(plan)
                several = Several(tokens, parts.source.path(read), parts.source.path(drawn), head)
            layers = OnnxLayers(graph, weights, words, text, threads, several)
            del weights, text, several
            backbone.release()
            _trim()
            return Decoder(
                layers, parts.embedding(backbone.sizes.text, lambda ids: checkpoint.dense(backbone.table, ids))
            )

        adapted = decoder(parts.adapter if isinstance(parts.adapter, Experts) else [parts.adapter])

        def plain() -> Voice:
            return Voice(adapted if plan.experts else decoder([]), np.zeros(plan.experts, np.float32))

        fields = backbone.fields
        words = text_tokens.from_folder(backbone.path) if fields is None else text_tokens.from_gguf(fields)
        voice = Voice(adapted, np.ones(plan.experts, np.float32))
        vocabulary = Vocabulary(backbone.sizes.text, parts.codes)
        many = adapted.layers.tokens
        about = f"onnxruntime on the CPU, {f'{many} codes a run, ' * (many > 1)}{plan.precision}"
        return cls(voice, plain, words, vocabulary, parts, about, *_sentence_parts(parts, threads))

    @classmethod
    def _on_torch(cls, parts: Parts, folder: Path | None, threads: int, wanted: str | None, device: str) -> Self:
        try:
            from models import backbone
            from models.multi_token import MultiTokenHead
            from runtime.engines.torch import Causal, Several
        except ModuleNotFoundError as error:
            raise MissingPart(
                f"the language model runs in transformers here, which is not installed ({error}): "
                "pip install -e '.[gpu]' in an environment without the extra serve, or '.[train]' on a CPU"
            ) from error

        exact = wanted == "fp32"
        # What is kept of the packaged backbone for transformers is rounded to bfloat16.
        weights = checkpoint.published(checkpoint.read(None)) if exact and folder is None else None
        causal = Causal.load(backbone.prepared(folder), threads, exact, device, weights)
        del weights
        parts.check(causal.width, causal.folder)
        embed = parts.embedding(causal.text, causal.embed)
        nothing = np.zeros(0, np.float32)
        several = None if parts.further is None else Several(parts.multi_token.tokens, MultiTokenHead.of(parts.further))
        layers = causal.layers(
            parts.adapter.tensors, parts.adapter.scale, parts.head, parts.bias, several=several,
            experts=parts.language.adapter.experts,
        )  # fmt: skip
        adapted = Voice(Decoder(layers, embed), nothing)

        def plain() -> Voice:
            return Voice(Decoder(causal.layers({}, 1.0, parts.head, parts.bias), embed), nothing)

        words, vocabulary = text_tokens.from_folder(causal.folder), Vocabulary(causal.text, parts.codes)
        about = f"transformers, {causal.about}"
        return cls(adapted, plain, words, vocabulary, parts, about, *_sentence_parts(parts, threads))

    @property
    def layers(self) -> Layers:
        """Its layers, for whoever measures them."""
        return self._adapted.decoder.layers

    @property
    def experts(self) -> F32:
        """Mixing weights of its adapters (E,)."""
        return self._adapted.experts

    @property
    def gated(self) -> bool:
        """Whether it can tell a question from an order to move."""
        return self._gate is not None

    def route(self, text: str) -> Literal["text-to-motion", "conversation"]:
        """What the text asks for. Raises UnknownTask where the bundle has no gate to tell."""
        if self._gate is None:
            raise UnknownTask(
                "the bundle has no gate that tells a question from an order to move; ask for 'text-to-motion' or "
                "'conversation' instead of 'auto'"
            )
        if self._paraphraser is not None and self._paraphraser.sure(text) >= SURE:
            return "text-to-motion"  # the gate has learned requests, and not what is told of somebody
        return "conversation" if self._gate.all_weights(None, text)[0] > _TALK else "text-to-motion"

    def familiarity(self, text: str) -> Familiarity | None:
        """How near the text lies to what was learned; None where that is not known."""
        found = None if self._gate is None or not text else self._gate.familiarity(text)
        if found is None or self._paraphraser is None:
            return found
        # Whoever is sure what is asked for knows it, however it is said.
        return replace(found, share=max(found.share, self._paraphraser.sure(text)))

    def take_sizes(self) -> list[int]:
        """How many replies each run of the layers was for, since this was last asked."""
        return self._adapted.decoder.take_sizes()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._adapted.decoder.__exit__(*exc)
        if self._plain is not None and self._plain.decoder is not self._adapted.decoder:
            self._plain.decoder.__exit__(*exc)

    def motion(
        self,
        task: str,
        text: str,
        tokens: int | None,
        past: Codes | None,
        future: Codes | None,
        seed: int,
        sampling: Sampling | None = None,
        guidance: float | None = None,
    ) -> Generator[int, None, None]:
        """Codes of a motion one by one; exactly `tokens` of them where that is given.

        With a sentence, each step's scores are those without it plus `guidance` times what it changes in them; both
        prompts run as one batch. None: as much as the bundle's model needs, 1 where it was taught to do without
        (`export.distil`). Likewise the sampling.
        """
        sampling = self.sampling if sampling is None else sampling
        guidance = self.guidance if guidance is None else guidance
        seconds = None if tokens is None else tokens / self._tokens_per_second
        given = tasks.Conditions(text or None, seconds, None, _listed(past), _listed(future))
        row = tasks.find(task)
        prompts = [self._prompt(row, given)]
        if given.text is not None and guidance != 1:
            prompts.append(self._prompt(*tasks.without_text(row, given)))
        manner = Manner("codes", sampling, self._form(tokens), guidance, offset=self.vocabulary.text)
        end, made = SPECIAL.index("MOT_EOS"), 0
        with self._reply(self._adapted, prompts, manner, seed) as reply:
            while tokens is None or made < tokens:
                token = reply.next()
                if token == end:
                    return
                made += 1
                if tokens is None or made < tokens:
                    reply.push(self.vocabulary.text + token)
                yield token - len(SPECIAL)

    def text(
        self, task: str, text: str, codes: Codes | None, seed: int, sampling: Sampling = WORDS
    ) -> Generator[str, None, None]:
        """Words about a motion, or in answer to `text`, piece by piece."""
        if task == "conversation":
            if self._plain is None:
                self._plain = self._make_plain()
            prompt = self._question(text)
            manner, end, longest, voice = Manner("words", sampling), self._words.end, _LONGEST_ANSWER, self._plain
        else:
            given = tasks.Conditions(text or None, None, _listed(codes))
            prompt = self._prompt(tasks.find(task), given)
            manner = Manner("words", sampling, end=SPECIAL.index("TEXT_EOS"))
            end, longest, voice = self.vocabulary.text, _LONGEST_TEXT, self._adapted
        spoken = _Spoken(self._words)
        with self._reply(voice, [prompt], manner, seed) as reply:
            for _ in range(longest):
                token = reply.next()
                if token == end:
                    return
                reply.push(token)
                yield from spoken.add(token)

    def _reply(self, voice: Voice, prompts: Sequence[Prompt], manner: Manner, seed: int) -> Reply:
        return voice.decoder.join(prompts, manner, np.random.default_rng(seed), voice.experts)

    def _form(self, tokens: int | None) -> Callable[[int], F32]:
        """What may follow in a motion reply: codes, and where its length is open, its end after one of them."""
        if tokens is not None:
            return lambda _: self._only_codes
        return lambda made: self._codes_or_end if made else self._only_codes

    def _prompt(self, task: tasks.Task, given: tasks.Conditions) -> Prompt:
        gate = self._mixture
        soft = 0 if gate is None else gate.soft_tokens
        if self._paraphraser is not None and given.text is not None:
            given = replace(given, text=self._paraphraser.plainly(given.text))
        message = tasks.prompt(task, given, self.vocabulary, self._words.encode, soft)
        ids = tuple(message.ids)
        cut = ids.index(self.vocabulary.special("COND_BOS")) + 1
        if gate is None:
            return Prompt(ids, cut)
        weights = gate.weights(task.instruction, given.text)
        shared = gate.even if weights.any() else weights  # left out altogether, the backbone's own from the start
        if message.soft is None or given.text is None:
            return Prompt(ids, cut, weights, shared)
        return Prompt(ids, cut, weights, shared, gate.soft(given.text), message.soft)

    def _question(self, text: str) -> Prompt:
        ids, others = (tuple(self._words.conversation([{"role": "user", "content": c}])) for c in (text, f"{text}?"))
        shared = next((i for i, pair in enumerate(zip(ids, others, strict=False)) if pair[0] != pair[1]), len(ids))
        return Prompt(ids, min(shared, len(ids) - 1))


class _Spoken:
    """Token ids -> pieces of text, whole characters only."""

    def __init__(self, words: Words) -> None:
        self._words = words
        self._ids: list[int] = []
        self._said = ""

    def add(self, token: int) -> Generator[str, None, None]:
        self._ids.append(token)
        text = self._words.decode(self._ids)
        if not text.endswith("\N{REPLACEMENT CHARACTER}") and len(text) > len(self._said):
            yield text[len(self._said) :]
            self._said = text


def language_device(graphs: str) -> str:
    """What the language model runs on where the graphs run on this: a card only where torch sees it."""
    if graphs in ("cpu", "torch", ""):
        return "cpu"
    from runtime.engines.torch import on_card

    return "cuda" if on_card() else "cpu"


def engine_folder() -> Path:
    """Where engines lie that export.to_tensorrt built."""
    return checkpoint.cache_folder() / "engines"


def _trim() -> None:
    """Gives the system what the C library holds back after large arrays came and went: 110 MB of 390."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):  # not every Linux has glibc
            ctypes.CDLL("libc.so.6").malloc_trim(0)


def _sentence_parts(parts: Parts, threads: int) -> tuple[Gate | None, Paraphraser | None]:
    """What a bundle has for sentences: its gate, and its paraphraser."""
    packed, plain = parts.language.gate, parts.language.paraphrase
    gate = None if packed is None else Gate.load(parts.source, packed, threads)
    return gate, None if plain is None else Paraphraser.load(parts.source.path(plain))


def _listed(codes: Codes | None) -> list[int] | None:
    return None if codes is None else [int(code) for code in codes]
