"""What the programs of this package have in common: help made of their text, a log of plain lines, one way to end."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from motion.errors import MotionError

log = logging.getLogger(__name__)
GOES_ON = "stopped; the same command goes on from there"


def parser(module: str, text: str | None) -> argparse.ArgumentParser:
    """The command line of `python -m module`; text: the module's own, which is its help."""
    return argparse.ArgumentParser(
        prog=f"python -m {module}", description=text, formatter_class=argparse.RawDescriptionHelpFormatter
    )


def run(work: Callable[[], int | None], stopped: str = "stopped") -> int:
    """Does the work and returns the exit status: its own where it gives one, 0 where it gives none, 2 after an error
    that is told in a sentence, 130 when somebody stopped it, of whom `stopped` takes leave."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    for noisy in ("onnxscript", "onnx_ir", "torch.onnx"):  # they tell of every node they fold
        logging.getLogger(noisy).setLevel(logging.ERROR)
    try:
        return work() or 0
    except (MotionError, OSError) as error:
        log.error("%s", error)
        return 2
    except KeyboardInterrupt:
        log.error("%s", stopped)
        return 130


def command(parser: argparse.ArgumentParser) -> str:
    """What was typed, as a reader types it again."""
    return " ".join([parser.prog, *sys.argv[1:]])


def report(parser: argparse.ArgumentParser, figures: Mapping[str, Any], path: Path | None) -> None:
    """Figures and the command that made them: into a JSON file, or into the log where there is none."""
    text = json.dumps({"command": command(parser), **figures}, indent=1)
    if path:
        path.write_text(text, encoding="utf-8")
    else:
        log.info("%s", text)
