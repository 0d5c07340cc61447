"""Trains a recipe's language model: LoRA on every linear layer of the backbone, and the motion vocabulary.

Where the recipe's [language] has experts, these are HMVLM's mixture of LoRA, with the gate that weighs them.

    python -m export.train_llm export/recipes/vermo-base.toml
    accelerate launch -m export.train_llm export/recipes/vermo-base.toml      several GPUs, FSDP by accelerate's config

Needs the recipe's trained tokenizer. Goes on from its last checkpoint when it was stopped. Ends with
<run>/adapter.safetensors and <run>/embeddings.safetensors, and where the recipe has [multi_token] with
<run>/multi-token.safetensors, the head that draws several codes from one run of the layers.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from pathlib import Path

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from export import program
from export.corpora import conversations
from export.corpora import words as worded
from export.data import dataset
from export.data.messages import Messages, Row, tokenise
from export.recipe import Recipe, load
from export.training import loop, stages
from export.training.adapters import Tokenize, build, restore, save, save_checkpoint
from export.training.concepts import Concepts
from export.training.gating import Gating
from models import backbone
from models.backbone import MotionLanguageModel
from motion.errors import BadConfig

log = logging.getLogger(__name__)
Batch = list[Row]
_GATE_RATE = 4.0  # of the gate and the soft tokens, whose numbers are few, to that of the adapters
_CHOICE = 0.2  # weight of telling true sentences from untrue ones


def train(recipe: Recipe, folder: Path | None = None, begin: Path | None = None) -> None:
    """The whole run, on the backbone in `folder` or on the packaged one; a run without a checkpoint starts from the
    trained weights in `begin`, where given. Raises MotionError where the data, the tokenizer or the backbone are
    missing."""
    training = recipe.language_training
    if training is None or not recipe.speaks:
        raise BadConfig(
            f"recipe {recipe.name!r} trains a tokenizer alone; a language model needs [language_training], and codes "
            "of kind 'vermo' one by one in the features that are served"
        )
    data = dataset.load(recipe.data, "train", recipe.corpora)
    talk = conversations.load("train")
    words = worded.with_requests(recipe.words, talk)
    samples = tokenise(stages.trained(recipe, "autoencoder"), data, recipe.run / "codes.json", words)
    torch.manual_seed(training.seed)
    accelerator = Accelerator(mixed_precision=training.precision, cpu=not torch.cuda.is_available())
    dtype = torch.bfloat16 if training.precision == "bf16" else torch.float32
    model, tokenize = build(recipe, backbone.prepared(folder), dtype)
    if begin is not None:
        restore(model, begin, beginning=True)
    gating = None if model.gate is None else Gating(model.gate, talk)
    concepts = None if words is None else Concepts(samples, words)
    if gating is not None and recipe.language.soft_tokens and model.soft is None:
        if concepts is None:
            raise BadConfig(f"recipe {recipe.name!r} has soft tokens and no words to tell them by; name their folder")
        model.soft = gating.begin(
            concepts, recipe.run / "soft.safetensors", _embedder(model, tokenize), recipe.language.soft_tokens
        )
    messages = Messages(
        samples, model.vocabulary, tokenize, training.batch, training.longest, training.seed, recipe.tasks,
        recipe.curriculum, recipe.language.soft_tokens, None if concepts is None else concepts.plainly,
    )  # fmt: skip
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    log.info("%d clips, %.1f million trained parameters", len(samples), sum(p.numel() for p in parameters) / 1e6)
    own = {id(one) for module in (model.gate, model.soft) if module is not None for one in module.parameters()}
    groups = [
        {"params": [one for one in parameters if id(one) not in own]},
        {"params": [one for one in parameters if id(one) in own], "lr": training.learning_rate * _GATE_RATE},
    ]

    def loss(wrapped: nn.Module, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        ids, targets, owners = (one.to(accelerator.device) for one in messages.tensors(batch))
        told = None if gating is None else gating.told(batch, generator, accelerator.device)
        motion, motions, text, texts, further, furthers = wrapped(ids, targets, told)
        learns = gating is not None and recipe.language.gate_loss
        gate = gating.loss(generator, accelerator.device) if gating is not None and learns else {}
        true = slice(0, len(batch))
        mean = (motion[true].sum() + text[true].sum()) / (motions[true].sum() + texts[true].sum())
        # A sentence says little about each single token, so its share of the likelihood is small and learned late:
        # beside the likelihood, the true sentence has to make the whole motion likelier than an untrue one does.
        lead = motion[len(batch) :] - motion[owners]
        choice = nn.functional.softplus(-lead).sum() / len(batch)
        apart = further[true].sum() / furthers[true].sum().clamp(min=1)
        return {
            "loss": mean + _CHOICE * choice + apart + sum(gate.values()),
            "tokens": torch.tensor(float(ids.numel())),
            "motion": (motion[true].sum() / motions[true].sum().clamp(min=1)).detach(),
            "text": (text[true].sum() / texts[true].sum().clamp(min=1)).detach(),
            "further": apart.detach(),
            "choice": choice.detach(),
            **{name: value.detach() for name, value in gate.items()},
            "told_apart": (lead > 0).float().mean().detach() if len(owners) else torch.tensor(0.5),
        }

    loop.train(
        model, groups if own else parameters, messages.epoch, loss, training, recipe.run / "language", accelerator
    )
    if accelerator.is_main_process:
        save(model, recipe.run)


def _embedder(model: MotionLanguageModel, tokenize: Tokenize) -> Callable[[str], Tensor]:
    """text -> embeddings (N, width) of its tokens, as the backbone has them."""
    table = model.trunk.get_input_embeddings().weight
    return lambda text: table[torch.tensor(tokenize(text))].detach().float()


def main() -> int:
    """The command line."""
    parser = program.parser("export.train_llm", __doc__)
    parser.add_argument("recipe", type=Path, help="a file of export/recipes")
    parser.add_argument("--backbone", type=Path, metavar="DIR", help="a folder of transformers (the packaged SmolLM2)")
    parser.add_argument("--begin", type=Path, metavar="DIR", help="start from the trained weights in this run's folder")
    parser.add_argument("--save-checkpoint", action="store_true", help="only write the last checkpoint's adapters")
    options = parser.parse_args()

    def work() -> None:
        recipe = load(options.recipe)
        if options.save_checkpoint:
            save_checkpoint(recipe, options.backbone)
        else:
            train(recipe, options.backbone, options.begin)

    return program.run(work, stopped=program.GOES_ON)


if __name__ == "__main__":
    sys.exit(main())
