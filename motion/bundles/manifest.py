"""What a bundle says of itself: its tokenizers, its language model, its engines, and where each of their files lies.

Frozen dataclasses, one for each table of `bundle.toml`. `motion.bundles.manifest_file` reads and writes them.
"""

from __future__ import annotations

import math
from collections.abc import Container, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal

from motion.errors import BadBundle
from motion.protocol import Task
from motion.skeleton import Skeleton

Precision = Literal["fp32", "int8", "int4"]
MOTION: Final = "motion"
"""the tokenizer whose motion is served"""
INPUTS: Final = ("text", "seconds", "past", "future", "motion")
"""what a task can need: fields of the protocol's Generate"""
AUTO: Final = Task("auto", ("text",), ("seconds",), "either")
"""what a bundle can do whose language model tells a question from an order to move; it does one of AUTO_TASKS"""
AUTO_TASKS: Final = ("text-to-motion", "conversation")

# What the factory calls the files; a manifest may name others.
ENCODER, DECODER, REFINER = "encoder.onnx", "decoder.onnx", "refiner.onnx"
ADAPTER, EMBEDDINGS, WORDS = "adapter.safetensors", "embeddings.safetensors", "words.onnx"
MULTI_TOKEN = "multi-token.safetensors"
GATE, SENTENCE, LEARNED = "gate.safetensors", "sentence.onnx", "learned.safetensors"
PARAPHRASE = "paraphrase.safetensors"


@dataclass(frozen=True)
class Corpus:
    """A body of data the weights were made from."""

    name: str
    licence: str


@dataclass(frozen=True)
class CoderFiles:
    """The graphs of a tokenizer, and its statistics where they are not inside the graphs."""

    encoder: str | None = None
    """features (B, T, D) -> codes (B, K, ...)"""
    decoder: str | None = None
    """codes (B, K, ...) -> features (B, T, D)"""
    refiner: str | None = None
    """codes, features and noise (B, T, D) -> better features (B, T, D)"""
    statistics: str | None = None
    """mean and deviation of the features (D,)"""

    @classmethod
    def among(cls, held: Container[str]) -> CoderFiles:
        """The graphs that are among the files `held`, under the factory's names."""
        return cls(*(name if name in held else None for name in (ENCODER, DECODER, REFINER)))


@dataclass(frozen=True)
class PackedTokenizer:
    """A tokenizer of a bundle: what it codes, at which rate, and its files. Raises BadBundle for impossible numbers."""

    name: str
    layout: str
    """name of the feature layout"""
    fps: float
    """frames of features a second"""
    frames_per_token: int
    files: CoderFiles
    levels: tuple[int, ...] = ()
    """a code's digits, the first running fastest; empty where latents are continuous"""
    context: int = 0
    """tokens before a window that its frames still depend on: the decoder's reach to the left"""
    lookahead: int = 0
    """tokens after a window that are waited for before its frames go out"""
    refiner_steps: int = 0
    """Euler steps unrolled in the refiner, 0 where there is none"""
    skeleton: Skeleton | None = None
    """that its features are of; None where they are of no body"""

    def __post_init__(self) -> None:
        least = min(self.context, self.lookahead, self.refiner_steps)
        if self.fps <= 0 or self.frames_per_token < 1 or least < 0 or min(self.levels, default=1) < 1:
            raise BadBundle(
                f"tokenizer {self.name!r} has a rate of {self.fps:g} fps, {self.frames_per_token} frames a token, "
                f"levels {self.levels}, context {self.context}, look-ahead {self.lookahead} and {self.refiner_steps} "
                "refiner steps, which cannot be"
            )

    @property
    def codes(self) -> int:
        """Size of the code book; 0 where latents are continuous."""
        return math.prod(self.levels) if self.levels else 0

    @property
    def tokens_per_second(self) -> float:
        """Tokens in a second of what it codes."""
        return self.fps / self.frames_per_token


@dataclass(frozen=True)
class PackedEngine:
    """A graph beside the tokenizers: a picture encoder, a flow head."""

    name: str
    file: str
    layout: str | None = None
    """name of the feature layout it takes or gives, where it is of one"""
    fps: float | None = None
    """frames a second, where it has a rate"""
    skeleton: Skeleton | None = None
    """that its features are of, where they are of a body"""


@dataclass(frozen=True)
class Backbone:
    """The language model the adapter stands on, which the bundle does not carry."""

    name: str
    package: str
    """the distribution that holds `file`, or "" """
    file: str
    sha256: str


@dataclass(frozen=True)
class Lora:
    """A trained low-rank adapter, W + alpha / rank B A, or a mixture of them."""

    file: str
    rank: int
    """of each expert"""
    alpha: float
    experts: int = 0
    """of a mixture, the zero expert not counted; 0: it is one adapter"""

    def __post_init__(self) -> None:
        if self.rank < 1:
            raise BadBundle(f"the adapter is of rank {self.rank}, which is none")

    @property
    def scale(self) -> float:
        """Of B A."""
        return self.alpha / self.rank


@dataclass(frozen=True)
class PackedGate:
    """What tells a question from an order to move by a sentence's embedding, and weighs a mixture's experts; and the
    encoder that the embedding is of."""

    file: str
    """weights of the gate, and of the soft tokens where there are any"""
    encoder: str
    """graph of the sentence encoder, without weights"""
    model: Backbone
    """whose weights the encoder takes"""
    soft_tokens: int = 0
    """before a sentence's own"""
    learned: str | None = None
    """embeddings of sentences that were learned, and in plain words what each asks for"""


@dataclass(frozen=True)
class MotionVocabulary:
    """The tokens that the language model has beside those of text."""

    file: str
    """their embeddings and head"""
    tokenizer: str = MOTION
    """whose codes they are"""


@dataclass(frozen=True)
class Plan:
    """What a language graph was built for."""

    precision: Precision
    codes: int
    """rows of the motion head: special tokens and codes"""
    rank: int
    """of the adapters"""
    block: int = 64
    """values that share a scale in int8"""
    experts: int = 0
    """adapters in the side branch; 0: the one adapter is merged"""
    tokens: int = 1
    """that each sequence brings to a run; 1: one sequence alone may bring any number"""
    shared: bool = False
    """whether matrices that see the same input have one A an expert"""

    def __post_init__(self) -> None:
        if self.precision == "int4" and not self.experts:
            raise BadBundle("int4 keeps adapters in the side branch; build its graph for one expert or more")

    def record(self) -> dict[str, Any]:
        """For a report."""
        return asdict(self)


@dataclass(frozen=True)
class MultiTokenFiles:
    """The head that draws further codes from one run of the language model's layers."""

    tokens: int
    """codes a run"""
    weights: str
    graphs: dict[str, str] = field(default_factory=dict[str, str])
    """file by the precision of the language graph it goes with"""

    def __post_init__(self) -> None:
        if self.tokens < 2:
            raise BadBundle(f"a multi-token head of {self.tokens} codes a run is none")


@dataclass(frozen=True)
class Language:
    """What a bundle brings to its language model, and how it wants to be drawn from."""

    backbone: Backbone
    adapter: Lora
    vocabulary: MotionVocabulary
    guidance: float = 3.0
    """how much the sentence counts; docs/RESULTS.md says what other values gave"""
    temperature: float = 1.0
    """at which motion codes are drawn; at 0.7 three of eight seeds held a waving hand still"""
    words: str | None = None
    """graph of the text head; None where there are no graphs"""
    graphs: dict[str, Plan] = field(default_factory=dict[str, Plan])
    """graphs of the layers, by file"""
    multi_token: MultiTokenFiles | None = None
    gate: PackedGate | None = None
    """None where nothing tells a question from an order to move"""
    paraphrase: str | None = None
    """weights of what tells sentences in plain words; None: they are taken as they are"""


@dataclass(frozen=True)
class Manifest:
    """What `bundle.toml` says."""

    name: str
    version: str
    licence: str
    command: str
    """the command that made it"""
    tokenizers: tuple[PackedTokenizer, ...]
    data: tuple[Corpus, ...]
    tasks: tuple[Task, ...] = ()
    engines: tuple[PackedEngine, ...] = ()
    language: Language | None = None
    """None where the bundle is tokenizers alone"""
    metrics: dict[str, Any] = field(default_factory=dict[str, Any])
    """figures measured when it was packed, tables by name"""
    files: dict[str, str] = field(default_factory=dict[str, str])
    """SHA-256 of every file, by name"""

    def task(self, name: str) -> Task | None:
        """The task of this name, or None."""
        return next((task for task in self.tasks if task.name == name), None)

    def tokenizer(self, name: str) -> PackedTokenizer:
        """The tokenizer of this name. Raises BadBundle, listing those there are."""
        for tokenizer in self.tokenizers:
            if tokenizer.name == name:
                return tokenizer
        held = ", ".join(tokenizer.name for tokenizer in self.tokenizers) or "none"
        raise BadBundle(f"bundle {self.name!r} has no tokenizer {name!r}; it has {held}")

    @property
    def motion(self) -> PackedTokenizer:
        """The tokenizer whose motion is served."""
        return self.tokenizer(MOTION)

    @property
    def skeleton(self) -> Skeleton:
        """That motion is served on."""
        skeleton = self.motion.skeleton
        assert skeleton is not None, "check lets no manifest through without one"
        return skeleton

    @property
    def fps(self) -> float:
        """Frames a second that motion is served at."""
        return self.motion.fps

    def check(self) -> None:
        """Raises BadBundle where its parts do not fit each other: one sentence for the first that does not."""
        for rows in (self.tokenizers, self.engines):
            names = [row.name for row in rows]
            twice = next((name for name in names if names.count(name) > 1), None)
            if twice is not None:
                raise BadBundle(f"there are two called {twice!r}")
        if self.motion.skeleton is None:
            raise BadBundle(f"tokenizer {MOTION!r} has no skeleton")
        if self.language is not None:
            self.tokenizer(self.language.vocabulary.tokenizer)
            if self.language.adapter.experts and self.language.gate is None:
                raise BadBundle("a mixture of experts needs a gate")
        for task in self.tasks:
            strange = [name for name in task.needs + task.optional if name not in INPUTS]
            gives = ("either",) if task.name == AUTO.name else ("motion", "text")
            if strange or task.gives not in gives:
                raise BadBundle(
                    f"task {task.name!r} speaks of {strange or task.gives!r}, which this program does not know"
                )
            missing = [name for name in AUTO_TASKS if task.name == AUTO.name and self.task(name) is None]
            if missing:
                raise BadBundle(f"task {AUTO.name!r} chooses between two tasks, and there is no task {missing[0]!r}")
            if self.motion.files.encoder is None and {"past", "future", "motion"} & set(task.needs + task.optional):
                raise BadBundle(f"task {task.name!r} takes motion, and tokenizer {MOTION!r} has no encoder")
        for owner, file in self._named():
            if file not in self.files:
                raise BadBundle(f"{owner} names {file}, which is not among the files")

    def _named(self) -> Iterator[tuple[str, str]]:
        """Whose file each is, for people, and its name."""
        for tokenizer in self.tokenizers:
            yield from ((f"tokenizer {tokenizer.name!r}", file) for file in asdict(tokenizer.files).values() if file)
        yield from ((f"engine {engine.name!r}", engine.file) for engine in self.engines)
        if (language := self.language) is not None:
            further = language.multi_token
            heads = () if further is None else (further.weights, *further.graphs.values())
            words = () if language.words is None else (language.words,)
            held = language.gate
            plain = () if language.paraphrase is None else (language.paraphrase,)
            gate = (
                plain if held is None else (held.file, held.encoder, *((held.learned,) if held.learned else ()), *plain)
            )
            for file in (language.adapter.file, language.vocabulary.file, *words, *language.graphs, *heads, *gate):
                yield "the language model", file
