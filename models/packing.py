"""Weights as a language graph takes them: blocks of whole numbers for onnxruntime's MatMulNBits, and side branches.

A language graph (export/graphs/language_graph.py) carries no weights. This file makes them from a backbone, its
adapters and the motion vocabulary, under the names the graph gives its inputs; `Plan` says for which graph.

    fp32   matrices in float32, the adapter merged
    int8   8 bits a weight, a scale for each block, the adapter merged
    int4   the backbone's own 4-bit blocks (GGUF's Q4_1), number for number. MatMulNBits knows a whole number as zero
           point and Q4_1 a real one; what is left, a constant a block, is one more matrix of low rank, and shares the
           side branch with the adapters

A graph of several `tokens` reads so many of each sequence in a run; the head that draws them (`multi_token`) has a
graph of its own.

With `experts`, adapters are not merged but a side branch, y = W x + sum_e g_e B_e A_e x, whose mixing weights g are
an input of the graph, one row a sequence: 0 is the untouched backbone. Where they are `shared`, matrices that see the
same input have one A an expert (models/mixture.py).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from models.checkpoint import NORMS, Q4, Q8, Checkpoint, Matrix, Sizes, dense
from motion.bundles.manifest import Plan, Precision
from motion.errors import BadBundle

F32 = NDArray[np.float32]
Arrays = dict[str, NDArray[Any]]

_OTHER: Final = "serve the bundle on the backbone it names"
GROUPS: Final = {
    "qkv": ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"),
    "out": ("self_attn.o_proj",),
    "gate_up": ("mlp.gate_proj", "mlp.up_proj"),
    "down": ("mlp.down_proj",),
}
"""matrices that see the same input are one"""
POSITIONS: Final = 4096
"""longest message, in tokens"""
EPSILON: Final = 1e-6
"""in the multi-token head's root mean square"""
FURTHER: Final = ("enter.weight", "enter.bias", "leave.weight", "leave.bias")
"""tensors of the multi-token head"""
SIDE_BLOCK: Final = 32
"""values that share a scale in side branches, heads, and in the 4-bit numbers of GGUF"""


def shapes(sizes: Sizes) -> dict[str, tuple[int, int]]:
    """Inputs and outputs of each group of a layer."""
    heads, kv = sizes.heads * sizes.head_width, sizes.kv_heads * sizes.head_width
    return {
        "qkv": (sizes.width, heads + 2 * kv),
        "out": (heads, sizes.width),
        "gate_up": (sizes.width, 2 * sizes.hidden),
        "down": (sizes.hidden, sizes.width),
    }


def side(plan: Plan, group: str, sizes: Sizes) -> int:
    """Rank of a group's side branch in the graph of `plan`."""
    rest = shapes(sizes)[group][0] // SIDE_BLOCK if plan.precision == "int4" else 0
    return plan.experts * _each(plan, group) + rest


def _each(plan: Plan, group: str) -> int:
    """Dimensions of an expert in a group's side branch."""
    return plan.rank if plan.shared else plan.rank * len(GROUPS[group])


@dataclass(frozen=True)
class Adapter:
    """A trained LoRA: W + scale B A for each of a layer's matrices."""

    tensors: Mapping[str, NDArray[Any]]
    """as peft names them"""
    scale: float

    def pair(self, layer: int, name: str) -> tuple[F32, F32]:
        """A (rank, in) and scale B (out, rank). Raises BadBundle where the adapter lacks it."""
        place = f"layers.{layer}.{name}"
        down, up = (self.tensors.get(f"base_model.model.{place}.lora_{side}.weight") for side in ("A", "B"))
        if down is None or up is None:
            raise BadBundle(f"the adapter's {place} does not fit the backbone; {_OTHER}")
        return down.astype(np.float32), self.scale * up.astype(np.float32)

    def check(self, sizes: Sizes) -> None:
        """Raises BadBundle where the adapter names what the backbone does not have, or has other sizes."""
        heads, kv = sizes.heads * sizes.head_width, sizes.kv_heads * sizes.head_width
        expected = {
            "self_attn.q_proj": (heads, sizes.width),
            "self_attn.k_proj": (kv, sizes.width),
            "self_attn.v_proj": (kv, sizes.width),
            "self_attn.o_proj": (sizes.width, heads),
            "mlp.gate_proj": (sizes.hidden, sizes.width),
            "mlp.up_proj": (sizes.hidden, sizes.width),
            "mlp.down_proj": (sizes.width, sizes.hidden),
        }
        for name in self.tensors:
            place = re.fullmatch(r"base_model\.model\.layers\.(\d+)\.(.+)\.lora_[AB]\.weight", name)
            if place is None or int(place[1]) >= sizes.layers or place[2] not in expected:
                raise BadBundle(f"the adapter's {name} does not fit the backbone; {_OTHER}")
        for layer in range(sizes.layers):
            for name, (rows, columns) in expected.items():
                down, up = self.pair(layer, name)
                if up.shape != (rows, down.shape[0]) or down.shape[1] != columns:
                    raise BadBundle(f"the adapter's layers.{layer}.{name} does not fit the backbone; {_OTHER}")


@dataclass(frozen=True)
class Experts:
    """A trained mixture of LoRA experts (models/mixture.py): W + scale sum_e a_e B_e A_e for each group of matrices."""

    tensors: Mapping[str, NDArray[Any]]
    """branches.<layer>-<group>.enter (E * rank, in), .leave (out, E * rank)"""
    scale: float

    def branch(self, layer: int, group: str) -> tuple[F32, F32]:
        """A of all experts (E * rank, in) and scale B (out, E * rank). Raises BadBundle where the mixture lacks it."""
        enter, leave = (self.tensors.get(f"branches.{layer}-{group}.{side}") for side in ("enter", "leave"))
        if enter is None or leave is None:
            raise BadBundle(f"the mixture's layer {layer} has no {group}; {_OTHER}")
        return enter.astype(np.float32), self.scale * leave.astype(np.float32)

    def check(self, sizes: Sizes) -> None:
        """Raises BadBundle where the mixture names what the backbone does not have, or has other sizes."""
        found = shapes(sizes)
        expected = {f"branches.{layer}-{group}." for layer in range(sizes.layers) for group in found}
        strange = [name for name in self.tensors if f"{name.rpartition('.')[0]}." not in expected]
        if strange:
            raise BadBundle(f"the mixture's {strange[0]} does not fit the backbone; {_OTHER}")
        for layer in range(sizes.layers):
            for group, (inputs, outputs) in found.items():
                enter, leave = self.branch(layer, group)
                if enter.shape != (leave.shape[1], inputs) or len(leave) != outputs:
                    raise BadBundle(f"the mixture's layer {layer}, {group}, does not fit the backbone; {_OTHER}")


Adapters = Sequence[Adapter] | Experts


def pack(source: Checkpoint, plan: Plan, adapters: Adapters, head: F32, bias: F32, threads: int = 1) -> Arrays:
    """All weights of the graph that `plan` describes. `head` (codes, width) and `bias` (codes,) are the motion head's.

    Without experts, the first adapter is merged; none leaves the backbone as it is.
    """
    sizes = source.sizes
    for adapter in (adapters,) if isinstance(adapters, Experts) else adapters:
        adapter.check(sizes)
    if plan.shared != isinstance(adapters, Experts):
        raise BadBundle("a graph whose experts share what enters takes a mixture, any other adapters; pack it again")
    count = plan.experts if isinstance(adapters, Experts) else len(adapters)
    if plan.experts not in (0, count) or (not plan.experts and count > 1):
        raise BadBundle(f"the graph takes {plan.experts} adapters in its side branch and there are {count}")
    with ThreadPoolExecutor(threads) as pool:
        layers = pool.map(lambda layer: _layer(source, plan, adapters, layer), range(sizes.layers))
        arrays = {name: array for part in layers for name, array in part.items()}
    angles = np.outer(np.arange(POSITIONS), sizes.theta ** (-np.arange(0, sizes.head_width, 2) / sizes.head_width))
    arrays["norm"] = source.norm
    arrays["cos"], arrays["sin"] = np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)
    arrays["codes.bias"] = bias.astype(np.float32)
    return arrays | (_plain("codes", head) if plan.precision == "fp32" else int8("codes", head, SIDE_BLOCK))


def multi_token(tensors: Mapping[str, NDArray[Any]], head: F32, bias: F32, precision: Precision) -> Arrays:
    """Weights of the multi-token head's graph; `tensors` as `models.multi_token.MultiTokenHead` names them, `head` and
    `bias` the motion head's. Raises BadBundle where a tensor is missing."""
    try:
        wide = {name: np.asarray(tensors[name], np.float32) for name in FURTHER}
    except KeyError as error:
        raise BadBundle(f"the multi-token head lacks {error}; pack the bundle again") from error
    arrays: Arrays = {"enter.bias": wide["enter.bias"], "leave.bias": wide["leave.bias"], "codes.bias": bias}
    for name, matrix in (("enter", wide["enter.weight"]), ("leave", wide["leave.weight"]), ("codes", head)):
        arrays |= _plain(name, matrix) if precision == "fp32" else int8(name, matrix, SIDE_BLOCK)
    return arrays


def multi_token_graph(precision: Precision) -> str:
    """File of the multi-token head's graph beside a language graph in this precision."""
    return f"multi-token-{'fp32' if precision == 'fp32' else 'int8'}.onnx"


def text_head(source: Checkpoint) -> Arrays:
    """Weights of the text head's graph: GGUF's 8-bit numbers as they are, others in blocks of 8 bits."""
    head = source.head
    if isinstance(head, Q8):
        return {"words.weight": (head.numbers.view(np.uint8) ^ 128), "words.scale": head.scale.reshape(-1)}
    return int8("words", dense(head), SIDE_BLOCK)


def _layer(source: Checkpoint, plan: Plan, adapters: Adapters, layer: int) -> Arrays:
    arrays: Arrays = {f"{layer}.{name}": source.vector(layer, name) for name in NORMS}
    for group, names in GROUPS.items():
        matrices = [source.matrix(layer, name) for name in names]
        place = f"{layer}.{group}"
        mixed = [adapters.branch(layer, group)] if isinstance(adapters, Experts) else []
        pairs = [] if mixed else [[one.pair(layer, name) for name in names] for one in cast("Any", adapters)]
        rest = np.zeros((sum(len(_rows(m)) for m in matrices), 0), np.float32)
        if plan.precision == "int4":
            found, rest = _int4(place, matrices)
            arrays |= found
        else:
            whole = np.concatenate([dense(matrix) for matrix in matrices])
            if pairs and not plan.experts:
                whole += np.concatenate([up @ down for down, up in pairs[0]])
            arrays |= _plain(place, whole) if plan.precision == "fp32" else int8(place, whole, plan.block)
        if side(plan, group, source.sizes):
            enter, leave = _side([*mixed, *(_stacked(pair) for pair in (pairs if plan.experts else []))], rest)
            for name, matrix in (("enter", enter), ("leave", leave)):
                one = f"{place}.{name}"
                arrays |= _plain(one, matrix) if plan.precision == "fp32" else int8(one, matrix, SIDE_BLOCK)
    return arrays


def _rows(matrix: Matrix) -> NDArray[Any]:
    return matrix if isinstance(matrix, np.ndarray) else matrix.numbers


def _plain(name: str, matrix: F32) -> Arrays:
    return {f"{name}.weight": np.ascontiguousarray(matrix.T)}


def int8(name: str, matrix: F32, block: int) -> Arrays:
    """A matrix (out, in) for MatMulNBits: numbers 1 to 255 around 128, a scale for each block of a row; rows are filled
    up with zeros."""
    rows, columns = matrix.shape
    blocks = -(-columns // block)
    values = np.zeros((rows, blocks * block), np.float32)
    values[:, :columns] = matrix
    values = values.reshape(rows, blocks, block)
    scale = np.maximum(values.max(-1), -values.min(-1)) / 127
    values *= (1 / np.where(scale > 0, scale, 1))[..., None].astype(np.float32)
    np.rint(values, out=values)
    values += 128
    return {f"{name}.weight": values.astype(np.uint8), f"{name}.scale": scale.reshape(-1).astype(np.float32)}


def _int4(name: str, matrices: Sequence[Matrix]) -> tuple[Arrays, F32]:
    """Blocks of 4-bit numbers with whole zero points, and what they leave: a constant (rows, blocks) a block."""
    parts = [matrix if isinstance(matrix, Q4) else _fit4(dense(matrix)) for matrix in matrices]
    scale, least = (np.concatenate([cast(F32, getattr(part, field)) for part in parts]) for field in ("scale", "least"))
    numbers = np.concatenate([part.numbers for part in parts])
    zero = np.clip(np.rint(-least / np.where(scale != 0, scale, 1)), 0, 15)
    packed = numbers[..., 0::2] | (numbers[..., 1::2] << 4)
    zeros = zero.astype(np.uint8)
    if zeros.shape[1] % 2:
        zeros = np.pad(zeros, ((0, 0), (0, 1)))
    arrays: Arrays = {
        f"{name}.weight": packed,
        f"{name}.scale": scale.reshape(-1),
        f"{name}.zero": (zeros[:, 0::2] | (zeros[:, 1::2] << 4)).reshape(-1),
    }
    return arrays, (least + zero * scale).astype(np.float32)


def _fit4(matrix: F32) -> Q4:
    """Q4_1 blocks of a matrix that was published in higher precision."""
    blocks = matrix.reshape(len(matrix), -1, SIDE_BLOCK)
    least = blocks.min(-1)
    scale = (blocks.max(-1) - least) / 15
    numbers = np.rint((blocks - least[..., None]) / np.where(scale > 0, scale, 1)[..., None])
    return Q4(scale, least, numbers.astype(np.uint8))


def _stacked(pairs: Sequence[tuple[F32, F32]]) -> tuple[F32, F32]:
    """A and B of several matrices as those of one: each B meets its own A alone."""
    out = sum(len(up) for _, up in pairs)
    leaves: list[F32] = []
    at = 0
    for down, up in pairs:
        leave = np.zeros((out, len(down)), np.float32)
        leave[at : at + len(up)] = up
        at += len(up)
        leaves.append(leave)
    return np.concatenate([down for down, _ in pairs]), np.concatenate(leaves, axis=1)


def _side(branches: Sequence[tuple[F32, F32]], rest: F32) -> tuple[F32, F32]:
    """Enter (rank, in) and leave (out, rank): the adapters one after the other, then the sums of blocks of the input
    against what 4-bit blocks leave."""
    enters, leaves = ([one[side] for one in branches] for side in (0, 1))
    if blocks := rest.shape[1]:
        enters.append(np.kron(np.eye(blocks, dtype=np.float32), np.ones((1, SIDE_BLOCK), np.float32)))
        leaves.append(rest)
    return np.concatenate(enters), np.concatenate(leaves, axis=1)


def mixing(plan: Plan, group: str, sizes: Sizes) -> tuple[F32, F32]:
    """How mixing weights (experts,) become a factor for each of a side branch's dimensions: matrix (experts, rank) and
    offset (rank,), which is 1 where a dimension belongs to the backbone."""
    each = _each(plan, group)
    rank = side(plan, group, sizes)
    spread = np.zeros((plan.experts, rank), np.float32)
    for expert in range(plan.experts):
        spread[expert, expert * each : (expert + 1) * each] = 1
    offset = np.zeros(rank, np.float32)
    offset[plan.experts * each :] = 1
    return spread, offset
