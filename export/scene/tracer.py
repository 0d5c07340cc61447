"""Mitsuba, the path tracer that makes pictures: found, set up, and held to one core.

Jakob et al. 2022, Mitsuba 3 (BSD), an extra: `pip install -e ".[render]"`.
"""

from __future__ import annotations

import importlib
from functools import cache
from typing import Any

from motion.errors import MissingPart


@cache
def mitsuba() -> Any:
    """Mitsuba, set to its plain variant. Raises MissingPart where it is not installed."""
    try:
        found = importlib.import_module("mitsuba")
    except ImportError as error:
        raise MissingPart(
            f"pictures are made by Mitsuba, which is not installed ({error}); install it with: "
            'pip install -e ".[render]"'
        ) from error
    found.set_variant("scalar_rgb")
    return found


def one_core() -> None:
    """From now on pictures of this process are made by one thread."""
    importlib.import_module("drjit").set_thread_count(1)
