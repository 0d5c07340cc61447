"""A recipe: everything that decides how one bundle's models are trained, read from export/recipes/*.toml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from export.data.curriculum import Curriculum
from models import tasks
from models.tokenizers import contract, kinds
from models.tokenizers.vermo import FlowVQConfig
from motion import config, features
from motion.errors import BadConfig, UnknownTask


@dataclass(frozen=True)
class Training:
    """One optimisation: AdamW without weight decay, linear warm-up, then a cosine to zero."""

    steps: int
    """Optimiser steps in all."""
    learning_rate: float
    """Highest rate, reached after `warmup` steps."""
    batch: int
    """Frames (tokenizer) or tokens (language model) a step and process."""
    longest: int
    """Frames or tokens a sample at most; longer ones are cropped anew each epoch."""
    warmup: int = 200
    seed: int = 1
    """Decides the order of the data, the crops, the noise and the first weights."""
    precision: Literal["no", "bf16"] = "bf16"
    clip_norm: float = 1.0
    """Gradients are scaled down to this norm."""
    log_every: int = 50
    """Steps between two lines of the log."""
    save_every: int = 500
    """Steps between two checkpoints."""
    shortest: int | None = None
    """Frames; half of a tokenizer's crops get a random length from here on, as short windows of a stream have."""

    def __post_init__(self) -> None:
        if min(self.steps, self.batch, self.longest, self.log_every, self.save_every) < 1 or self.learning_rate <= 0:
            raise BadConfig(
                f"steps, batch, longest, log_every, save_every and learning_rate must be positive, got {self}"
            )


@dataclass(frozen=True)
class Language:
    """The language model's adapters."""

    rank: int = 32
    """Rank of LoRA on every linear layer."""
    alpha: float = 64.0
    """LoRA's scale is alpha / rank."""
    dropout: float = 0.05
    experts: int = 0
    """Of HMVLM's mixture, each of this rank, the zero expert counted; 0: one plain LoRA."""
    gate_loss: bool = True
    """Whether the gate learns to choose the zero expert for questions (L_gat); without: HMVLM's ablation."""
    soft_tokens: int = 0
    """That a sentence's embedding puts before its tokens, where there is a mixture."""

    def __post_init__(self) -> None:
        if self.experts == 1 or self.experts < 0 or self.soft_tokens < 0 or (self.soft_tokens and not self.experts):
            raise BadConfig(f"a mixture has 2 experts or more, and soft tokens need one; got {self}")


@dataclass(frozen=True)
class MultiToken:
    """The head that draws several codes from one run of the language model."""

    tokens: int = 3
    """Codes a run."""
    hidden: int = 1024
    """Width of its hidden layer."""

    def __post_init__(self) -> None:
        if self.tokens < 2 or self.hidden < 1:
            raise BadConfig(
                f"multi_token.tokens must be 2 or more and hidden positive, got {self}; leave it out for none"
            )


@dataclass(frozen=True)
class Pictures:
    """Of clips, for tokenizers that learn by them."""

    folder: Path
    """Folder that `python -m export.render` filled."""
    clips: int = 2
    """Clips a step that come with their pictures; the others come without."""

    def __post_init__(self) -> None:
        if self.clips < 1:
            raise BadConfig(f"pictures.clips must be 1 or more, got {self.clips}; leave [pictures] out for none")


@dataclass(frozen=True)
class Recipe:
    """One trained bundle."""

    name: str
    data: Path
    """Folder that `python -m export.prepare` wrote."""
    run: Path
    """Folder for checkpoints and logs."""
    corpora: tuple[str, ...]
    """Corpora to train on; decides the licence of the weights."""
    tokenizer_training: Training
    language_training: Training | None = None
    """None: it is a tokenizer alone."""
    refiner_training: Training | None = None
    """Of the tokenizer's second stage, where it has one: VerMo's refiner, UniMotion's flow head."""
    curriculum: Curriculum = field(default_factory=Curriculum)
    tokenizer: contract.Config = field(default_factory=FlowVQConfig)
    """Of the kind that `[tokenizer] kind` names (a file of models/tokenizers); without one it is VerMo's."""
    pictures: Pictures | None = None
    """None: it learns from motion alone."""
    language: Language = field(default_factory=Language)
    words: Path | None = None
    """Folder of the wordings (export/corpora/words.py) that clips are told in beside their captions; None: none."""
    multi_token: MultiToken | None = None
    """Trained with the language model; None: each code takes a run of it."""
    distillation: Training | None = None
    """Of the language model's last stage, which teaches it to draw in one pass as it does with guidance; None: it is
    served with guidance."""
    tasks: tuple[str, ...] = ("text-to-motion", "motion-to-text", "prediction", "in-betweening", "unconditional")
    """What the language model is trained on."""
    temperature: float = 1.0
    """At which motion codes are drawn; lower is likelier and stiller: at 0.7 `base` held a waving hand still with three
    of eight seeds."""

    def __post_init__(self) -> None:
        if not self.corpora or not self.tasks:
            raise BadConfig(f"recipe {self.name!r} needs at least one corpus and one task")
        for task in self.tasks:
            try:
                tasks.find(task)
            except UnknownTask as error:
                raise BadConfig(f"recipe {self.name!r}: {error}") from None
            if task not in self.curriculum.shares:
                raise BadConfig(f"recipe {self.name!r} trains {task!r}; give it a share in curriculum.shares")

    @property
    def speaks(self) -> bool:
        """Whether a language model is trained on its codes: VerMo's, one a token, in the layout that is served. All
        others are coders alone."""
        sizes = self.tokenizer
        fits = isinstance(sizes, FlowVQConfig) and sizes.features == features.NAME and sizes.books == 1
        return fits and self.language_training is not None


def load(path: Path, changes: Mapping[str, Any] | None = None) -> Recipe:
    """Reads a recipe; changes: settings that count instead of the file's, tables within tables as there. Raises
    BadConfig naming the setting that is wrong."""
    table = merged(config.read(path), changes or {})
    sizes = table.pop("tokenizer", {})
    if not isinstance(sizes, dict):
        raise BadConfig(f"setting 'tokenizer' must be a table, got {sizes!r}")
    kind = kinds.find(str(sizes.pop("kind", "vermo")))
    return replace(config.build(Recipe, table), tokenizer=config.build(kind.config, sizes, "tokenizer."))


def merged(table: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """A table with changes made, tables within tables likewise."""
    found = dict(table)
    for name, value in changes.items():
        old = found.get(name)
        found[name] = merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return found
