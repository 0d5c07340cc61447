"""The commands that pip installs: each runs its program, or says in one sentence which extra it needs.

motus-serve    runtime.serve    extra serve
motus-demo     tools.demo       extras serve and view
motus-convert  tools.convert    no extra
motus-view     tools.view       extra view
motus-top      tools.top        extra view
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from motion.errors import MissingPart
from tools.setup.extras import need


def serve() -> int:
    """Runs the server; returns its exit code."""

    def program() -> int:
        from runtime.serve import main

        return main()

    return _run("motus-serve", program, "serve")


def demo() -> int:
    """A sentence becomes a moving character; returns the exit code."""
    from tools.demo import main

    return _run("motus-demo", main, "serve", "view")


def convert() -> int:
    """Converts motion files; returns the exit code."""
    from tools.convert import main

    return main()


def view() -> int:
    """Draws a clip; returns the exit code."""
    from tools.view import main

    return _run("motus-view", main, "view")


def top() -> int:
    """Shows who uses a server; returns the exit code."""

    def program() -> int:
        from tools.top import main

        return main()

    return _run("motus-top", program, "view")


def _run(command: str, program: Callable[[], int], *extras: str) -> int:
    try:
        need("it", *extras)
    except MissingPart as error:
        print(f"{command}: {error}", file=sys.stderr)
        return 2
    return program()
