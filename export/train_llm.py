"""Trains a recipe's language model: LoRA on every linear layer of the backbone, and the motion vocabulary.

    python -m export.train_llm export/recipes/vermo-base.toml
    accelerate launch -m export.train_llm export/recipes/vermo-base.toml      several GPUs, FSDP by accelerate's config

Needs the recipe's trained tokenizer. Goes on from its last checkpoint when it was stopped. Ends with
<run>/adapter.safetensors and <run>/embeddings.safetensors, and where the recipe has [multi_token] with
<run>/multi-token.safetensors, the head that draws several codes from one run of the layers.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import cast

import numpy as np
import torch
from accelerate import Accelerator
from peft import LoraConfig, get_peft_model, get_peft_model_state_dict, set_peft_model_state_dict
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerBase

from export import program
from export.data import dataset
from export.data.messages import Messages, Row, tokenise
from export.recipe import Language, MultiToken, Recipe, load
from export.train_tokenizer import trained_tokenizer
from export.training import loop
from models import backbone, compact
from models.backbone import MotionLanguageModel, MotionVocabularyLayers
from models.multi_token import MultiTokenHead
from models.tokenizers.vermo import FlowVQ
from models.vocabulary import Vocabulary
from motion.errors import BadFile

log = logging.getLogger(__name__)
Batch = list[Row]
GUIDANCE = 3.0  # how much the sentence counts when motion is drawn, chosen on validation captions
MULTI_TOKEN = "multi-token.safetensors"
_CHOICE = 1.0  # weight of telling true sentences from untrue ones


def build(
    language: Language, tokenizer: FlowVQ, folder: Path, dtype: torch.dtype, several: MultiToken | None = None
) -> tuple[MotionLanguageModel, PreTrainedTokenizerBase]:
    """A fresh motion language model on the backbone in `folder`, its own weights frozen, and the text tokenizer."""
    causal = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, attn_implementation="eager")
    words = AutoTokenizer.from_pretrained(folder)
    for parameter in causal.parameters():
        parameter.requires_grad_(False)
    head = causal.lm_head.weight
    config = LoraConfig(
        r=language.rank,
        lora_alpha=cast(int, language.alpha),  # any number will do
        lora_dropout=language.dropout,
        target_modules="all-linear",
    )
    trunk = get_peft_model(causal.model, config)
    for name, parameter in trunk.named_parameters():
        if "lora_" in name:
            parameter.data = parameter.data.float()
    levels = tokenizer.config.levels
    layers = MotionVocabularyLayers(levels, head.shape[1], scale=float(head.float().std()))
    vocabulary = Vocabulary(head.shape[0], layers.codes)
    further = None if several is None else MultiTokenHead(head.shape[1], several.hidden)
    at_once = 1 if several is None else several.tokens
    return MotionLanguageModel(trunk, head, vocabulary, layers, further, at_once), words


def text_tokenizer(words: PreTrainedTokenizerBase) -> Callable[[str], list[int]]:
    """Text -> ids without special tokens."""
    return lambda text: list(words(text, add_special_tokens=False)["input_ids"])


def train(recipe: Recipe, folder: Path | None = None, begin: Path | None = None) -> None:
    """The whole run, on the backbone in `folder` or on the packaged one; a run without a checkpoint starts from the
    trained weights in `begin`, where given. Raises MotionError where the data, the tokenizer or the backbone are
    missing."""
    training = recipe.language_training
    tokenizer = trained_tokenizer(recipe, refined=False)
    data = dataset.load(recipe.data, "train", recipe.corpora)
    samples = tokenise(tokenizer, data, recipe.run / "codes.json")
    torch.manual_seed(training.seed)
    accelerator = Accelerator(mixed_precision=training.precision, cpu=not torch.cuda.is_available())
    dtype = torch.bfloat16 if training.precision == "bf16" else torch.float32
    model, words = build(recipe.language, tokenizer, backbone.prepared(folder), dtype, recipe.multi_token)
    if begin is not None:
        restore(model, begin, headless=True)
    messages = Messages(
        samples, model.vocabulary, text_tokenizer(words), training.batch, training.longest, training.seed, recipe.tasks
    )
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    log.info("%d clips, %.1f million trained parameters", len(samples), sum(p.numel() for p in parameters) / 1e6)

    def loss(wrapped: nn.Module, batch: Batch, _: torch.Generator) -> dict[str, Tensor]:
        ids, targets, owners = (one.to(accelerator.device) for one in messages.tensors(batch))
        motion, motions, text, texts, further, furthers = wrapped(ids, targets)
        true = slice(0, len(batch))
        mean = (motion[true].sum() + text[true].sum()) / (motions[true].sum() + texts[true].sum())
        # A sentence says little about each single token, so its share of the likelihood is small and learned late:
        # beside the likelihood, the true sentence has to make the whole motion likelier than an untrue one does.
        lead = motion[len(batch) :] - motion[owners]
        choice = nn.functional.softplus(-lead).sum() / len(batch)
        apart = further[true].sum() / furthers[true].sum().clamp(min=1)
        return {
            "loss": mean + _CHOICE * choice + apart,
            "tokens": torch.tensor(float(ids.numel())),
            "motion": (motion[true].sum() / motions[true].sum().clamp(min=1)).detach(),
            "text": (text[true].sum() / texts[true].sum().clamp(min=1)).detach(),
            "further": apart.detach(),
            "choice": choice.detach(),
            "told_apart": (lead > 0).float().mean().detach() if len(owners) else torch.tensor(0.5),
        }

    loop.train(model, parameters, messages.epoch, loss, training, recipe.run / "language", accelerator)
    if accelerator.is_main_process:
        save(model, recipe.run)


def weights(recipe: Recipe) -> tuple[str, ...]:
    """Files of a run that hold the language model's weights."""
    further = () if recipe.multi_token is None else (MULTI_TOKEN,)
    return ("adapter.safetensors", "embeddings.safetensors", *further)


def save(model: MotionLanguageModel, folder: Path, guidance: float = GUIDANCE) -> None:
    """Writes the adapters, the motion vocabulary's layers and, where there is one, the multi-token head; guidance: with
    which motion is to be drawn."""
    adapter = _arrays(get_peft_model_state_dict(model.trunk))
    compact.write(folder / "adapter.safetensors", adapter, {"guidance": str(guidance)})
    layers = {name: tensor.half().contiguous() for name, tensor in model.layers.state_dict().items()}
    save_file(layers, folder / "embeddings.safetensors")
    if model.further is not None:
        compact.write(folder / MULTI_TOKEN, _arrays(model.further.state_dict()), {"tokens": str(model.at_once)})


def _arrays(tensors: Mapping[str, Tensor]) -> dict[str, np.ndarray]:
    return {name: tensor.detach().float().cpu().numpy() for name, tensor in tensors.items()}


def _tensors(path: Path) -> dict[str, Tensor]:
    return {name: torch.from_numpy(array).float() for name, array in compact.read(path).items()}


def restore(model: MotionLanguageModel, folder: Path, headless: bool = False) -> None:
    """Puts back what `save` wrote; headless: a multi-token head that was not there stays as it is. Raises BadFile where
    something is not there."""
    needed = ("adapter.safetensors", "embeddings.safetensors", MULTI_TOKEN)
    for name in needed if model.further is not None and not headless else needed[:2]:
        if not (folder / name).exists():
            raise BadFile("is not there; give the folder of a trained run", str(folder / name))
    set_peft_model_state_dict(model.trunk, _tensors(folder / "adapter.safetensors"))
    layers = {name: tensor.float() for name, tensor in load_file(folder / "embeddings.safetensors").items()}
    model.layers.load_state_dict(layers)
    if model.further is not None and (folder / MULTI_TOKEN).exists():
        model.further.load_state_dict(_tensors(folder / MULTI_TOKEN))


def guidance_of(folder: Path) -> float:
    """How much a sentence counts when motion is drawn from the weights in a folder."""
    with safe_open(folder / "adapter.safetensors", "pt") as held:
        return float((held.metadata() or {}).get("guidance", GUIDANCE))


def save_checkpoint(
    recipe: Recipe, folder: Path | None = None, stage: str = "language", inside: str = "", guidance: float = GUIDANCE
) -> None:
    """Writes what the last checkpoint of a stage that has not ended holds; inside: the model's name in what was
    trained. Raises BadFile where there is none."""
    path = recipe.run / stage / "checkpoint" / "model.safetensors"
    if not path.exists():
        raise BadFile("is not there; train first", str(path))
    tokenizer = trained_tokenizer(recipe, refined=False)
    model, _ = build(recipe.language, tokenizer, backbone.prepared(folder), torch.bfloat16, recipe.multi_token)
    everything = {name.removeprefix(inside): value for name, value in load_file(path).items()}
    trained = {
        name: value for name, value in everything.items() if "lora_" in name or name.startswith(("layers.", "further."))
    }
    _, strange = model.load_state_dict(trained, strict=False)
    assert not strange, f"the checkpoint holds {strange[:3]}"
    save(model, recipe.run, guidance)


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
