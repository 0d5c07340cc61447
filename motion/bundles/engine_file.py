"""Engine files: what TensorRT made of a graph for some cards, with a header that says what it is good for.

Magic `MOTUSENG`, the header's length as 4 bytes little-endian, the header in JSON, the engine's bytes. An engine runs
only on the cards and in the version it was built for, so both stand in the header, beside the SHA-256 of the graph and
of the engine itself; the file's name is made of the same.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from motion.errors import BadFile

SUFFIX: Final = ".engine"
FLAVORS: Final = {"rtx": "tensorrt_rtx_bindings", "tensorrt": "tensorrt"}
"""what engines are built with -> its Python package"""
_MAGIC: Final = b"MOTUSENG"
_LONGEST: Final = 1 << 20
"""bytes of a header at most"""


@dataclass(frozen=True)
class About:
    """What an engine is good for."""

    graph: str
    """name of the graph, less .onnx"""
    graph_sha256: str
    flavor: str
    version: str
    """of what built it"""
    precision: str
    targets: tuple[str, ...]
    """cards: compute capabilities such as sm89"""
    frames: tuple[int, int, int]
    """fewest, usual, most frames of a run"""
    batch: tuple[int, int, int]
    sha256: str = ""
    """of the engine's bytes"""

    @property
    def file(self) -> str:
        """The name of its file."""
        cards = "-".join(self.targets)
        return f"{self.graph}.{self.flavor}-{self.version}.{cards}.{self.precision}.{self.graph_sha256[:12]}{SUFFIX}"


def write(folder: Path, about: About, engine: bytes) -> Path:
    """Writes an engine file into a folder, whole or not at all; where it is."""
    facts = {**asdict(about), "sha256": hashlib.sha256(engine).hexdigest()}
    header = json.dumps(facts).encode()
    path = folder / about.file
    part = path.with_suffix(".part")
    part.write_bytes(b"".join([_MAGIC, len(header).to_bytes(4, "little"), header, engine]))
    part.replace(path)
    return path


def about(path: Path) -> About:
    """A file's header alone. Raises BadFile."""
    return _read(path)[0]


def read(path: Path) -> tuple[About, bytes]:
    """Header and engine. Raises BadFile where the file is damaged."""
    found, engine = _read(path)
    if hashlib.sha256(engine).hexdigest() != found.sha256:
        raise BadFile("was altered or damaged; build it again with export.to_tensorrt", str(path))
    return found, engine


def _read(path: Path) -> tuple[About, bytes]:
    try:
        raw = path.read_bytes()
        length = int.from_bytes(raw[8:12], "little")
        if raw[:8] != _MAGIC or length > _LONGEST:
            raise ValueError("it does not begin as one")
        facts: dict[str, Any] = json.loads(raw[12 : 12 + length])
        facts |= {name: tuple(facts[name]) for name in ("targets", "frames", "batch")}
        return About(**facts), raw[12 + length :]
    except (OSError, ValueError, TypeError, KeyError) as error:
        message = f"is no engine file that can be read ({error}); build it again with export.to_tensorrt"
        raise BadFile(message, str(path)) from error


def misfit(found: About, graph_sha256: str, version: str, card: str) -> str | None:
    """Why an engine cannot be used for a graph, a version and a card, in a sentence; None where it can."""
    name = f"engine {found.file}"
    if found.graph_sha256 != graph_sha256:
        return f"{name} was built from another graph"
    if found.version != version:
        return f"{name} was built by {found.flavor} {found.version}, and this is {version}"
    if card not in found.targets:
        return f"{name} was built for {', '.join(found.targets)}, and this card is {card}"
    return None
