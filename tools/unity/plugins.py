"""libzmq with CURVE for the Unity package, taken out of wheels: `python -m tools.unity.plugins`.

Writes unity_bridge/Runtime/Plugins, which is committed so that an installation by git URL is whole. pyzmq has made
libzmq part of its own module on Windows since version 26; the DLL comes from the last version that had one.

    Linux/x86_64     libzmq.so, libsodium.so               pyzmq 27.3.0, libzmq 4.3.5
    macOS            libzmq.dylib, libsodium.26.dylib      the same, for Intel and Apple
    Windows/x86_64   libzmq.dll, libsodium-*.dll           pyzmq 25.1.2, libzmq 4.3.4
                     Visual C++'s runtime                  msvc-runtime 14.44

On Linux the wheels' made-up names are put back to the plain ones, in place; nothing else is changed.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.setup.registry import Archive, wheel

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "unity_bridge" / "Runtime" / "Plugins"


@dataclass(frozen=True)
class Platform:
    """What one platform needs: a wheel, and what is taken from it under which name."""

    folder: str
    archive: Archive
    tag: str
    python: str
    files: tuple[tuple[str, str], ...]
    """(name in the wheel, name in the package)"""
    renamed: bool = False
    """whether libraries name each other by the names of the wheel"""


PLATFORMS = (
    Platform(
        "Linux/x86_64",
        Archive("pyzmq", "27.3.0", "858fe25231e0fd8612da142efde019faa5ef63fa150a821a27870e791b38c798"),
        "manylinux_2_28_x86_64",
        "3.13",
        (
            ("pyzmq.libs/libzmq-2f02442c.so.5.2.5", "libzmq.so"),
            ("pyzmq.libs/libsodium-6c8f8377.so.26.4.0", "libsodium.so"),
        ),
        renamed=True,
    ),
    Platform(
        "macOS",
        Archive("pyzmq", "27.3.0", "15155fd8f308d3bd47f67a8f6cc809f9db90abbf63c514c384a17622e2cf080f"),
        "macosx_10_15_universal2",
        "3.13",
        (("zmq/.dylibs/libzmq.5.dylib", "libzmq.dylib"), ("zmq/.dylibs/libsodium.26.dylib", "libsodium.26.dylib")),
    ),
    Platform(
        "Windows/x86_64",
        Archive("pyzmq", "25.1.2", "fa99973d2ed20417744fca0073390ad65ce225b546febb0580358e36aa90dba6"),
        "win_amd64",
        "3.10",
        (
            ("pyzmq.libs/libzmq-v141-mt-4_3_4-0a6f51ca.dll", "libzmq.dll"),
            ("pyzmq.libs/libsodium-ac42d648.dll", "libsodium-ac42d648.dll"),
        ),
    ),
    Platform(  # of Python's wheels for Windows none has all of it: Python brings the rest
        "Windows/x86_64",
        Archive("msvc-runtime", "14.44.35112", "aba7fbe71897d25ed53fbb7f391e9f50289378a8a9ae218ba18530c663448391"),
        "win_amd64",
        "3.11",
        tuple(
            (f"msvc_runtime-14.44.35112.data/data/{folder}{name}", name)
            for folder, name in (
                ("", "msvcp140.dll"),
                ("Scripts/", "vcruntime140.dll"),
                ("Scripts/", "vcruntime140_1.dll"),
            )
        ),
    ),
)
_LICENCES = (
    ("pyzmq-27.3.0.dist-info/licenses/licenses/LICENSE.zeromq.txt", "LICENSE.zeromq.txt"),
    ("pyzmq-27.3.0.dist-info/licenses/licenses/LICENSE.libsodium.txt", "LICENSE.libsodium.txt"),
)


def make(folder: Path, platforms: Sequence[Platform] = PLATFORMS) -> None:
    """Writes the libraries of some platforms, and their licences. Raises MissingPart where a wheel cannot be had."""
    for platform in platforms:
        with tempfile.TemporaryDirectory() as room:
            options = ["--platform", platform.tag, "--python-version", platform.python]
            with zipfile.ZipFile(wheel(platform.archive, Path(room), *options)) as archive:
                for name, own in platform.files:
                    body = archive.read(name)
                    path = folder / platform.folder / own
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(_plain(body, platform.files) if platform.renamed else body)
                for name, own in _LICENCES:
                    if name in archive.namelist():
                        (folder / own).write_bytes(archive.read(name))


def _plain(body: bytes, files: tuple[tuple[str, str], ...]) -> bytes:
    """An ELF library that calls the others by their plain names: the same strings, ended sooner."""
    for name, own in files:
        old, new = Path(name).name.encode() + b"\0", own.encode()
        body = body.replace(old, new.ljust(len(old), b"\0"))
    return body


def main() -> int:
    """The exit code."""
    kept = {path: path.read_bytes() for path in FOLDER.rglob("*.meta")}
    shutil.rmtree(FOLDER, ignore_errors=True)
    make(FOLDER)
    for path, body in kept.items():
        path.write_bytes(body)
    for path in sorted(FOLDER.rglob("*")):
        if path.is_file():
            print(f"{path.relative_to(FOLDER)}  {path.stat().st_size / 1e6:.2f} MB")
    return 0


if __name__ == "__main__":
    argparse.ArgumentParser(
        prog="python -m tools.unity.plugins", description=(__doc__ or "").partition("\n")[0]
    ).parse_args()
    sys.exit(main())
