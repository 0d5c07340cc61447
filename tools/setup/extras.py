"""Extras of the package: whether those that a program needs are installed, and the sentence where they are not.

Standard library only.
"""

from __future__ import annotations

import importlib.util
from typing import Final

from motion.errors import MissingPart

MODULES: Final = {
    "serve": ("jinja2", "onnxruntime", "prometheus_client", "safetensors", "tokenizers"),
    "smplx": ("smplx", "torch"),
    "view": ("PIL", "imageio_ffmpeg", "rich"),
}
"""an extra of pyproject.toml -> what it brings that programs import"""


def need(what: str, *extras: str) -> None:
    """Raises MissingPart where a module of `extras` is not installed; `what` is the program or option that needs it."""
    missing = [extra for extra in extras if any(importlib.util.find_spec(name) is None for name in MODULES[extra])]
    if missing:
        names = ",".join(missing)
        raise MissingPart(
            f"{what} needs the extra {' and the extra '.join(missing)}, not installed here: run pip install "
            f'".[{names}]" in the repository, or pip install "FILE.whl[{names}]" with the wheel that you were given'
        )
