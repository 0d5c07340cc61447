"""Trains the tokenizer of any kind, stage after stage by its own losses; `export.train_tokenizer` calls it.

Every stage ends with <run>/<stage>.safetensors and goes on from its checkpoint when it was stopped; the last one's
weights are <run>/tokenizer.safetensors as well. Where the recipe names pictures (export/data/pictures.py) and the
tokenizer looks at any, some clips of each step come with theirs.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from export.data import dataset, pictures
from export.data.pictures import Gallery
from export.data.relaid import Relaid, relaid
from export.recipe import Recipe, Training
from export.training import loop
from models.tokenizers import contract, kinds
from motion import features
from motion.errors import BadConfig, BadFile
from motion.features import Statistics

log = logging.getLogger(__name__)
Batch = list[tuple[int, int, int]]


class Stage(nn.Module):
    """What one step of a stage computes, as a module, so that accelerate can wrap it."""

    def __init__(self, tokenizer: Any, stage: str) -> None:
        super().__init__()
        self.tokenizer = tokenizer
        self.stage = stage

    def forward(
        self, frames: Tensor, step: int, generator: torch.Generator, views: contract.Views | None = None
    ) -> dict[str, Tensor]:
        """Features (B, T, D), and pictures of some of the clips -> terms by name."""
        return self.tokenizer.losses(contract.Batch(frames, views, step, generator), self.stage)


def made(recipe: Recipe, statistics: Statistics | None = None) -> Any:
    """A fresh tokenizer of the recipe's kind and sizes."""
    kind = next(kind for kind in kinds.KINDS.values() if isinstance(recipe.tokenizer, kind.config))
    return kind.make(recipe.tokenizer, statistics)


def trained(recipe: Recipe, stage: str = "tokenizer") -> Any:
    """The tokenizer that `train` left, or as one of its stages left it: "autoencoder" decides the codes. Raises BadFile
    where that has not finished."""
    path = recipe.run / f"{stage}.safetensors"
    tokenizer = made(recipe)
    tokenizer.load_state_dict(_weights(path))
    return tokenizer.eval()


def _weights(path: Path) -> dict[str, Tensor]:
    if not path.exists():
        raise BadFile("is not there; run python -m export.train_tokenizer with this recipe first", str(path))
    return load_file(path)


def train(recipe: Recipe, only: str | None = None, begin: Path | None = None) -> None:
    """All stages in their order, or one that is named, save those that have ended; `tuning` is on demand, and takes the
    place of the first stage's end. begin: weights that a run without any starts from. Raises MotionError where the data
    or a stage's settings are missing."""
    seed = recipe.tokenizer_training.seed
    layout = features.find(made(recipe).features)
    data = relaid(dataset.load(recipe.data, "train", recipe.corpora), layout.name)
    torch.manual_seed(seed)
    tokenizer = made(recipe, layout.measure(data.all_frames()))
    log.info("%d clips, %.1f million parameters", len(data.entries), _count(tokenizer) / 1e6)
    order = list(tokenizer.stages)
    parts = {**tokenizer.stages, **getattr(tokenizer, "tuning", {})}
    trainings = dict(zip(order, (recipe.tokenizer_training, recipe.refiner_training), strict=False))
    if only is not None and only not in parts:
        raise BadConfig(f"recipe {recipe.name!r} has no stage {only!r}; it has {', '.join(parts)}")
    given = {} if begin is None else load_file(begin)
    for stage in [only] if only else order:
        end = stage if stage in order else order[0]
        training = trainings[end]
        if training is None:
            raise BadConfig(
                f"recipe {recipe.name!r} does not tell how {stage!r} is trained; give it [refiner_training]"
            )
        if stage == end and (recipe.run / f"{end}.safetensors").exists():
            log.info("%s has ended; to train it anew, delete %s.safetensors in %s", stage, end, recipe.run)
            continue
        if end == order[0] and (stage == end or given):  # it stands on no other
            tokenizer.load_state_dict(given or tokenizer.state_dict())
        else:
            before = _weights(recipe.run / f"{order[max(0, order.index(end) - 1)]}.safetensors")
            mine = {name: value for name, value in given.items() if name.startswith(parts[stage])}
            tokenizer.load_state_dict(before | mine)  # those given may be another run's, which coded otherwise
        _train(recipe, tokenizer, data, stage, parts[stage], end, training)


def gallery(recipe: Recipe, tokenizer: Any, data: dataset.Dataset) -> Gallery | None:
    """The recipe's pictures of a data set in the tokenizer's layout; None where it names none, or the tokenizer looks
    at none. Raises BadFile where they are missing."""
    if recipe.pictures is None or not hasattr(tokenizer, "backbone"):
        return None
    shown = pictures.load(recipe.pictures.folder, data)
    fps = features.find(tokenizer.features).fps
    return Gallery(data, shown, fps, recipe.pictures.clips, tokenizer.view_each_frame)


def _count(tokenizer: nn.Module) -> int:
    return sum(parameter.numel() for parameter in tokenizer.parameters())


def _train(
    recipe: Recipe,
    tokenizer: Any,
    data: dataset.Dataset,
    stage: str,
    parts: tuple[str, ...],
    end: str,
    training: Training,
) -> None:
    """parts: what the parameters' names begin with; end: the stage whose losses these are and whose end this is."""
    accelerator = Accelerator(mixed_precision=training.precision, cpu=not torch.cuda.is_available())
    crops = Relaid(
        data, training.longest, training.batch, training.seed, training.shortest, recipe.curriculum, tokenizer.features
    )
    for name, parameter in tokenizer.named_parameters():
        parameter.requires_grad_(name.startswith(parts))
    parameters = [parameter for parameter in tokenizer.parameters() if parameter.requires_grad]
    shown = gallery(recipe, tokenizer, data) if end == "autoencoder" else None

    def loss(model: nn.Module, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        step = loop.step_of(generator, training, accelerator)
        frames, views = crops.arrays(batch), None
        if shown is not None:
            frames, views = shown.mixed(frames, np.random.default_rng([training.seed, generator.initial_seed()]))
        if views is not None:
            views = contract.Views(*(one.to(accelerator.device) for one in (views.images, views.places, views.shown)))
        return model(torch.from_numpy(frames).to(accelerator.device), step, generator, views)

    loop.train(Stage(tokenizer, end), parameters, crops.epoch, loss, training, recipe.run / stage, accelerator)
    if accelerator.is_main_process:
        last = ["tokenizer"] if end == list(tokenizer.stages)[-1] else []
        for name in (*last, end):
            save_file(tokenizer.state_dict(), recipe.run / f"{name}.safetensors")
    accelerator.wait_for_everyone()
    accelerator.free_memory()
