"""A real server for the C# tests: `python -m tests.unity.server [flags of runtime.serve]`, with a walk for a model.

Ends when its standard input does, so that it never outlives the tests.
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from pathlib import Path

from tests.runtime import recorded


def main() -> int:
    """Serve until standard input ends."""
    threading.Thread(target=_leash, daemon=True).start()
    with tempfile.TemporaryDirectory() as folder:
        recorded.make_bundle(Path(folder))
        return recorded.main([folder, *sys.argv[1:]])


def _leash() -> None:
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
