"""The language model that is trained: LoRA on a frozen backbone and the motion vocabulary's layers, made, saved into a
run and put back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import cast

import numpy as np
import torch
from peft import LoraConfig, get_peft_model, get_peft_model_state_dict, set_peft_model_state_dict
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import AutoModelForCausalLM, AutoTokenizer

from export.recipe import Recipe
from models import backbone, compact
from models.backbone import MotionLanguageModel, MotionVocabularyLayers
from models.multi_token import MultiTokenHead
from models.vocabulary import Vocabulary
from motion.bundles.manifest import ADAPTER, EMBEDDINGS, MULTI_TOKEN
from motion.errors import BadFile

GUIDANCE = 3.0  # how much the sentence counts when motion is drawn, chosen on validation captions
Tokenize = Callable[[str], list[int]]
"""text -> ids without special tokens"""


def build(recipe: Recipe, folder: Path, dtype: torch.dtype) -> tuple[MotionLanguageModel, Tokenize]:
    """A fresh motion language model on the backbone in `folder`, its own weights frozen, and the text tokenizer."""
    language, several = recipe.language, recipe.multi_token
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
    layers = MotionVocabularyLayers(recipe.tokenizer.levels, head.shape[1], scale=float(head.float().std()))
    vocabulary = Vocabulary(head.shape[0], layers.codes)
    further = None if several is None else MultiTokenHead(head.shape[1], several.hidden)
    at_once = 1 if several is None else several.tokens
    model = MotionLanguageModel(trunk, head, vocabulary, layers, further, at_once)
    return model, lambda text: list(words(text, add_special_tokens=False)["input_ids"])


def trained(
    recipe: Recipe, folder: Path | None = None, dtype: torch.dtype = torch.bfloat16
) -> tuple[MotionLanguageModel, Tokenize]:
    """The trained language model, on the backbone in `folder` or on the packaged one, and its text tokenizer. Raises
    BadFile where something is not there."""
    model, tokenize = build(recipe, backbone.prepared(folder), dtype)
    restore(model, recipe.run)
    return model.eval(), tokenize


def weights(recipe: Recipe) -> tuple[str, ...]:
    """Files of a run that hold the language model's weights."""
    further = () if recipe.multi_token is None else (MULTI_TOKEN,)
    return (ADAPTER, EMBEDDINGS, *further)


def save(model: MotionLanguageModel, folder: Path, guidance: float = GUIDANCE) -> None:
    """Writes the adapters, the motion vocabulary's layers and, where there is one, the multi-token head; guidance: with
    which motion is to be drawn."""
    adapter = _arrays(get_peft_model_state_dict(model.trunk))
    compact.write(folder / ADAPTER, adapter, {"guidance": str(guidance)})
    layers = {name: tensor.half().contiguous() for name, tensor in model.layers.state_dict().items()}
    save_file(layers, folder / EMBEDDINGS)
    if model.further is not None:
        compact.write(folder / MULTI_TOKEN, _arrays(model.further.state_dict()), {"tokens": str(model.at_once)})


def _arrays(tensors: Mapping[str, Tensor]) -> dict[str, np.ndarray]:
    return {name: tensor.detach().float().cpu().numpy() for name, tensor in tensors.items()}


def _tensors(path: Path) -> dict[str, Tensor]:
    return {name: torch.from_numpy(array).float() for name, array in compact.read(path).items()}


def restore(model: MotionLanguageModel, folder: Path, headless: bool = False) -> None:
    """Puts back what `save` wrote; headless: a multi-token head that was not there stays as it is. Raises BadFile where
    something is not there."""
    needed = (ADAPTER, EMBEDDINGS, MULTI_TOKEN)
    for name in needed if model.further is not None and not headless else needed[:2]:
        if not (folder / name).exists():
            raise BadFile("is not there; give the folder of a trained run", str(folder / name))
    set_peft_model_state_dict(model.trunk, _tensors(folder / ADAPTER))
    layers = {name: tensor.float() for name, tensor in load_file(folder / EMBEDDINGS).items()}
    model.layers.load_state_dict(layers)
    if model.further is not None and (folder / MULTI_TOKEN).exists():
        model.further.load_state_dict(_tensors(folder / MULTI_TOKEN))


def guidance_of(folder: Path) -> float:
    """How much a sentence counts when motion is drawn from the weights in a folder."""
    with safe_open(folder / ADAPTER, "pt") as held:
        return float((held.metadata() or {}).get("guidance", GUIDANCE))


def save_checkpoint(
    recipe: Recipe, folder: Path | None = None, stage: str = "language", inside: str = "", guidance: float = GUIDANCE
) -> None:
    """Writes what the last checkpoint of a stage that has not ended holds; inside: the model's name in what was
    trained. Raises BadFile where there is none."""
    path = recipe.run / stage / "checkpoint" / "model.safetensors"
    if not path.exists():
        raise BadFile("is not there; train first", str(path))
    model, _ = build(recipe, backbone.prepared(folder), torch.bfloat16)
    everything = {name.removeprefix(inside): value for name, value in load_file(path).items()}
    learned = {
        name: value for name, value in everything.items() if "lora_" in name or name.startswith(("layers.", "further."))
    }
    _, strange = model.load_state_dict(learned, strict=False)
    assert not strange, f"the checkpoint holds {strange[:3]}"
    save(model, recipe.run, guidance)
