"""The sentence encoder MiniLM as an ONNX graph: structure alone. The weights are `models.sentences.minilm.arrays`.

sentence.onnx  embeds (1, N, 384) float32, of a sentence's tokens -> states (1, N, 384) float32

What runs: onnxruntime's contributed operators MatMulNBits, MultiHeadAttention, SkipLayerNormalization and BiasGelu.
"""

from __future__ import annotations

from pathlib import Path

import onnx
from onnx import TensorProto, helper

from export.graphs.language_graph import Graph
from models.sentences.minilm import BLOCK, SIZES, Sizes
from motion.bundles.manifest import SENTENCE

_MS = "com.microsoft"


def sentence(sizes: Sizes = SIZES) -> onnx.ModelProto:
    """The graph."""
    graph = Graph()
    wide = 3 * sizes.width

    def matrix(x: str, name: str, inputs: int, outputs: int) -> str:
        return graph.matrix(x, name, inputs, outputs, 8, BLOCK)

    def norms(name: str) -> list[str]:
        return [graph.weight(f"{name}.{side}", (sizes.width,)) for side in ("gain", "shift")]

    x = graph.node("LayerNormalization", ["embeds", *norms("begin")], axis=-1, epsilon=sizes.epsilon)
    for layer in range(sizes.layers):
        qkv = matrix(x, f"{layer}.qkv", sizes.width, wide)
        qkv = graph.node("Add", [qkv, graph.weight(f"{layer}.qkv.bias", (wide,))])
        parts = graph.many("Split", [qkv], [f"{name}.{layer}" for name in "qkv"], axis=-1, num_outputs=3)
        y = graph.node("MultiHeadAttention", parts, _MS, num_heads=sizes.heads)
        y = matrix(y, f"{layer}.out", sizes.width, sizes.width)
        x = _added(graph, sizes, x, y, f"{layer}.attention", f"{layer}.out.bias")
        y = matrix(x, f"{layer}.up", sizes.width, sizes.hidden)
        y = graph.node("BiasGelu", [y, graph.weight(f"{layer}.up.bias", (sizes.hidden,))], _MS)
        y = matrix(y, f"{layer}.down", sizes.hidden, sizes.width)
        x = _added(graph, sizes, x, y, f"{layer}.feed", f"{layer}.down.bias")
    graph.node("Identity", [x], out="states")
    ports = [[helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, "N", sizes.width])] for name in _PORTS]
    return graph.model("sentence", *ports)


_PORTS = ("embeds", "states")


def write(folder: Path) -> None:
    """Writes the graph into a folder."""
    (folder / SENTENCE).write_bytes(sentence().SerializeToString())


def _added(graph: Graph, sizes: Sizes, kept: str, fresh: str, norm: str, bias: str) -> str:
    """The normalised sum of what is kept, what is fresh, and the bias of the latter."""
    weights = [graph.weight(f"{norm}.{side}", (sizes.width,)) for side in ("gain", "shift")]
    weights.append(graph.weight(bias, (sizes.width,)))
    return graph.node("SkipLayerNormalization", [kept, fresh, *weights], _MS, epsilon=sizes.epsilon)
