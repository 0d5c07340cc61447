"""Runs a module that ends when whoever started it is gone: `python -m tools.measuring.leash MODULE [arguments]`.

The starter holds the other end of this program's standard input. When that closes, however the starter ended, the
module gets SIGTERM, and five seconds later an end without questions.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading
import time

_GRACE_S = 5.0


def main() -> None:
    """Runs the module named by the first argument as the main program."""
    module = sys.argv[1]
    sys.argv = sys.argv[1:]
    threading.Thread(target=_wait, daemon=True, name="leash").start()
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _wait() -> None:
    while os.read(0, 1024):  # unbuffered: a reader of sys.stdin would hold its lock at shutdown
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_GRACE_S)
    os._exit(1)


if __name__ == "__main__":
    main()
