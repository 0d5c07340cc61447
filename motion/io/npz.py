"""Arrays out of .npz files, of whoever's making: never pickled objects, never more memory than was allowed.

A .npz is a zip of .npy files, each of which states its type and shape before its data; both the zip's sizes and the
shapes are held against the limit before anything is made of them.
"""

from __future__ import annotations

import io
import warnings
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from motion.errors import BadFile
from motion.io import source

# What numpy and zipfile raise for files that are cut short, altered, or something else altogether.
_UNREADABLE = (
    OSError, EOFError, ValueError, TypeError, KeyError, IndexError, NotImplementedError, RuntimeError, OverflowError,
    SyntaxError, RecursionError, MemoryError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
_MOST_ARRAYS = 10_000


def read(path: Path, most: int = 1 << 29) -> dict[str, NDArray[Any]]:
    """All arrays of a file by name, of whatever shape and dtype, but those of pickled objects, which are left out.

    most: bytes that all arrays together may take. Raises BadFile.
    """
    source.size(path, most)
    arrays: dict[str, NDArray[Any]] = {}
    try:
        with zipfile.ZipFile(path) as archive, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of headers that Python 2 wrote
            entries = archive.infolist()
            whole = sum(entry.file_size for entry in entries)
            if whole > most or len(entries) > _MOST_ARRAYS:
                raise BadFile(
                    f"it unpacks to {whole >> 20:,} MB in {len(entries)} arrays; at most {most >> 20:,} MB are read",
                    str(path),
                )
            for entry in entries:
                array = _array(archive.read(entry))
                if array is not None:
                    arrays[entry.filename.removesuffix(".npy")] = array
    except BadFile:
        raise
    except _UNREADABLE as error:
        raise BadFile(f"this is no .npz file, or a damaged one ({error})", str(path)) from error
    return arrays


def _array(data: bytes) -> NDArray[Any] | None:
    """The array in the bytes of a .npy; None for one of pickled objects. Raises ValueError."""
    stream = io.BytesIO(data)
    version = np.lib.format.read_magic(stream)
    read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = read_header(stream)
    if dtype.hasobject:
        return None
    count = 1
    for length in shape:
        count *= length
    if min(shape, default=0) < 0 or count * dtype.itemsize > len(data) - stream.tell():
        raise ValueError(f"an array of shape {shape} does not fit into {len(data)} bytes")
    array = np.frombuffer(data, dtype, count, stream.tell())
    return array.reshape(shape, order="F" if fortran else "C").copy()
