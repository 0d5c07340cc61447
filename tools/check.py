"""Format, lint, types and tests, as `.ci/run` runs them: `python3 -m tools.check [pytest arguments]`.

Each step runs even when one before it failed; `python3 -m ruff format .` and `ruff check --fix .` mend the first two.
What needs a machine or a program that is not here is skipped with a reason and goes unchecked: an NVIDIA card, Unity's
editor, raw recordings.
"""

from __future__ import annotations

import subprocess
import sys

from tools import test
from tools.setup import bootstrap


def main(arguments: list[str]) -> int:
    """Run all steps, the tests with `arguments`; return 0 when every one of them passed."""
    steps = {
        "format": ["ruff", "format", "--check", "."],
        "lint": ["ruff", "check", "."],
        "types": ["pyright", "--pythonpath", sys.executable],
        "tests": ["tools.test", *arguments],
    }
    failed: list[str] = []
    for name, command in steps.items():
        print(f"== {name}: {' '.join(command)}", flush=True)
        if subprocess.run([sys.executable, "-m", *command], cwd=bootstrap.ROOT, check=False).returncode:
            failed.append(name)
    print(f"failed: {', '.join(failed)}" if failed else f"passed: {', '.join(steps)}", flush=True)
    return int(bool(failed))


if __name__ == "__main__":
    bootstrap.ensure(*test.EXTRAS)
    sys.exit(main(sys.argv[1:]))
