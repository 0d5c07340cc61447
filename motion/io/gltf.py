"""glTF 2.0 containers (.glb, .gltf): a JSON document, the buffers beside it, and typed arrays out of and into them.

Nothing of a document is believed: what points outside its buffers, or is of another kind than the format says, raises
BadFile. Arrays come out as float32 or integers (count, width).
"""

from __future__ import annotations

import base64
import binascii
import json
import struct
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from urllib.parse import unquote

import numpy as np
from numpy.typing import NDArray

from motion.errors import BadFile
from motion.io import source
from motion.quat import F32

Json = dict[str, Any]
ARRAY_BUFFER, ELEMENT_ARRAY_BUFFER = 34962, 34963
_MAGIC, _JSON, _BIN = 0x46546C67, 0x4E4F534A, 0x004E4942
_WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
_NAMES = {width: name for name, width in _WIDTHS.items()}
_DTYPES = {code: np.dtype(name) for code, name in {
    5120: "i1", 5121: "u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4",
}.items()}  # fmt: skip
_CODES = {dtype.str: code for code, dtype in _DTYPES.items()}
# What reading somebody else's JSON can raise when it is not what the format says.
_STRANGE = (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError, RecursionError, MemoryError)


@dataclass(frozen=True)
class Document:
    """A file in memory."""

    path: str
    json: Json
    buffers: tuple[bytes, ...]


@dataclass
class Buffer:
    """A binary chunk while it grows, with the views and accessors into it."""

    data: bytearray = field(default_factory=bytearray)
    views: list[Json] = field(default_factory=list[Json])
    accessors: list[Json] = field(default_factory=list[Json])

    def add(self, array: NDArray[Any], target: int | None = None, bounds: bool = False) -> int:
        """Appends an array (N, width) and returns its accessor. bounds: state the smallest and largest values."""
        array = np.ascontiguousarray(array)
        accessor: Json = {
            "bufferView": self.view(array.tobytes(), target),
            "componentType": _CODES[array.dtype.str],
            "count": len(array),
            "type": _NAMES[1 if array.ndim == 1 else array.shape[1]],
        }
        if bounds:
            accessor["min"] = np.atleast_1d(array.min(axis=0)).tolist()
            accessor["max"] = np.atleast_1d(array.max(axis=0)).tolist()
        self.accessors.append(accessor)
        return len(self.accessors) - 1

    def view(self, data: bytes, target: int | None = None) -> int:
        """Appends bytes and returns their view."""
        self.data.extend(b"\0" * (-len(self.data) % 4))
        view: Json = {"buffer": 0, "byteOffset": len(self.data), "byteLength": len(data)}
        if target is not None:
            view["target"] = target
        self.data.extend(data)
        self.views.append(view)
        return len(self.views) - 1


@contextmanager
def trusting(path: str) -> Generator[None]:
    """Turns whatever a document raises that is not what the format says into a BadFile."""
    try:
        yield
    except _STRANGE as error:
        raise BadFile(
            f"this glTF is damaged or not what the format says ({type(error).__name__}: {str(error)[:80]}); "
            "export the motion as BVH instead",
            path,
        ) from error


def load(path: Path, most: int = source.MOST_BYTES) -> Document:
    """Reads a .glb or a .gltf with its buffers. Raises BadFile."""
    data = source.content(path, most)
    with trusting(str(path)):
        if data[:4] == struct.pack("<I", _MAGIC) or path.suffix.lower() != ".gltf":
            text, binary = _chunks(data, str(path))
        else:
            text, binary = data, None
        try:
            document = json.loads(text.decode("utf-8-sig"))
        except ValueError as error:
            raise BadFile(f"its JSON cannot be read ({error})", str(path)) from error
        version = str(document["asset"]["version"])
        if not version.startswith("2"):
            raise BadFile(f"this is glTF {version}; only 2.0 is read", str(path))
        needed = [name for name in document.get("extensionsRequired", []) if name not in _KNOWN]
        if needed:
            raise BadFile(
                f"it needs the extension {needed[0]!r}, which is not read; export it without compression", str(path)
            )
        described = cast(list[Json], document.get("buffers", []))
        buffers = tuple(_buffer(one, binary if i == 0 else None, path, most) for i, one in enumerate(described))
    return Document(str(path), document, buffers)


# Extensions that leave skeletons, animations and meshes as they are.
_KNOWN = (
    "KHR_mesh_quantization",
    "KHR_texture_transform",
    "KHR_texture_basisu",
    "EXT_texture_webp",
    "KHR_lights_punctual",
)


def _chunks(data: bytes, path: str) -> tuple[bytes, bytes | None]:
    """The JSON and the binary chunk of a GLB."""
    if len(data) < 20 or struct.unpack_from("<II", data) != (_MAGIC, 2):
        raise BadFile("this is no binary glTF 2.0 file; give a .glb", path)
    length, kind = struct.unpack_from("<II", data, 12)
    start = 20 + length
    if kind != _JSON or len(data) < start:
        raise BadFile("the file ends inside its first chunk; it is truncated", path)
    if len(data) < start + 8:
        return data[20:start], None
    size, kind = struct.unpack_from("<II", data, start)
    if kind != _BIN or len(data) < start + 8 + size:
        raise BadFile("the file ends inside its binary chunk; it is truncated", path)
    return data[20:start], data[start + 8 : start + 8 + size]


def _buffer(described: Json, binary: bytes | None, path: Path, most: int) -> bytes:
    uri = described.get("uri")
    if uri is None:
        data = b"" if binary is None else binary
    elif uri.startswith("data:"):
        try:
            data = base64.b64decode(uri.partition(",")[2], validate=True)
        except binascii.Error as error:
            raise BadFile(f"a buffer inside it is damaged ({error})", str(path)) from error
    else:
        data = source.content(beside(path, uri), most)
    size = int(described["byteLength"])
    if len(data) < size:
        raise BadFile(f"a buffer holds {len(data)} bytes of {size}; the file is truncated", str(path))
    return data


def beside(path: Path, uri: str) -> Path:
    """A file that a .gltf names, which must lie in its folder or below. Raises BadFile."""
    found = (path.parent / unquote(uri)).resolve()
    if not found.is_relative_to(path.parent.resolve()):
        raise BadFile(f"it names {uri[:80]!r}, outside its own folder; put that file beside it", str(path))
    return found


def values(document: Document, accessor: int) -> F32:
    """An accessor as float32 (count, width), normalised integers as -1 to 1."""
    array = raw(document, accessor)
    if array.dtype == np.float32:
        return cast(F32, array)
    if document.json["accessors"][accessor].get("normalized"):
        limit = np.float32(np.iinfo(array.dtype).max)
        return np.maximum(array.astype(np.float32) / limit, np.float32(-1))
    return array.astype(np.float32)


def raw(document: Document, accessor: int) -> NDArray[Any]:
    """An accessor (count, width) in the type it is stored in. Raises BadFile where it leaves its buffer."""
    with trusting(document.path):
        told = document.json["accessors"][_index(accessor)]
        dtype, width, count = _DTYPES[told["componentType"]], _WIDTHS[told["type"]], _index(told["count"])
        if "bufferView" in told:
            array = _strided(document, told["bufferView"], told.get("byteOffset", 0), dtype, width, count)
        else:
            source.admit(count, width, document.path)
            array = np.zeros((count, width), dtype)
        if "sparse" in told:
            sparse = told["sparse"]
            some, where, what = _index(sparse["count"]), sparse["indices"], sparse["values"]
            kind = _DTYPES[where["componentType"]]
            places = _strided(document, where["bufferView"], where.get("byteOffset", 0), kind, 1, some)[:, 0]
            array = array.copy()
            array[places] = _strided(document, what["bufferView"], what.get("byteOffset", 0), dtype, width, some)
        return array


def _strided(document: Document, view: int, offset: int, dtype: np.dtype[Any], width: int, count: int) -> NDArray[Any]:
    told = document.json["bufferViews"][_index(view)]
    if "EXT_meshopt_compression" in told.get("extensions", {}):
        raise BadFile("its buffers are compressed (EXT_meshopt_compression); export it without", document.path)
    buffer = document.buffers[_index(told["buffer"])]
    start, size = _index(told.get("byteOffset", 0)), _index(told["byteLength"])
    inside = memoryview(buffer)[start : start + size]
    stride = _index(told.get("byteStride", 0)) or dtype.itemsize * width
    last = _index(offset) + stride * (count - 1) + dtype.itemsize * width
    if count and (len(inside) < size or last > len(inside)):
        raise BadFile("an accessor reaches beyond its buffer; the file is truncated or damaged", document.path)
    array = np.ndarray((count, width), dtype, inside, _index(offset), (stride, dtype.itemsize))
    if dtype.kind == "f" and not np.isfinite(array).all():
        raise BadFile("an accessor holds a value that is no finite number", document.path)
    return array


def _index(value: Any) -> int:
    """A whole number from 0 on. Raises ValueError for anything else."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{str(value)[:20]!r} is no index")
    return value


def pack(document: Json, data: bytes) -> bytes:
    """The bytes of a GLB; `document` need not list its buffer."""
    data += b"\0" * (-len(data) % 4)
    text = json.dumps({**document, "buffers": [{"byteLength": len(data)}]}, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    header = struct.pack("<III", _MAGIC, 2, 12 + 8 + len(text) + 8 + len(data))
    return header + struct.pack("<II", len(text), _JSON) + text + struct.pack("<II", len(data), _BIN) + data


def embed(document: Json, data: bytes) -> bytes:
    """The bytes of a .gltf whose buffer lies inside it."""
    uri = "data:application/octet-stream;base64," + base64.b64encode(data).decode()
    return json.dumps({**document, "buffers": [{"byteLength": len(data), "uri": uri}]}).encode()
