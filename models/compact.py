"""Weights of adapters and heads in small files: matrices as rows of 8-bit numbers, each row with its scale.

A matrix `name` (rows, columns) lies in the file as `name` int8 and `name.scale` (rows,) float16, number times scale;
what is no matrix, and any file that holds no scales, is as it is. A row's largest number is 127, so that rounding costs
a row of normally distributed weights 0.7 % of its length.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import (
    load_file,  # pyright: ignore[reportUnknownVariableType] (a bare PathLike)
    save_file,  # pyright: ignore[reportUnknownVariableType]
)

Arrays = dict[str, NDArray[Any]]
_SCALE: Final = ".scale"


def write(path: Path, weights: Mapping[str, NDArray[Any]], about: dict[str, str] | None = None) -> None:
    """Writes a file; about: its metadata."""
    arrays: Arrays = {}
    for name, values in weights.items():
        if values.ndim != 2:
            arrays[name] = values.astype(np.float16)
            continue
        wide = values.astype(np.float32)
        # The scale is rounded first, and up, so that no number is more than 127 of it.
        scale = np.nextafter((np.abs(wide).max(-1) / 127).astype(np.float16), np.float16(np.inf))
        arrays[name] = np.rint(wide / scale.astype(np.float32)[:, None]).astype(np.int8)
        arrays[name + _SCALE] = scale
    save_file(arrays, path, about)


def read(path: Path) -> Arrays:
    """The weights of a file, those that were made small as float32."""
    arrays: Arrays = load_file(path)
    return {
        name: values.astype(np.float32) * arrays[name + _SCALE].astype(np.float32)[:, None]
        if name + _SCALE in arrays
        else values
        for name, values in arrays.items()
        if not (name.endswith(_SCALE) and name.removesuffix(_SCALE) in arrays)
    }


def about(path: Path) -> dict[str, str]:
    """What `write` was told about a file; nothing where it was told nothing. Raises OSError, SafetensorError."""
    held: Any
    with safe_open(path, "np") as held:
        return dict(held.metadata() or {})
