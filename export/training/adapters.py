"""The language model that is trained: LoRA, or a mixture of LoRA experts with its gate, on a frozen backbone, and the
motion vocabulary's layers, made, saved into a run and put back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from peft import LoraConfig, get_peft_model, get_peft_model_state_dict, set_peft_model_state_dict
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import AutoModelForCausalLM, AutoTokenizer

from export.recipe import Language, Recipe
from models import backbone, compact
from models.backbone import MotionLanguageModel, MotionVocabularyLayers
from models.mixture import Mixture
from models.multi_token import MultiTokenHead
from models.sentences.gate import Gate, SoftTokens
from models.vocabulary import Vocabulary
from motion.bundles.manifest import ADAPTER, EMBEDDINGS, GATE, LEARNED, MULTI_TOKEN, PARAPHRASE
from motion.errors import BadFile

GUIDANCE = 3.0  # how much the sentence counts when motion is drawn, chosen on validation captions
_PLAIN_SCALE = 2.0  # alpha / rank of every recipe with one LoRA
_LEARNED = ("layers.", "further.", "mixture.", "gate.", "soft.")
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
    deviation = float(head.float().std())
    mixture, gate = None, None
    if language.experts:
        trunk = causal.model
        mixture = Mixture(trunk, language.experts - 1, language.rank, language.alpha / language.rank)
        gate = Gate(language.experts)
    else:
        trunk = _plain(causal.model, language)
    layers = MotionVocabularyLayers(recipe.tokenizer.levels, head.shape[1], scale=deviation)
    vocabulary = Vocabulary(head.shape[0], layers.codes)
    further = None if several is None else MultiTokenHead(head.shape[1], several.hidden)
    at_once = 1 if several is None else several.tokens
    model = MotionLanguageModel(trunk, head, vocabulary, layers, further, at_once, mixture, gate)
    model.soft_tokens = language.soft_tokens
    return model, lambda text: list(words(text, add_special_tokens=False)["input_ids"])


def _plain(trunk: Any, language: Language) -> Any:
    """The trunk with one LoRA on every linear layer."""
    config = LoraConfig(
        r=language.rank,
        lora_alpha=cast(int, language.alpha),  # any number will do
        lora_dropout=language.dropout,
        target_modules="all-linear",
    )
    wrapped = get_peft_model(trunk, config)
    for name, parameter in wrapped.named_parameters():
        if "lora_" in name:
            parameter.data = parameter.data.float()
    return wrapped


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
    gate = (GATE,) if recipe.language.experts else ()
    return (ADAPTER, EMBEDDINGS, *further, *gate)


def sentence_weights(recipe: Recipe) -> tuple[str, ...]:
    """Files of a run that hold what `export.train_words` made of a recipe's wordings."""
    if recipe.words is None:
        return ()
    # A mixture learns people's words themselves, and has a gate of its own.
    return (LEARNED,) if recipe.language.experts else (GATE, LEARNED, PARAPHRASE)


def save(model: MotionLanguageModel, folder: Path, guidance: float = GUIDANCE) -> None:
    """Writes the adapters, the motion vocabulary's layers and, where there is one, the multi-token head; guidance: with
    which motion is to be drawn."""
    experts = model.mixture
    adapter = _arrays(experts.state_dict() if experts is not None else get_peft_model_state_dict(model.trunk))
    compact.write(folder / ADAPTER, adapter, {"guidance": str(guidance)})
    layers = {name: tensor.half().contiguous() for name, tensor in model.layers.state_dict().items()}
    save_file(layers, folder / EMBEDDINGS)
    if model.further is not None:
        compact.write(folder / MULTI_TOKEN, _arrays(model.further.state_dict()), {"tokens": str(model.at_once)})
    if model.gate is not None:
        save_gate(model.gate, model.soft, folder)


def save_gate(gate: Gate, soft: SoftTokens | None, folder: Path) -> None:
    """Writes a gate, and the soft tokens where there are any."""
    parts = {f"gate.{name}": value for name, value in gate.state_dict().items()}
    if soft is not None:
        parts |= {f"soft.{name}": value for name, value in soft.state_dict().items()}
    compact.write(folder / GATE, _arrays(parts))


def _arrays(tensors: Mapping[str, Tensor]) -> dict[str, np.ndarray]:
    return {name: tensor.detach().float().cpu().numpy() for name, tensor in tensors.items()}


def _tensors(path: Path) -> dict[str, Tensor]:
    return {name: torch.from_numpy(array).float() for name, array in compact.read(path).items()}


def restore(model: MotionLanguageModel, folder: Path, beginning: bool = False) -> None:
    """Puts back what `save` wrote; beginning: what of the model was not there stays as it is, and a mixture may begin
    from one LoRA. Raises BadFile where something is not there."""
    needed = [ADAPTER, EMBEDDINGS]
    needed += [MULTI_TOKEN] if model.further is not None and not beginning else []
    needed += [GATE] if model.gate is not None and not beginning else []
    for name in needed:
        if not (folder / name).exists():
            raise BadFile("is not there; give the folder of a trained run", str(folder / name))
    adapter = _tensors(folder / ADAPTER)
    if model.mixture is None:
        set_peft_model_state_dict(model.trunk, adapter)
    elif any("lora_" in name for name in adapter):
        if not beginning:
            raise BadFile("holds one LoRA and no mixture of them; train it, or begin from it", str(folder / ADAPTER))
        model.mixture.begin(adapter, _PLAIN_SCALE)
    else:
        model.mixture.load_state_dict(adapter)
    layers = {name: tensor.float() for name, tensor in load_file(folder / EMBEDDINGS).items()}
    model.layers.load_state_dict(layers)
    if model.further is not None and (folder / MULTI_TOKEN).exists():
        model.further.load_state_dict(_tensors(folder / MULTI_TOKEN))
    if model.gate is not None and (folder / GATE).exists():
        parts = _tensors(folder / GATE)
        own, soft = (
            {name.removeprefix(prefix): value for name, value in parts.items() if name.startswith(prefix)}
            for prefix in ("gate.", "soft.")
        )
        model.gate.load_state_dict(own)
        if soft:
            model.soft = SoftTokens.like(soft, model.soft_tokens)


def gate_weights(folder: Path) -> dict[str, Tensor]:
    """The gate's tensors in a trained run. Raises BadFile."""
    if not (folder / GATE).exists():
        raise BadFile("is not there; give the folder of a trained run", str(folder / GATE))
    parts = _tensors(folder / GATE)
    return {name.removeprefix("gate."): value for name, value in parts.items() if name.startswith("gate.")}


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
    soft = {name.removeprefix("soft."): value for name, value in everything.items() if name.startswith("soft.")}
    if soft:
        model.soft = SoftTokens.like(soft, model.soft_tokens)
    learned = {name: value for name, value in everything.items() if "lora_" in name or name.startswith(_LEARNED)}
    _, strange = model.load_state_dict(learned, strict=False)
    assert not strange, f"the checkpoint holds {strange[:3]}"
    save(model, recipe.run, guidance)
