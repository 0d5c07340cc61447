"""The language model as an ONNX graph with keys and values kept: structure alone, without weights.

The weights are external initializers, which the service makes at start from the backbone and the bundle's adapters
(`models/packing.py` says how, for each `Plan`); so a graph takes a bundle some hundred kilobytes.

language-*.onnx
    embeds (B, S, width) float32     embeddings of the next S tokens of B sequences
    lengths (B,) int32               tokens of each sequence after this run, less one
    total (1,) int32                 the longest of them, not less one
    experts (B, E) float32           mixing weights of the side branch; only where the plan has experts
    key.L, value.L (B, kv_heads, C, head_width) float32    kept so far, room for C tokens; key.L.out, value.L.out are
                                     the same memory, written in place
    -> hidden (B, width), codes (B, specials + codes): of each sequence's last token
S > 1 needs B = 1, or sequences that all begin; but for the graph of a plan of N `tokens`, where S = N of each sequence
and attention is unrolled: key.L.1 and so on, after each token but the last, are the same memory again. What runs:
onnxruntime's contributed operators GroupQueryAttention, SkipSimplifiedLayerNormalization and MatMulNBits.

multi-token-*.onnx  state (B, width), embeds (B, width) of the code drawn from it -> hidden (B, width) one code on,
                    codes (B, specials + codes)

words.onnx  hidden (B, width) -> words (B, text)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

from export.recipe import Recipe
from models.checkpoint import NORMS, Sizes
from models.packing import EPSILON, POSITIONS, SIDE_BLOCK, Plan, Precision, mixing, multi_token_graph, shapes, side
from models.vocabulary import SPECIAL
from motion.bundles.manifest import WORDS
from motion.errors import BadConfig

OPSET = 18
_MS = "com.microsoft"
_FASTEST = 4  # MatMulNBits' accuracy level that multiplies whole numbers


class Graph:
    """Nodes and initializers as they are written."""

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.weights: list[TensorProto] = []
        self._count = 0

    def node(self, kind: str, inputs: Sequence[str], domain: str = "", out: str = "", **attributes: Any) -> str:
        """Adds a node of one output and returns the output's name."""
        return self.many(kind, inputs, [out or self._fresh(kind)], domain, **attributes)[0]

    def many(
        self, kind: str, inputs: Sequence[str], outputs: list[str], domain: str = "", **attributes: Any
    ) -> list[str]:
        """Adds a node of several outputs."""
        self.nodes.append(helper.make_node(kind, inputs, outputs, self._fresh(kind), domain=domain, **attributes))
        return outputs

    def weight(self, name: str, shape: Sequence[int], kind: int = TensorProto.FLOAT) -> str:
        """Declares a weight that comes from outside."""
        tensor = TensorProto(name=name, data_type=kind, dims=list(shape), data_location=TensorProto.EXTERNAL)
        size = int(np.prod(shape)) * (4 if kind == TensorProto.FLOAT else 1)
        for key, value in (("location", "weights"), ("offset", "0"), ("length", str(size))):
            tensor.external_data.add(key=key, value=value)
        self.weights.append(tensor)
        return name

    def constant(self, name: str, value: np.ndarray) -> str:
        """A value that lies in the graph itself."""
        self.weights.append(numpy_helper.from_array(value, name))
        return name

    def matrix(self, x: str, name: str, inputs: int, outputs: int, bits: int, block: int) -> str:
        """x (..., inputs) times a matrix: 32 bits as it is, 8 or 4 bits in blocks."""
        if bits == 32:
            return self.node("MatMul", [x, self.weight(f"{name}.weight", (inputs, outputs))])
        blocks = -(-inputs // block)
        parts = [
            self.weight(f"{name}.weight", (outputs, blocks, block * bits // 8), TensorProto.UINT8),
            self.weight(f"{name}.scale", (outputs * blocks,)),
        ]
        if bits == 4:
            parts.append(self.weight(f"{name}.zero", (outputs * -(-blocks // 2),), TensorProto.UINT8))
        return self.node(
            "MatMulNBits", [x, *parts], _MS, K=inputs, N=outputs, bits=bits, block_size=block, accuracy_level=_FASTEST
        )

    def model(self, name: str, inputs: list[ValueInfoProto], outputs: list[ValueInfoProto]) -> onnx.ModelProto:
        """The whole graph."""
        graph = helper.make_graph(self.nodes, name, inputs, outputs, self.weights)
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(_MS, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=10, producer_name="motus")

    def _fresh(self, kind: str) -> str:
        self._count += 1
        return f"{kind}.{self._count}"


def language(sizes: Sizes, plan: Plan) -> onnx.ModelProto:
    """The graph of the layers and the motion head. Raises BadConfig for a backbone that its operators cannot do."""
    if sizes.head_width % 16 or sizes.width % SIDE_BLOCK or sizes.hidden % SIDE_BLOCK:
        raise BadConfig(
            f"graphs need heads of 16 channels or a multiple, and widths of a multiple of {SIDE_BLOCK}; this backbone "
            f"has heads of {sizes.head_width} channels and widths {sizes.width} and {sizes.hidden}; serve it in "
            "transformers"
        )
    graph = Graph()
    bits = {"fp32": 32, "int8": 8, "int4": 4}[plan.precision]
    block = SIDE_BLOCK if plan.precision == "int4" else plan.block
    side_bits = 32 if plan.precision == "fp32" else 8
    factors = _factors(graph, sizes, plan) if plan.experts else {}
    found = shapes(sizes)

    def group(x: str, layer: int, name: str) -> str:
        inputs, outputs = found[name]
        place = f"{layer}.{name}"
        y = graph.matrix(x, place, inputs, outputs, bits, block)
        rank = side(plan, name, sizes)
        if not rank:
            return y
        t = graph.matrix(x, f"{place}.enter", inputs, rank, side_bits, SIDE_BLOCK)
        if name in factors:
            t = graph.node("Mul", [t, factors[name]])
        return graph.node("Add", [y, graph.matrix(t, f"{place}.leave", rank, outputs, side_bits, SIDE_BLOCK)])

    rotary = [graph.weight(name, (POSITIONS, sizes.head_width // 2)) for name in ("cos", "sin")]
    attention_norm, feed_norm = NORMS
    gain = graph.weight(f"0.{attention_norm}", (sizes.width,))
    x, kept = "embeds", "embeds"
    x = graph.node("SimplifiedLayerNormalization", [x, gain], axis=-1, epsilon=sizes.epsilon, stash_type=1)
    ends = _ends(graph, plan.tokens)
    for layer in range(sizes.layers):
        y = _attention(graph, sizes, layer, group(x, layer, "qkv"), ends, rotary)
        x, kept = _norm(graph, sizes, kept, group(y, layer, "out"), f"{layer}.{feed_norm}")
        gate, up = graph.many(
            "Split", [group(x, layer, "gate_up")], [f"gate.{layer}", f"up.{layer}"], axis=-1, num_outputs=2
        )
        y = graph.node("Mul", [graph.node("QuickGelu", [gate], _MS, alpha=1.0), up])  # x sigmoid(x) is SiLU
        last = layer + 1 == sizes.layers
        name = "norm" if last else f"{layer + 1}.{attention_norm}"
        x, kept = _norm(graph, sizes, kept, group(y, layer, "down"), name)
    end = graph.constant("end", np.array(-1, np.int64))
    hidden = graph.node("Gather", [x, end], axis=1, out="hidden")
    scores = graph.matrix(hidden, "codes", sizes.width, plan.codes, side_bits, SIDE_BLOCK)
    graph.node("Add", [scores, graph.weight("codes.bias", (plan.codes,))], out="codes")
    return graph.model("language", *_ports(sizes, plan))


def multi_token(width: int, hidden: int, codes: int, precision: Precision) -> onnx.ModelProto:
    """The graph of the multi-token head (models/multi_token.py), `hidden` wide, with the motion head after it."""
    graph = Graph()
    bits = 32 if precision == "fp32" else 8

    def layer(x: str, name: str, inputs: int, outputs: int, out: str = "") -> str:
        y = graph.matrix(x, name, inputs, outputs, bits, SIDE_BLOCK)
        return graph.node("Add", [y, graph.weight(f"{name}.bias", (outputs,))], out=out)

    gain = graph.constant("gain", np.ones(width, np.float32))
    code = graph.node("SimplifiedLayerNormalization", ["embeds", gain], axis=-1, epsilon=EPSILON, stash_type=1)
    both = graph.node("Concat", ["state", code], axis=-1)
    change = layer(graph.node("Gelu", [layer(both, "enter", 2 * width, hidden)], _MS), "leave", hidden, width)
    state = graph.node("Add", ["state", change], out="hidden")
    layer(state, "codes", width, codes, out="codes")
    ports = [_value(name, ["B", width]) for name in ("state", "embeds")]
    return graph.model("multi-token", ports, [_value("hidden", ["B", width]), _value("codes", ["B", codes])])


def words(sizes: Sizes) -> onnx.ModelProto:
    """The graph of the text head."""
    graph = Graph()
    scores = graph.matrix("hidden", "words", sizes.width, sizes.text, 8, SIDE_BLOCK)
    graph.node("Identity", [scores], out="words")
    return graph.model("words", [_value("hidden", ["B", sizes.width])], [_value("words", ["B", sizes.text])])


def plans(recipe: Recipe) -> dict[str, Plan]:
    """The language graphs of a recipe, by file; none for a tokenizer alone."""
    if not recipe.speaks:
        return {}
    codes, language = len(SPECIAL) + recipe.tokenizer.codes, recipe.language
    found: dict[str, Plan] = {}
    for precision in ("fp32", "int8", "int4"):
        experts = language.experts - 1 if language.experts else int(precision == "int4")
        plan = Plan(precision, codes, language.rank, experts=experts, shared=bool(language.experts))
        found[f"language-{precision}.onnx"] = plan
    if recipe.multi_token is not None:
        tokens = recipe.multi_token.tokens
        for plan in tuple(found.values()):
            found[f"language-{plan.precision}-{tokens}.onnx"] = replace(plan, tokens=tokens)
    return found


def write(sizes: Sizes, plans: dict[str, Plan], folder: Path, further: int | None = None) -> None:
    """Writes the graphs of `plans`, by file name, words.onnx, and those of a multi-token head `further` wide."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, plan in plans.items():
        (folder / name).write_bytes(language(sizes, plan).SerializeToString())
        if further is not None:
            head = multi_token(sizes.width, further, plan.codes, plan.precision)
            (folder / multi_token_graph(plan.precision)).write_bytes(head.SerializeToString())
    (folder / WORDS).write_bytes(words(sizes).SerializeToString())


def _factors(graph: Graph, sizes: Sizes, plan: Plan) -> dict[str, str]:
    """For each group: what multiplies the dimensions of its side branch, (B, 1, rank)."""
    axis = graph.constant("axis", np.array([1], np.int64))
    found: dict[str, str] = {}
    for group in shapes(sizes):
        spread, offset = mixing(plan, group, sizes)
        each = graph.node("MatMul", ["experts", graph.constant(f"spread.{group}", spread)])
        each = graph.node("Add", [each, graph.constant(f"offset.{group}", offset)])
        found[group] = graph.node("Unsqueeze", [each, axis])
    return found


def _ends(graph: Graph, tokens: int) -> list[list[str]]:
    """For each token of a run: lengths and total as its attention takes them."""
    ends: list[list[str]] = []
    for back in reversed(range(1, tokens)):
        less = graph.constant(f"less.{back}", np.array([-back], np.int32))
        ends.append([graph.node("Add", [name, less]) for name in ("lengths", "total")])
    return [*ends, ["lengths", "total"]]


def _attention(graph: Graph, sizes: Sizes, layer: int, qkv: str, ends: list[list[str]], rotary: Sequence[str]) -> str:
    """Attention of the tokens of a run. The operator takes several tokens of one sequence alone; several of each of
    many go through it one after the other."""
    names = [f"key.{layer}", f"value.{layer}"]
    many = len(ends)
    parts = [qkv]
    if many > 1:
        parts = graph.many("Split", [qkv], [f"qkv.{layer}.{i}" for i in range(many)], axis=1, num_outputs=many)
    found: list[str] = []
    past = names
    for i, (part, end) in enumerate(zip(parts, ends, strict=True), 1):
        out = [f"{name}.out" if i == many else f"{name}.{i}" for name in names]
        outputs = [f"attention.{layer}.{i}", *out]
        found += graph.many(
            "GroupQueryAttention", [part, "", "", *past, *end, *rotary], outputs, _MS,
            num_heads=sizes.heads, kv_num_heads=sizes.kv_heads, do_rotary=1,
        )[:1]  # fmt: skip
        past = out
    return found[0] if many == 1 else graph.node("Concat", found, axis=1)


def _norm(graph: Graph, sizes: Sizes, kept: str, fresh: str, name: str) -> tuple[str, str]:
    """The sum of what is kept and what is fresh, normalised, and the sum itself."""
    gain = graph.weight(name, (sizes.width,))
    outputs = [f"normed.{name}", "", "", f"kept.{name}"]
    graph.many("SkipSimplifiedLayerNormalization", [kept, fresh, gain], outputs, _MS, epsilon=sizes.epsilon)
    return outputs[0], outputs[3]


def _ports(sizes: Sizes, plan: Plan) -> tuple[list[ValueInfoProto], list[ValueInfoProto]]:
    inputs = [
        _value("embeds", ["B", "S" if plan.tokens == 1 else plan.tokens, sizes.width]),
        _value("lengths", ["B"], TensorProto.INT32),
        _value("total", [1], TensorProto.INT32),
    ]
    if plan.experts:
        inputs.append(_value("experts", ["B", plan.experts]))
    outputs = [_value("hidden", ["B", sizes.width]), _value("codes", ["B", plan.codes])]
    for layer in range(sizes.layers):
        for name in (f"key.{layer}", f"value.{layer}"):
            shape = ["B", sizes.kv_heads, "C", sizes.head_width]
            inputs.append(_value(name, shape))
            outputs += [_value(f"{name}.{i}", shape) for i in (*range(1, plan.tokens), "out")]
    return inputs, outputs


def _value(name: str, shape: Sequence[int | str], kind: int = TensorProto.FLOAT) -> ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, list(shape))
