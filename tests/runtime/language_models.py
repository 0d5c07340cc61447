"""A small language model as a bundle brings it: adapter, motion vocabulary and language graphs on a tiny backbone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.numpy import save_file
from torch import nn

from export.graphs import language_graph, sentence_graph
from models import checkpoint, packing
from models.backbone import MotionVocabularyLayers
from models.checkpoint import Checkpoint
from models.multi_token import MultiTokenHead
from models.packing import Adapter, Experts
from models.sentences import minilm
from models.sentences.gate import Gate, SoftTokens
from models.vocabulary import SPECIAL
from motion import features
from motion.bundles import bundle
from motion.bundles.bundle import Bundle
from motion.bundles.manifest import (
    ADAPTER,
    EMBEDDINGS,
    GATE,
    MOTION,
    MULTI_TOKEN,
    SENTENCE,
    WORDS,
    Backbone,
    CoderFiles,
    Corpus,
    Language,
    Lora,
    Manifest,
    MotionVocabulary,
    MultiTokenFiles,
    PackedGate,
    PackedTokenizer,
    Plan,
)
from motion.protocol import Task
from motion.skeleton import SMPLX22
from runtime.engines.layers import F32
from runtime.engines.onnx_layers import OnnxLayers, Several
from tests.models.test_packing import RANK, adapter, experts
from tests.models.tiny import save_backbone

LEVELS = (7, 5, 5)
CODES = 175
ALPHA = 6.0
EXPERTS = 4


def plans(codes: int = CODES) -> dict[str, Plan]:
    """Graphs in every precision, by file."""
    return {
        "language-fp32.onnx": Plan("fp32", len(SPECIAL) + codes, RANK),
        "language-int8.onnx": Plan("int8", len(SPECIAL) + codes, RANK, block=32),
        "language-int4.onnx": Plan("int4", len(SPECIAL) + codes, RANK, experts=1),
    }


def several(codes: int = CODES) -> dict[str, Plan]:
    """Graphs of three tokens a run, by file."""
    return {f"{name[:-5]}-3.onnx": replace(plan, tokens=3) for name, plan in plans(codes).items()}


def language(codes: int = CODES, alpha: float = ALPHA) -> Language:
    """What a manifest says of it."""
    return Language(
        Backbone("tiny", "", "", ""), Lora(ADAPTER, RANK, alpha), MotionVocabulary(EMBEDDINGS), words=WORDS,
        graphs=plans(codes),
    )  # fmt: skip


def threefold_language() -> Language:
    """The same of a bundle with a multi-token head."""
    heads = MultiTokenFiles(
        3, MULTI_TOKEN, {plan.precision: packing.multi_token_graph(plan.precision) for plan in PLANS.values()}
    )
    return replace(LANGUAGE, graphs={**PLANS, **several()}, multi_token=heads)


def mixed_language(soft: int = 3) -> Language:
    """The same of a bundle with a mixture of experts and a gate."""
    gate = PackedGate(GATE, SENTENCE, Backbone(minilm.NAME, minilm.PACKAGE, "", ""), soft)
    return replace(LANGUAGE, adapter=Lora(ADAPTER, RANK, ALPHA, EXPERTS), graphs=MIXED, gate=gate)


PLANS = plans()
MIXED = {name: replace(plan, experts=EXPERTS, shared=True) for name, plan in PLANS.items()}
LANGUAGE = language()


@dataclass(frozen=True)
class Parts:
    """A backbone's folder, and what a bundle puts on it."""

    folder: Path
    source: Checkpoint
    adapter: Adapter | Experts
    layers: MotionVocabularyLayers
    further: MultiTokenHead

    @property
    def head(self) -> tuple[F32, F32]:
        """The motion head's weight and bias."""
        weight, bias = self.layers.head()
        return weight.numpy(), bias.numpy()

    @property
    def adapters(self) -> packing.Adapters:
        """As graphs take them."""
        return self.adapter if isinstance(self.adapter, Experts) else [self.adapter]

    @property
    def multi_token(self) -> dict[str, np.ndarray]:
        """The multi-token head's tensors."""
        return {name: value.numpy() for name, value in self.further.state_dict().items()}


def make(folder: Path, tied: bool = True, seed: int = 1) -> Parts:
    """A backbone with random weights, an adapter and a motion vocabulary that matter."""
    save_backbone(folder, tied=tied)
    torch.manual_seed(seed)
    layers = MotionVocabularyLayers(LEVELS, 32, hidden=64)
    nn.init.normal_(layers.bias, std=0.5)
    nn.init.normal_(layers.special_head, std=0.3)
    with torch.no_grad():
        for parameter in layers.parameters():
            parameter.copy_(parameter.half())  # in which bundles keep it
    further = MultiTokenHead(32, 48)
    with torch.no_grad():
        nn.init.normal_(further.leave.weight, std=0.3)
        for parameter in further.parameters():
            parameter.copy_(parameter.half())
    source = checkpoint.read(folder)
    lora = adapter(source.sizes, seed, ALPHA / RANK)
    layers.eval().requires_grad_(False)
    return Parts(folder, source, lora, layers, further.eval().requires_grad_(False))


def mixed(parts: Parts, seed: int = 1) -> Parts:
    """The same with a mixture of experts."""
    return replace(parts, adapter=experts(parts.source.sizes, EXPERTS, seed, ALPHA / RANK))


def gate(soft: int = 3, zero: float = 0.0, seed: int = 1) -> dict[str, np.ndarray]:
    """A gate's weights and those of `soft` soft tokens a sentence; zero: what the zero expert has before others."""
    torch.manual_seed(seed)
    own, tokens = Gate(EXPERTS + 1), SoftTokens((6, max(1, soft - 1)), (4, 1), 32)
    with torch.no_grad():
        nn.init.normal_(own.leave.weight, std=0.05)
        own.leave.bias[0] = zero
        for table in (tokens.concepts, tokens.styles):
            nn.init.normal_(table, std=0.3)
    found = {f"gate.{name}": value.numpy() for name, value in own.state_dict().items()}
    return found | {f"soft.{name}": value.numpy() for name, value in tokens.state_dict().items() if soft}


def onnx_layers(
    parts: Parts, folder: Path, plan: Plan = PLANS["language-fp32.onnx"], threads: int = 1, tokens: int = 1
) -> OnnxLayers:
    """Its layers as an ONNX graph, and for several tokens a run as two more."""
    plans = {"language.onnx": plan, "several.onnx": replace(plan, tokens=tokens)}
    language_graph.write(parts.source.sizes, plans, folder, 48)
    weights = packing.pack(parts.source, plan, parts.adapters, *parts.head)
    text = packing.text_head(parts.source)
    several = None
    if tokens > 1:
        head = packing.multi_token(parts.multi_token, *parts.head, plan.precision)
        drawn = folder / packing.multi_token_graph(plan.precision)
        several = Several(tokens, folder / "several.onnx", drawn, head)
    return OnnxLayers(folder / "language.onnx", weights, folder / "words.onnx", text, threads, several)


def make_bundle(
    parts: Parts,
    folder: Path,
    told: Language = LANGUAGE,
    levels: tuple[int, ...] = LEVELS,
    weighs: dict[str, np.ndarray] | None = None,
    **changes: Any,
) -> Bundle:
    """A bundle that has nothing but a language model; weighs: its gate's weights, where it has one; changes: to its
    manifest."""
    folder.mkdir()
    save_file(dict(parts.adapter.tensors), folder / ADAPTER)
    weights = {name: value.half().numpy() for name, value in parts.layers.state_dict().items()}
    save_file(weights, folder / EMBEDDINGS)
    if told.multi_token is not None:
        save_file(parts.multi_token, folder / MULTI_TOKEN)
        language_graph.write(parts.source.sizes, several(parts.layers.codes), folder, 48)
    language_graph.write(parts.source.sizes, {**plans(parts.layers.codes), **told.graphs}, folder)
    if told.gate is not None:
        save_file(gate(told.gate.soft_tokens) if weighs is None else weighs, folder / GATE)
        sentence_graph.write(folder)
    manifest = Manifest(
        name="tiny", version="0", licence="CC0-1.0", command="", language=told, data=(Corpus("none", "CC0-1.0"),),
        tokenizers=(PackedTokenizer(MOTION, features.NAME, 30.0, 4, CoderFiles(), levels, 2, 2, skeleton=SMPLX22),),
        tasks=(Task("text-to-motion", ("text",), ("seconds",), "motion"),),
    )  # fmt: skip
    return bundle.write(folder, replace(manifest, **changes))


def some(count: int, seed: int = 0) -> F32:
    """Embeddings of so many tokens."""
    return (0.3 * np.random.default_rng(seed).standard_normal((count, 32))).astype(np.float32)
