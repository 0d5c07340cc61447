"""Does what the service sends show what was asked for, in every precision? `python -m tools.judge`.

The action evaluation (`python -m export.evaluate actions`) judges what training left; here the same classifier judges
the same sentences as the service makes them: the bundle's language model in the precision it is served in, guidance,
windows of codes as they stream, and the ONNX decoder and refiner. Every precision gets the same sentences and seeds.
"""

from __future__ import annotations

import argparse
import json
import logging
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from export import evaluate
from export.recipe import load
from models import tasks
from models.packing import Precision
from motion.errors import MotionError
from motion.quat import F32
from tools.measuring.direct import Direct, Request
from tools.measuring.machine import machine
from tools.setup.ticker import Ticker, bar

ONE_CODE = "one-code"
"""the precision that is served, and each code by a run of the language model"""
PRECISIONS: tuple[Precision, ...] = ("fp32", "int8", "int4")


def _draw(served: Direct) -> evaluate.Draw:
    """Features of each request's motion, as the service makes them."""

    def draw(requests: Sequence[tasks.Conditions], seed: int) -> list[F32]:
        lengths = [round((one.seconds or 4.0) * served.fps / served.rate) for one in requests]
        asks = [Request(one.text or "", n, seed + i) for i, (one, n) in enumerate(zip(requests, lengths, strict=True))]
        return [made.frames for made in served.make(asks)]

    return draw


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """The table of actions for each precision that is asked for. Raises MotionError."""
    recipe = load(options.recipe)
    rows: dict[str, Any] = {}
    ticker = Ticker()
    ticker.show("training the classifier")
    jury = evaluate.judge(recipe, options.classifier_steps, options.split)
    for place, name in enumerate(options.precision):
        ticker.show(f"judging  {bar(place, len(options.precision))} {name}")
        kind = "torch" if name == "torch" else "onnx"
        precision = None if name in ("torch", ONE_CODE) else name
        with Direct(options.bundle, kind, precision, options.threads, one_code=name == ONE_CODE) as served:
            rows[name] = evaluate.action_table(
                recipe, options.most, options.seed, None, options.classifier_steps, None, options.split,
                _draw(served), jury,
            )  # fmt: skip
        rows[name]["chance"] = chance(rows[name]["generated_accuracy"], rows[name]["generated_clips"])
        ticker.say(f"{name:<8} {100 * rows[name]['generated_accuracy']:.1f} % of {rows[name]['generated_clips']} clips")
    return rows


def chance(share: float, count: int) -> float:
    """Half of the interval in which the true share lies with 95 % (Agresti and Coull 1998)."""
    count, share = count + 4, (share * count + 2) / (count + 4)
    return 1.96 * math.sqrt(share * (1 - share) / count)


def main(arguments: list[str] | None = None) -> int:
    """The exit status: 0 measured, 1 it failed."""
    parser = argparse.ArgumentParser(
        "tools.judge", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--recipe", type=Path, default=Path("export/recipes/vermo-base.toml"), help="whose data")
    parser.add_argument("--bundle", default="base", help="name or folder (default base)")
    parser.add_argument(
        "--precision", nargs="+", default=[*PRECISIONS, ONE_CODE], choices=(*PRECISIONS, ONE_CODE, "torch"),
        help="of the weights; one-code: as served, each code by a run of the language model (all but torch)",
    )  # fmt: skip
    parser.add_argument("--most", type=int, default=16, help="clips an action at most (16)")
    parser.add_argument("--split", choices=("val", "test"), default="test", help="whose captions (test)")
    parser.add_argument("--seed", type=int, default=1, help="of captions and sampling (1)")
    parser.add_argument("--classifier-steps", type=int, default=1500, help="training steps of the classifier (1500)")
    parser.add_argument("--threads", type=int, default=2, help="CPU threads (2)")
    parser.add_argument(
        "--json", type=Path, default=Path("docs/figures/judged.json"), metavar="FILE", help="for figures"
    )
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    facts = machine()
    try:
        rows = measure(options)
    except MotionError as error:
        print(f"tools.judge: {error}", file=sys.stderr)
        return 1
    options.json.parent.mkdir(parents=True, exist_ok=True)
    command = " ".join(["python -m tools.judge", *(sys.argv[1:] if arguments is None else arguments)])
    record = {"machine": facts, "command": command, "rows": rows}
    options.json.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
