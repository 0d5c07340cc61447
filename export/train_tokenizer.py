"""Trains a recipe's motion tokenizer: VerMo's FSQ autoencoder, then the flow-matching refiner on its frozen codes; one
of another kind by its own stages (export/training/stages.py).

    python -m export.train_tokenizer export/recipes/vermo-base.toml
    accelerate launch -m export.train_tokenizer export/recipes/vermo-base.toml      several GPUs

Goes on from its last checkpoint when it was stopped. Ends with <run>/tokenizer.safetensors.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import torch
from accelerate import Accelerator
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from export import program
from export.data import dataset
from export.recipe import Recipe, load
from export.training import loop
from export.training import stages as train_stages
from models.tokenizers import contract
from models.tokenizers.vermo import FlowVQ, FlowVQConfig
from motion.errors import BadConfig, BadFile
from motion.features import Statistics

log = logging.getLogger(__name__)
Batch = list[tuple[int, int, int]]
_SHORTEST = 16  # frames of the refiner's shortest crops: a stream decodes windows of a few tokens


class _Stage(nn.Module):
    """What one step of a stage computes, as a module, so that accelerate can wrap it."""

    def __init__(self, tokenizer: FlowVQ, stage: str) -> None:
        super().__init__()
        self.tokenizer = tokenizer
        self.stage = stage

    def forward(self, frames: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        return self.tokenizer.losses(contract.Batch(frames, generator=generator), self.stage)


def tokenizer_of(recipe: Recipe, statistics: Statistics | None = None) -> FlowVQ:
    """A fresh tokenizer of the recipe's sizes. Raises BadConfig for a recipe of another kind."""
    if not isinstance(recipe.tokenizer, FlowVQConfig):
        raise BadConfig(f"recipe {recipe.name!r} is not of kind 'vermo', which is asked for here")
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


def train(recipe: Recipe, stages: tuple[str, ...] = ("autoencoder", "refiner"), begin: Path | None = None) -> None:
    """Both stages; each goes on from its checkpoint. `begin` names the weights that a run without one starts from.
    Raises MotionError where the data are missing."""
    data = dataset.load(recipe.data, "train", recipe.corpora)
    torch.manual_seed(recipe.tokenizer_training.seed)
    tokenizer = tokenizer_of(recipe, Statistics.measure(data.all_frames()))
    if begin is not None:
        tokenizer.load_state_dict(load_file(begin))
    count = sum(p.numel() for p in tokenizer.parameters()) / 1e6
    log.info("%d clips, %.1f million parameters", len(data.entries), count)
    middle = recipe.run / "autoencoder.safetensors"
    if "autoencoder" in stages and not middle.exists():
        _train_autoencoder(recipe, tokenizer, data, "autoencoder")
    if "decoder" in stages:
        if begin is None:
            tokenizer.load_state_dict(load_file(middle))
        _train_autoencoder(recipe, tokenizer, data, "decoder")
    if "refiner" in stages:
        trained = load_file(middle)
        if begin is not None:  # the first stage may be an older run's; the refiner is the given one's
            trained |= {name: value for name, value in load_file(begin).items() if name.startswith("refiner.")}
        tokenizer.load_state_dict(trained)
        _train_refiner(recipe, tokenizer, data)


def _train_autoencoder(recipe: Recipe, tokenizer: FlowVQ, data: dataset.Dataset, stage: str) -> None:
    """Encoder, codes and decoder; stage "decoder" leaves the codes of every motion as they are."""
    training = recipe.tokenizer_training
    accelerator = Accelerator(mixed_precision=training.precision, cpu=not torch.cuda.is_available())
    crops = dataset.Crops(data, training.longest, training.batch, training.seed, balanced=True)

    def autoencoder_loss(model: nn.Module, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        return model(torch.from_numpy(crops.arrays(batch)).to(accelerator.device), generator)

    parts = ("decoder.", "quantizer.inner.project_out.", *(() if stage == "decoder" else ("encoder.", "quantizer.")))
    for name, parameter in tokenizer.named_parameters():
        parameter.requires_grad_(name.startswith(parts))
    parameters = [parameter for parameter in tokenizer.parameters() if parameter.requires_grad]
    loop.train(
        _Stage(tokenizer, "autoencoder"),
        parameters,
        crops.epoch,
        autoencoder_loss,
        training,
        recipe.run / stage,
        accelerator,
    )
    if accelerator.is_main_process:
        save_file(tokenizer.state_dict(), recipe.run / "autoencoder.safetensors")
    accelerator.free_memory()


def _train_refiner(recipe: Recipe, tokenizer: FlowVQ, data: dataset.Dataset) -> None:
    training = recipe.refiner_training
    if training is None:
        raise BadConfig(f"recipe {recipe.name!r} does not tell how its refiner is trained; give it [refiner_training]")
    accelerator = Accelerator(mixed_precision=training.precision, cpu=not torch.cuda.is_available())
    crops = dataset.Crops(data, training.longest, training.batch, training.seed, _SHORTEST, balanced=True)
    for name, parameter in tokenizer.named_parameters():
        parameter.requires_grad_(name.startswith("refiner."))

    def flow_loss(model: nn.Module, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        return model(torch.from_numpy(crops.arrays(batch)).to(accelerator.device), generator)

    parameters = list(tokenizer.refiner.parameters())
    stage = _Stage(tokenizer, "refiner")
    loop.train(stage, parameters, crops.epoch, flow_loss, training, recipe.run / "refiner", accelerator)
    if accelerator.is_main_process:
        save_file(tokenizer.state_dict(), recipe.run / "tokenizer.safetensors")


def main() -> int:
    """The command line."""
    parser = program.parser("export.train_tokenizer", __doc__)
    parser.add_argument("recipe", type=Path, help="a file of export/recipes")
    parser.add_argument(
        "--stage",
        choices=("autoencoder", "decoder", "refiner"),
        help="only this stage (autoencoder, then refiner); decoder: "
        "train the decoder on, every motion keeping its codes",
    )
    parser.add_argument(
        "--begin", type=Path, metavar="FILE", help="start from these trained weights instead of random ones"
    )
    options = parser.parse_args()

    def work() -> None:
        recipe = load(options.recipe)
        stages = (options.stage,) if options.stage else ("autoencoder", "refiner")
        if recipe.speaks:
            train(recipe, stages, options.begin)
        elif options.stage or options.begin:
            raise BadConfig(f"--stage and --begin are for what is served; recipe {recipe.name!r} trains all its stages")
        else:
            train_stages.train(recipe)

    return program.run(work, stopped=program.GOES_ON)


if __name__ == "__main__":
    sys.exit(main())
