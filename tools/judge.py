"""Does what the service sends show what was asked for? `python -m tools.judge`.

Two judges look at it. Geometry (export/metrics/geometry.py) tells eighteen actions from joint positions, by rules that
nobody trained: it judges sentences out of the training captions (`--words trained`), of a sheet that training never saw
(`heldout`), that name a style (`styles`), or of a list of your own (`--sentences`), as the service makes them: int8,
several codes by a run of the language model. The classifier, trained here on real clips (minutes; `--no-classifier`
leaves it out), sees the same clips, and then does what it always did: it judges test captions in every precision.

    python -m tools.judge                                             words of training, held-out ones, every precision
    python -m tools.judge --no-classifier --words trained --most 5    geometry alone, five sentences an action
    python -m tools.judge --no-classifier --words heldout --most 13 --seeds 2 --keep DIR
        sentences nobody trained on, each twice; the clips as .npz for python -m tools.view
    python -m tools.judge --no-classifier --words styles --most 20    does an old one bend, an active one hurry?
    python -m tools.judge --no-classifier --sentences FILE            lines of action, tab, sentence
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
from export.data import dataset
from export.measuring import style_signs
from export.recipe import Recipe, load
from models import tasks
from models.packing import Precision
from motion.errors import MotionError
from motion.quat import F32
from tools.measuring import asked, obeyed
from tools.measuring.asked import Asked
from tools.measuring.direct import Direct, Request
from tools.measuring.machine import machine
from tools.setup.ticker import Ticker, bar

ONE_CODE = "one-code"
"""the precision that is served, and each code by a run of the language model"""
PRECISIONS: tuple[Precision, ...] = ("fp32", "int8", "int4")
SERVED: Precision = "int8"
WORDS = ("trained", "heldout", "styles")
HELDOUT = Path(__file__).parents[2] / "shared" / "more" / "words" / "heldout.json"


def _draw(served: Direct) -> evaluate.Draw:
    """Features of each request's motion, as the service makes them."""

    def draw(requests: Sequence[tasks.Conditions], seed: int) -> list[F32]:
        lengths = [round((one.seconds or 4.0) * served.fps / served.rate) for one in requests]
        asks = [Request(one.text or "", n, seed + i) for i, (one, n) in enumerate(zip(requests, lengths, strict=True))]
        return [made.frames for made in served.make(asks)]

    return draw


def measure(options: argparse.Namespace, recipe: Recipe, jury: evaluate.Jury, ticker: Ticker) -> dict[str, Any]:
    """The classifier's table of actions for each precision that is asked for. Raises MotionError."""
    rows: dict[str, Any] = {}
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


def sentences(options: argparse.Namespace, data: dataset.Dataset) -> dict[str, list[Asked]]:
    """What is to be acted out, by kind of words. Raises MotionError."""
    found: dict[str, list[Asked]] = {}
    for name in options.words if options.sentences is None else ():
        if name == "trained":
            asks = asked.trained(data, options.most, options.seed)
        elif name == "heldout":
            asks = asked.heldout(options.heldout, options.most, options.seed)
        else:
            asks = [one for style in style_signs.SIGNS for one in asked.styled(data, style, options.most, options.seed)]
        found[name] = asked.seeded(asks, options.seeds, options.seed)
    if options.sentences is not None:
        found["listed"] = asked.seeded(asked.listed(options.sentences), options.seeds, options.seed)
    return found


def measure_words(
    options: argparse.Namespace, data: dataset.Dataset, jury: evaluate.Jury | None, ticker: Ticker
) -> dict[str, dict[str, Any]]:
    """What is obeyed, by kind of words. Raises MotionError."""
    asks_of = sentences(options, data)
    recorded = obeyed.recordings(data) if any(one.style for asks in asks_of.values() for one in asks) else None
    rows: dict[str, dict[str, Any]] = {}
    with Direct(options.bundle, "onnx", SERVED, options.threads) as served:
        for name, asks in asks_of.items():
            made = obeyed.act_out(asks, served, options.seconds, ticker, name)
            judged = obeyed.judge(asks, made, jury[0] if jury else None, recorded)
            rows[name] = obeyed.summary(judged)
            rows[name]["chance"] = chance(rows[name]["shows"], len(judged))
            ticker.say(f"{name:<8} {100 * rows[name]['shows']:.1f} % of {len(judged)} clips show what was said")
            if options.keep is not None:
                obeyed.keep(judged, made, options.keep / name)
    return rows


def chance(share: float, count: int) -> float:
    """Half of the interval in which the true share lies with 95 % (Agresti and Coull 1998)."""
    count, share = count + 4, (share * count + 2) / (count + 4)
    return 1.96 * math.sqrt(share * (1 - share) / count)


def _write(path: Path, record: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "tools.judge", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--recipe", type=Path, default=Path("export/recipes/vermo-base.toml"), help="whose data")
    parser.add_argument("--data", type=Path, metavar="DIR", help="prepared clips for geometry (the recipe's)")
    parser.add_argument("--bundle", default="base", help="name or folder (default base)")
    parser.add_argument("--most", type=int, default=16, help="sentences an action at most, or a style (16)")
    parser.add_argument("--seed", type=int, default=1, help="of captions and sampling (1)")
    parser.add_argument("--threads", type=int, default=2, help="CPU threads (2)")
    by_rules = parser.add_argument_group("geometry")
    by_rules.add_argument(
        "--words", nargs="*", default=None, choices=WORDS,
        help="which sentences (trained, and heldout where its sheet is); none: geometry does not judge",
    )  # fmt: skip
    by_rules.add_argument(
        "--heldout", type=Path, default=HELDOUT, metavar="FILE", help=f"sheet of wordings ({HELDOUT})"
    )
    by_rules.add_argument(
        "--sentences", type=Path, metavar="FILE",
        help='these instead: lines of action, tab, sentence, or JSON [["walk", "she strolls"], ...]',
    )  # fmt: skip
    by_rules.add_argument("--seeds", type=int, default=1, metavar="N", help="clips of each sentence (1)")
    by_rules.add_argument("--seconds", type=float, default=4.0, help="of each clip (4)")
    by_rules.add_argument("--keep", type=Path, metavar="DIR", help="keep the clips there as .npz")
    by_rules.add_argument(
        "--words-json", type=Path, default=Path("docs/figures/words.json"), metavar="FILE", help="for figures"
    )
    trained = parser.add_argument_group("classifier")
    trained.add_argument("--no-classifier", action="store_true", help="geometry alone")
    trained.add_argument(
        "--precision", nargs="+", default=[*PRECISIONS, ONE_CODE], choices=(*PRECISIONS, ONE_CODE, "torch"),
        help="of the weights; one-code: as served, each code by a run of the language model (all but torch)",
    )  # fmt: skip
    trained.add_argument("--split", choices=("val", "test"), default="test", help="whose captions (test)")
    trained.add_argument("--classifier-steps", type=int, default=1500, help="training steps of the classifier (1500)")
    trained.add_argument(
        "--json", type=Path, default=Path("docs/figures/judged.json"), metavar="FILE", help="for figures"
    )
    return parser


def main(arguments: list[str] | None = None) -> int:
    """The exit status: 0 measured, 1 it failed."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if min(options.most, options.seeds) < 1 or not 1 <= options.seconds <= 8:
        parser.error("--most and --seeds are 1 or more, --seconds is from 1 to 8, for which the rules are made")
    if options.words is None:
        options.words = ["trained", "heldout"] if options.heldout.exists() else ["trained"]
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    record = {
        "machine": machine(),
        "command": " ".join(["python -m tools.judge", *(sys.argv[1:] if arguments is None else arguments)]),
    }
    ticker = Ticker()
    try:
        recipe = load(options.recipe)
        jury = None
        if not options.no_classifier:
            ticker.show("training the classifier")
            jury = evaluate.judge(recipe, options.classifier_steps, options.split)
        if options.words or options.sentences:
            data = dataset.load(options.data or recipe.data, "train", recipe.corpora)
            words = measure_words(options, data, jury, ticker)
            _write(options.words_json, {**record, "words": words})
            print(obeyed.table(words))
        if jury is not None:
            _write(options.json, {**record, "rows": measure(options, recipe, jury, ticker)})
    except MotionError as error:
        print(f"tools.judge: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
