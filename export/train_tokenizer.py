"""Trains a recipe's motion tokenizer: the FSQ autoencoder, then the flow-matching refiner on its frozen codes.

    python -m export.train_tokenizer export/recipes/vermo-base.toml
    accelerate launch -m export.train_tokenizer export/recipes/vermo-base.toml      several GPUs

Goes on from its last checkpoint when it was stopped. Ends with <run>/tokenizer.safetensors.
"""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

import torch
from accelerate import Accelerator
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

from export import dataset, loop
from export.recipe import Recipe, load
from models import flow, kinematics
from models.tokenizers.vermo import FlowVQ
from motion.errors import BadFile, MotionError
from motion.features import LAYOUT, Statistics

log = logging.getLogger(__name__)
Batch = list[tuple[int, int, int]]
_SHORTEST = 16  # frames of the refiner's shortest crops: a stream decodes windows of a few tokens


class _Autoencoder(nn.Module):
    """What one step of the first stage computes, as a module, so that accelerate can wrap it."""

    def __init__(self, tokenizer: FlowVQ) -> None:
        super().__init__()
        self.tokenizer = tokenizer

    def forward(self, frames: Tensor) -> dict[str, Tensor]:
        tokenizer = self.tokenizer
        quantized, codes = tokenizer.quantize(frames)
        output = tokenizer.reconstruct(quantized).float()
        target = tokenizer.normalise(frames)
        terms = {name: F.smooth_l1_loss(output[..., at], target[..., at]) for name, at in LAYOUT.items()}
        terms |= _geometry(tokenizer.restore(output), frames)
        # The root's errors add up over the clip: they weigh more than their few columns say.
        weights = {"root_turn": 1.5, "root_step": 2.0, "joints": 8.0, "velocity": 1.0, "place": 2.0, "heading": 1.0}
        total = sum((weights.get(name, 1.0) * value for name, value in terms.items()), torch.zeros(()))
        used = torch.unique(codes).numel() / tokenizer.config.codes
        return {"loss": total, **{k: v.detach() for k, v in terms.items()}, "used": torch.tensor(used)}


class _Flow(nn.Module):
    """One step of the second stage."""

    def __init__(self, tokenizer: FlowVQ) -> None:
        super().__init__()
        self.tokenizer = tokenizer

    def forward(self, frames: Tensor, sigma: Tensor, noise: Tensor) -> dict[str, Tensor]:
        estimate, clean = self.tokenizer.estimate(frames, sigma, noise)
        estimate = estimate.float()
        terms = {"flow": F.mse_loss(estimate, clean), **_geometry(self.tokenizer.restore(estimate), frames)}
        weights = {"flow": 1.0, "joints": 4.0, "velocity": 0.5, "place": 1.0, "heading": 0.5}
        total = sum((weights[name] * value for name, value in terms.items()), torch.zeros(()))
        return {"loss": total, **{name: value.detach() for name, value in terms.items()}}


def _geometry(ours: Tensor, theirs: Tensor) -> dict[str, Tensor]:
    """Errors of raw features (B, T, D) as bodies: joints and their speed in the heading frame, place and heading in the
    world. In float32: positions add up over the clip."""
    with torch.autocast(ours.device.type, enabled=False):
        joints, joints_ = kinematics.heading_positions(ours), kinematics.heading_positions(theirs)
        velocity = (joints.diff(dim=1) - joints_.diff(dim=1)) * 30
        (heading, place), (heading_, place_) = kinematics.trajectory(ours), kinematics.trajectory(theirs)
        return {
            "joints": F.smooth_l1_loss(joints, joints_, beta=0.05),
            "velocity": F.smooth_l1_loss(velocity, torch.zeros_like(velocity), beta=0.5),
            "place": F.smooth_l1_loss(place, place_, beta=0.03),
            "heading": F.smooth_l1_loss(heading, heading_, beta=0.03),
        }


def tokenizer_of(recipe: Recipe, statistics: Statistics | None = None) -> FlowVQ:
    """A fresh tokenizer of the recipe's sizes."""
    return FlowVQ(recipe.tokenizer, statistics)


def trained_tokenizer(recipe: Recipe, refined: bool = True) -> FlowVQ:
    """The tokenizer that this program trained; `refined` False asks for the first stage alone, which decides the
    codes. Raises BadFile where it has not finished."""
    path = recipe.run / ("tokenizer.safetensors" if refined else "autoencoder.safetensors")
    if not path.exists():
        raise BadFile("is not there; run python -m export.train_tokenizer with this recipe first", str(path))
    tokenizer = tokenizer_of(recipe)
    tokenizer.load_state_dict(load_file(path))
    return tokenizer.eval()


def train(recipe: Recipe, stages: tuple[str, ...] = ("autoencoder", "refiner")) -> None:
    """Both stages; each goes on from its checkpoint. Raises MotionError where the data are missing."""
    data = dataset.load(recipe.data, "train", recipe.corpora)
    torch.manual_seed(recipe.tokenizer_training.seed)
    tokenizer = tokenizer_of(recipe, Statistics.measure(data.all_frames()))
    count = sum(p.numel() for p in tokenizer.parameters()) / 1e6
    log.info("%d clips, %.1f million parameters", len(data.entries), count)
    middle = recipe.run / "autoencoder.safetensors"
    if "autoencoder" in stages and not middle.exists():
        training = recipe.tokenizer_training
        accelerator = Accelerator(mixed_precision=training.precision, cpu=not torch.cuda.is_available())
        crops = dataset.Crops(data, training.longest, training.batch, training.seed)

        def autoencoder_loss(model: nn.Module, batch: Batch, _: torch.Generator) -> dict[str, Tensor]:
            return model(torch.from_numpy(crops.arrays(batch)).to(accelerator.device))

        parameters = [
            *tokenizer.encoder.parameters(),
            *tokenizer.quantizer.parameters(),
            *tokenizer.decoder.parameters(),
        ]
        for parameter in tokenizer.refiner.parameters():
            parameter.requires_grad_(False)
        loop.train(
            _Autoencoder(tokenizer),
            parameters,
            crops.epoch,
            autoencoder_loss,
            training,
            recipe.run / "autoencoder",
            accelerator,
        )
        if accelerator.is_main_process:
            save_file(tokenizer.state_dict(), middle)
        accelerator.free_memory()
    if "refiner" in stages:
        tokenizer.load_state_dict(load_file(middle))
        _train_refiner(recipe, tokenizer, data)


def _train_refiner(recipe: Recipe, tokenizer: FlowVQ, data: dataset.Dataset) -> None:
    training = recipe.refiner_training
    accelerator = Accelerator(mixed_precision=training.precision, cpu=not torch.cuda.is_available())
    crops = dataset.Crops(data, training.longest, training.batch, training.seed, _SHORTEST)
    for name, parameter in tokenizer.named_parameters():
        parameter.requires_grad_(name.startswith("refiner."))

    def flow_loss(model: nn.Module, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        frames = torch.from_numpy(crops.arrays(batch))
        sigma = flow.training_sigmas(len(frames), generator, accelerator.device)
        noise = torch.randn(frames.shape, generator=generator).to(accelerator.device)
        return model(frames.to(accelerator.device), sigma, noise)

    parameters = list(tokenizer.refiner.parameters())
    loop.train(_Flow(tokenizer), parameters, crops.epoch, flow_loss, training, recipe.run / "refiner", accelerator)
    if accelerator.is_main_process:
        save_file(tokenizer.state_dict(), recipe.run / "tokenizer.safetensors")


def main() -> int:
    """The command line."""
    assert __doc__ is not None
    parser = argparse.ArgumentParser(
        prog="python -m export.train_tokenizer",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("recipe", type=Path, help="a file of export/recipes")
    parser.add_argument("--stage", choices=("autoencoder", "refiner"), help="only this stage (both)")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        train(load(options.recipe), (options.stage,) if options.stage else ("autoencoder", "refiner"))
    except MotionError as error:
        log.error("%s", error)
        return 2
    except KeyboardInterrupt:
        log.error("stopped; the same command goes on from the last checkpoint")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
