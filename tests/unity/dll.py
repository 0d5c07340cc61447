"""What a Windows library wants of others, out of its import tables (Microsoft, PE Format, "The .idata Section")."""

from __future__ import annotations

import struct
from pathlib import Path

_SECTION = struct.Struct("<8sIIII")  # name, size in memory, address, size in the file, place in the file
_TABLES = ((1, 20, 12), (13, 32, 4))  # imports and delayed ones: which directory, bytes of an entry, where its name is


def wanted(path: Path) -> set[str]:
    """The names of the libraries, in small letters."""
    data = path.read_bytes()
    (header,) = struct.unpack_from("<I", data, 0x3C)
    assert data[header : header + 4] == b"PE\0\0", f"{path.name} is no Windows library"
    count, size = struct.unpack_from("<2xH12xH", data, header + 4)
    optional = header + 24
    assert data[optional : optional + 2] == b"\x0b\x02", f"{path.name} is not for 64 bits"
    sections = [_SECTION.unpack_from(data, optional + size + 40 * index) for index in range(count)]

    def place(address: int) -> int:
        for _, memory, start, stored, offset in sections:
            if start <= address < start + max(memory, stored):
                return address - start + offset
        raise AssertionError(f"{path.name}: address {address:#x} is in no section")

    names: set[str] = set()
    for directory, entry, at in _TABLES:
        (address,) = struct.unpack_from("<I", data, optional + 112 + 8 * directory)
        here = place(address) if address else len(data)
        while here < len(data):
            (name,) = struct.unpack_from("<I", data, here + at)
            if not name:
                break
            start = place(name)
            names.add(data[start : data.index(b"\0", start)].decode("ascii").lower())
            here += entry
    return names
