"""What tests run in that is fetched when it is not there: all of it at once, while the first tests run."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from threading import Thread

import pytest


def fetch() -> None:
    """Begin; a test that comes to what is not there yet waits for it, and says why where it cannot be had."""
    for missing in _missing():
        Thread(target=_tried, args=(missing,), daemon=True).start()


def _missing() -> list[Callable[[], object]]:
    from tests.blender import desktop, environment
    from tools.unity import toolchain

    found: list[Callable[[], object]] = [
        lambda version=version: environment.ensure(version)
        for version in environment.versions()
        if not environment.python(version).exists()
    ]
    if not (environment.HOME / "desktop" / "root").exists():
        found.append(desktop.ensure)
    if not toolchain.complete():
        found.append(toolchain.ensure)
    return found


def _tried(ensure: Callable[[], object]) -> None:
    with suppress(Exception, pytest.skip.Exception):  # whoever needs it tries again and says it
        ensure()
