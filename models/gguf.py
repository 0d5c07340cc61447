"""GGUF files (llama.cpp): fields by name, and tensors as the bytes that lie on disk.

The package `gguf` reads the same in thirteen seconds, most of it over the 98,000 strings of a text tokenizer. Tensors
are memory-mapped; `q8_0` and `q4_1` say what the bytes of a row mean.

Layout: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from motion.errors import BadFile

F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]

BLOCK: Final = 32
"""values that share a scale"""
_MAGIC: Final = b"GGUF"
_SCALARS: Final = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
_KINDS: Final = {0: ("F32", 1, 4), 1: ("F16", 1, 2), 3: ("Q4_1", BLOCK, 20), 8: ("Q8_0", BLOCK, 34)}
"""kinds of tensors read here: name, values a block, bytes a block"""


@dataclass(frozen=True)
class Tensor:
    """One tensor as it lies on disk."""

    kind: str
    shape: tuple[int, ...]
    """rows first; the last axis is contiguous"""
    data: U8
    """(rows..., bytes a row)"""


@dataclass(frozen=True)
class Gguf:
    """A file's content."""

    fields: dict[str, Any]
    tensors: dict[str, Tensor]
    whole: mmap.mmap

    def release(self) -> None:
        """Lets go of the file's pages in memory; they come back where tensors are looked at again."""
        if hasattr(mmap, "MADV_DONTNEED"):
            self.whole.madvise(mmap.MADV_DONTNEED)


def read(path: Path) -> Gguf:
    """Maps a file. Raises BadFile where it is damaged or holds tensors of a kind not read here."""
    try:
        with path.open("rb") as file:
            whole = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        return _Cursor(whole).file()
    except (OSError, ValueError, struct.error, UnicodeDecodeError, KeyError) as error:
        raise BadFile(f"is no GGUF file that can be read ({error!r}); install or copy it afresh", str(path)) from error


def q8_0(data: U8) -> tuple[F32, NDArray[np.int8]]:
    """Scales (N, blocks) and whole numbers (N, blocks, 32) of rows (N, bytes): value = scale * number."""
    blocks = data.reshape(len(data), -1, 34)
    return _half(blocks, 0), blocks[..., 2:].view(np.int8)


def q4_1(data: U8) -> tuple[F32, F32, U8]:
    """Scales and least values (N, blocks), and numbers 0 to 15 (N, blocks, 32), of rows (N, bytes):
    value = scale * number + least."""
    blocks = data.reshape(len(data), -1, 20)
    packed = blocks[..., 4:]
    return _half(blocks, 0), _half(blocks, 2), np.concatenate([packed & np.uint8(15), packed >> np.uint8(4)], axis=-1)


def _half(blocks: U8, at: int) -> F32:
    return np.ascontiguousarray(blocks[..., at : at + 2]).view(np.float16)[..., 0].astype(np.float32)


class _Cursor:
    """Reads on from a place in the file."""

    def __init__(self, whole: mmap.mmap) -> None:
        self._whole = whole
        self._at = 0

    def file(self) -> Gguf:
        if self._whole[:4] != _MAGIC:
            raise ValueError("it does not begin with GGUF")
        self._at = 4
        version, tensors, fields = self._take("<IQQ")
        if version not in (2, 3):
            raise ValueError(f"version {version}")
        found = {self._string(): self._value(self._take("<I")[0]) for _ in range(fields)}
        heads: list[tuple[str, tuple[int, ...], int, int]] = []
        for _ in range(tensors):
            name = self._string()
            shape = self._take(f"<{self._take('<I')[0]}Q")[::-1]
            heads.append((name, shape, *self._take("<IQ")))
        align = int(found.get("general.alignment", 32))
        start = -(-self._at // align) * align
        return Gguf(
            found, {name: self._tensor(shape, kind, start + at) for name, shape, kind, at in heads}, self._whole
        )

    def _tensor(self, shape: tuple[int, ...], kind: int, at: int) -> Tensor:
        name, values, size = _KINDS[kind]
        row = shape[-1] // values * size
        count = int(np.prod(shape[:-1], dtype=np.int64)) * row
        data = np.frombuffer(self._whole, np.uint8, count, at)
        return Tensor(name, shape, data.reshape(*shape[:-1], row))

    def _take(self, layout: str) -> tuple[Any, ...]:
        values = struct.unpack_from(layout, self._whole, self._at)
        self._at += struct.calcsize(layout)
        return values

    def _string(self) -> str:
        (length,) = self._take("<Q")
        begin, self._at = self._at, self._at + length
        return self._whole[begin : self._at].decode()

    def _value(self, kind: int) -> Any:
        if kind == _STRING:
            return self._string()
        if kind != _ARRAY:
            return self._take(f"<{_SCALARS[kind]}")[0]
        inner, count = self._take("<IQ")
        if inner in _SCALARS:
            return list(self._take(f"<{count}{_SCALARS[inner]}"))
        one: Callable[[], Any] = self._string if inner == _STRING else lambda: self._value(inner)
        return [one() for _ in range(count)]
