"""Measures a trained recipe on clips it has never seen.

    python -m export.evaluate reconstruction --json FILE --plots docs/pictures
        codes -> motion, test split: the base tokenizers of every kind that are trained, side by side in one table
    python -m export.evaluate reconstruction --recipe export/recipes/vermo-base.toml --json FILE
        VerMo's alone: errors of decoder and refiner by steps, and of codes that are searched for
    python -m export.evaluate actions --json FILE
        sentences -> motion: does it show the action, test captions
    python -m export.evaluate geometry --json docs/figures/geometry.json
        the rules of export/metrics/geometry.py: how many recordings pass, of their own action and of others
    python -m export.evaluate gate --json docs/figures/gate.json
        how a mixture's gate weighs its experts by task, and whether it tells a question from an order to move
    python -m export.evaluate forgetting --json FILE
        conversation: what the language model keeps of the answers of its backbone, which are written beside FILE

`actions` trains a classifier on real training clips, checks it on real test clips, then lets it judge what the
language model makes of test captions; --clips DIR keeps one generated clip an action as .npz for the viewer.
"""

from __future__ import annotations

import argparse
import copy
import logging
import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from export import program
from export.data import dataset
from export.measuring import forgetting, gate_weights, generate, plots, probes, rules, side_by_side
from export.metrics import actions, joints
from export.recipe import Recipe, load
from export.training import adapters, stages
from export.training.sentences import Sentences
from models import tasks
from models.tokenizers import kinds, search
from models.tokenizers.vermo import FlowVQ, FlowVQConfig
from motion import clip as clips
from motion import contacts, features
from motion.clip import Clip
from motion.errors import BadConfig, BadFile
from motion.quat import F32
from motion.retargeting.feet import lock_feet

log = logging.getLogger(__name__)
Draw = Callable[[Sequence[tasks.Conditions], int], list[F32]]
"""(requests, seed) -> features (T, D) of each"""
Jury = tuple[actions.Classifier, dataset.Dataset, list[int]]
RECIPES = Path(__file__).with_name("recipes")
_BASE = RECIPES / "vermo-base.toml"
_SEGMENT = 256  # frames; VerMo reconstructs clips of at most this length (appendix A.1)
_FEWEST = 6  # training clips an action needs to be one of the classifier's


def decoder(
    tokenizer: FlowVQ,
    steps: int | None = None,
    seed: int = 1,
    noise: float | None = None,
    smoothed: bool | None = None,
) -> Callable[[torch.Tensor], F32]:
    """Codes (K,) -> features (T, 201), by the plain decoder where steps is 0, else refined. Steps and noise: None: the
    recipe's. smoothed: whether they pass the recipe's Gaussian at the end; None: what is refined does."""
    generator = torch.Generator().manual_seed(seed)
    used = copy.copy(tokenizer)  # shares the weights
    if smoothed is False:
        used.config = replace(tokenizer.config, smoothing=0.0)

    def run(codes: torch.Tensor) -> F32:
        with torch.inference_mode():
            made = used.refined(codes[None], generator, steps, noise)
            return (used.finish(used.scale(made)) if smoothed and steps == 0 else made)[0].numpy()

    return run


def reconstruction(
    recipe: Recipe, split: str, steps: tuple[int, ...], searching: int = 0, corpora: tuple[str, ...] | None = None
) -> dict[str, object]:
    """Errors on the unmirrored clips of a split: metres, m/s2, m/s3, cm/s; with the encoder's codes and, where
    `searching` steps are asked for, with codes searched for (`models.tokenizers.search`). corpora: None: the
    recipe's."""
    tokenizer = stages.trained(recipe).requires_grad_(False)
    data = dataset.load(recipe.data, split, corpora or recipe.corpora, mirrored=False)
    rows: dict[str, dict[str, float]] = {}
    used: set[int] = set()
    encoded: list[torch.Tensor] = []
    found: list[torch.Tensor] = []
    for number, entry in enumerate(data.entries, 1):
        real = torch.from_numpy(np.array(data.clip(entry))[:_SEGMENT])[None]
        with torch.inference_mode():
            encoded.append(tokenizer.encode(real)[0])
        if searching:
            found.append(search.codes(tokenizer, real, searching)[0])
            log.info("searched the codes of %d of %d clips", number, len(data.entries))
    shipped = (tokenizer.config.refiner_steps, tokenizer.config.refiner_noise)
    either = (False, True) if tokenizer.config.smoothing else (False,)
    settings: list[tuple[int, float, bool, bool]] = [
        (steps_of, noise, smoothed, searched)
        for searched in ((False, True) if searching else (False,))
        for steps_of, noise in ((0, 0.0), shipped)
        for smoothed in either
    ]
    settings += [(count, 1.0, either[-1], False) for count in steps]
    for count, noise, smoothed, searched in dict.fromkeys(settings):
        run = decoder(tokenizer, count, noise=noise, smoothed=smoothed)
        as_shipped = (count, noise, smoothed) == (*shipped, either[-1])
        sums: dict[str, list[float]] = defaultdict(list)
        held: dict[str, list[float]] = defaultdict(list)
        for entry, codes in zip(data.entries, found if searched else encoded, strict=True):
            real = np.array(data.clip(entry))[:_SEGMENT]
            if not searched:
                used |= set(codes.tolist())
            made, source = features.decode(run(codes)), features.decode(real)
            for name, value in _compare(made, source).items():
                sums[name].append(value)
            for name, value in _compare(lock_feet(made), source).items() if as_shipped else ():
                held[name].append(value)
        label = setting(tokenizer.config, count, noise, smoothed)
        label += f", codes by {searching} steps of search" if searched else ""
        rows[label] = {name: float(np.mean(values)) for name, values in sums.items()}
        rows[label]["median_mpjpe_m"] = float(np.median(sums["mpjpe_m"]))
        if held:
            rows[f"{label}, feet held"] = {name: float(np.mean(values)) for name, values in held.items()}
            rows[f"{label}, feet held"]["median_mpjpe_m"] = float(np.median(held["mpjpe_m"]))
        log.info("%s: %s", label, " ".join(f"{name} {value:.4f}" for name, value in rows[label].items()))
    return {"split": split, "clips": len(data.entries), "codes_used": len(used), "rows": rows}


def setting(sizes: FlowVQConfig, steps: int, noise: float, smoothed: bool) -> str:
    """How the refiner is set, in words."""
    if not steps:
        return "plain decoder, smoothed" if smoothed else "plain decoder"
    start = "its mean" if noise == 0 else "noise"
    label = f"refiner, {steps} {'step' if steps == 1 else 'steps'} from {start}"
    if smoothed != (sizes.smoothing > 0):
        return f"{label}, not smoothed"
    return f"{label}, shipped" if (steps, noise) == (sizes.refiner_steps, sizes.refiner_noise) else label


def _compare(ours: Clip, theirs: Clip) -> dict[str, float]:
    a, b = clips.positions(ours), clips.positions(theirs)
    feet = [ours.skeleton.index(joint) for joint in contacts.JOINTS]
    assert ours.contacts is not None
    assert theirs.contacts is not None
    return {
        "mpjpe_m": joints.mpjpe(a, b),
        "pa_mpjpe_m": joints.pa_mpjpe(a, b),
        "root_relative_m": joints.root_relative(a, b),
        "acceleration_error_m_s2": joints.acceleration_error(a, b, features.FPS),
        "jitter_m_s3": joints.jitter(a, features.FPS),
        "jitter_of_source_m_s3": joints.jitter(b, features.FPS),
        "foot_skate_cm_s": joints.foot_skate(a[:, feet], theirs.contacts, features.FPS),
        "foot_skate_of_source_cm_s": joints.foot_skate(b[:, feet], theirs.contacts, features.FPS),
    }


def judge(recipe: Recipe, steps: int, split: str) -> tuple[actions.Classifier, dataset.Dataset, list[int]]:
    """A classifier trained on the training split, the split, and those of its clips whose action it knows."""
    training = dataset.load(recipe.data, "train")
    counts: dict[str, int] = defaultdict(int)
    for entry in training.entries:
        counts[entry.action or ""] += 1
    recorded = [e for e in training.entries if e.action and e.origin == "recorded"]
    kept = [e for e in recorded if counts[str(e.action)] >= 2 * _FEWEST]
    judged = actions.train([np.array(training.clip(e)) for e in kept], [str(e.action) for e in kept], steps)
    data = dataset.load(recipe.data, split)
    return judged, data, [i for i, entry in enumerate(data.entries) if entry.action in judged.actions]


def in_torch(recipe: Recipe, guidance: float | None = None) -> Draw:
    """Motion from the trained model as training left it; guidance: None for what its weights want."""
    model, tokenize = adapters.trained(recipe)
    factor = adapters.guidance_of(recipe.run) if guidance is None else guidance
    decode = decoder(stages.trained(recipe))
    sentences = None if model.gate is None else Sentences()

    def draw(requests: Sequence[tasks.Conditions], seed: int) -> list[F32]:
        codes = generate.motion(
            model, tokenize, requests, temperature=recipe.temperature, seed=seed, guidance=factor,
            sentences=sentences,
        )  # fmt: skip
        return [decode(torch.tensor(one)) for one in codes]

    return draw


def action_table(
    recipe: Recipe,
    most: int,
    seed: int,
    keep: Path | None,
    classifier_steps: int,
    guidance: float | None,
    split: str = "test",
    draw: Draw | None = None,
    jury: Jury | None = None,
) -> dict[str, object]:
    """Share of clips in which the classifier sees the action that the caption speaks of, real and generated.

    draw: what generates them; None: the trained model in torch. jury: of `judge`; None: it is trained here.
    """
    judged, data, known = jury or judge(recipe, classifier_steps, split)
    real = judged.predict([np.array(data.clip(data.entries[i])) for i in known])
    truth = [str(data.entries[i].action) for i in known]
    real_accuracy = float(np.mean([a == b for a, b in zip(real, truth, strict=True)]))
    log.info("classifier on %d real clips: %.1f %%", len(known), 100 * real_accuracy)

    chosen = _asked_for(data, known, most, seed)
    draw = draw or in_torch(recipe, guidance)
    generated: list[F32] = []
    for start in range(0, len(chosen), 16):
        group = chosen[start : start + 16]
        requests = [
            tasks.Conditions(text=text, seconds=min(data.entries[i].frames, 240) / features.FPS) for i, text in group
        ]
        generated += draw(requests, seed + start)
        log.info("generated %d of %d clips", len(generated), len(chosen))
    seen = judged.predict(generated)
    asked = [str(data.entries[i].action) for i, _ in chosen]
    rows = _by_action(asked, seen, truth, real)
    overall = float(np.mean([a == b for a, b in zip(asked, seen, strict=True)]))
    log.info("classifier on %d generated clips: %.1f %%", len(chosen), 100 * overall)
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        for action in rows:
            at = asked.index(action)
            clips.save(features.decode(generated[at], chosen[at][1]), keep / f"{action}.npz")
    return {
        "real_clips": len(known), "real_accuracy": real_accuracy, "generated_clips": len(chosen),
        "generated_accuracy": overall, "mean_over_actions": float(np.mean([r["recognised"] for r in rows.values()])),  # type: ignore[arg-type]
        "actions": rows,
    }  # fmt: skip


def _asked_for(data: dataset.Dataset, known: Sequence[int], most: int, seed: int) -> list[tuple[int, str]]:
    """Clips, `most` an action, in random order, and one of the plain captions of each."""
    rng = np.random.default_rng(seed)
    taken: dict[str, int] = defaultdict(int)
    chosen: list[tuple[int, str]] = []
    for i in rng.permutation(known):
        entry = data.entries[i]
        if taken[str(entry.action)] < most:
            taken[str(entry.action)] += 1
            chosen.append((int(i), entry.captions[int(rng.integers(min(8, len(entry.captions))))]))
    return chosen


def _by_action(
    asked: Sequence[str], seen: Sequence[str], truth: Sequence[str], real: Sequence[str]
) -> dict[str, dict[str, object]]:
    """A row for each action asked for; `seen` is what the classifier saw in generated clips, `real` in recorded ones
    of `truth`."""
    rows: dict[str, dict[str, object]] = {}
    for action in sorted(set(asked)):
        answers = [answer for wanted, answer in zip(asked, seen, strict=True) if wanted == action]
        rows[action] = {
            "generated": len(answers),
            "recognised": float(np.mean([answer == action for answer in answers])),
            "real_recognised": float(np.mean([a == b for a, b in zip(real, truth, strict=True) if b == action])),
            "taken_for": sorted(set(answers) - {action}),
        }
    return rows


def base_recipes() -> list[Path]:
    """The base recipes whose tokenizers are trained; VerMo's where none is."""
    paths = [RECIPES / f"{kind}-base.toml" for kind in kinds.KINDS]
    found = [path for path in paths if (load(path).run / "tokenizer.safetensors").exists()]
    if found and len(found) < len(paths):
        left = ", ".join(path.stem for path in paths if path not in found)
        log.warning("left out, for python -m export.train_tokenizer has not trained them: %s", left)
    return found or [_BASE]


def _asked(recipe: Recipe) -> dict[str, float]:
    """What only its kind can be asked, where the pictures for it are there."""
    try:
        return probes.probe(recipe)
    except BadFile as error:
        log.warning("left out: %s", error)
        return {}


def _parser() -> argparse.ArgumentParser:
    parser = program.parser("export.evaluate", __doc__)
    parser.add_argument("what", choices=("reconstruction", "actions", "geometry", "forgetting", "gate"))
    parser.add_argument("--data", type=Path, metavar="DIR", help="for geometry: prepared clips (the recipe's)")
    parser.add_argument(
        "--recipe", type=Path, nargs="+", metavar="FILE",
        help="what was trained (all of *-base.toml that are; for actions and forgetting: vermo-base); several, or of "
        "another kind than VerMo's: all in one table",
    )  # fmt: skip
    parser.add_argument("--plots", type=Path, metavar="DIR", help="of that table: draw its plots there")
    parser.add_argument("--clips-most", type=int, metavar="N", help="of that table: so many clips of the split (all)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    parser.add_argument("--split", choices=("val", "test"), default="test", help="clips to measure on (test)")
    parser.add_argument(
        "--corpora", nargs="+", metavar="NAME", help="for reconstruction: clips of these (what the recipe trains on)"
    )
    parser.add_argument("--steps", type=int, nargs="+", default=[1, 4, 28], help="refiner steps, from noise (1 4 28)")
    parser.add_argument(
        "--most", type=int, default=1000, help="generated clips an action at most (all captions of the test split)"
    )
    parser.add_argument(
        "--search", type=int, default=search.STEPS, metavar="STEPS",
        help=f"for reconstruction: also with codes by so many steps of search; 0: without ({search.STEPS})",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, default=1, help="of captions and sampling (1)")
    parser.add_argument("--classifier-steps", type=int, default=1500, help="training steps of the classifier (1500)")
    parser.add_argument(
        "--guidance", type=float, help="how much the sentence counts; 1: its chances as they are (as served)"
    )
    parser.add_argument("--clips", type=Path, metavar="DIR", help="keep one generated clip an action there")
    return parser


def main() -> int:
    """The command line."""
    parser = _parser()
    options = parser.parse_args()

    def work() -> None:
        paths = options.recipe or (base_recipes() if options.what == "reconstruction" else [_BASE])
        recipes = [load(path) for path in paths]
        recipe = recipes[0]
        if options.what == "geometry":
            program.report(parser, {"rows": rules.table(options.data or recipe.data)}, options.json)
            return
        if options.what == "gate":
            program.report(parser, gate_weights.measure(recipe), options.json)
            return
        if len(recipes) > 1 and options.what == "actions":
            raise BadConfig("actions are judged of one recipe at a time; give one --recipe")
        sizes = recipe.tokenizer
        refines = isinstance(sizes, FlowVQConfig) and sizes.features == features.NAME and sizes.quantizer == "fsq"
        if options.what == "forgetting":
            answers = options.json and options.json.with_name(f"{options.json.stem}-answers.json")
            figures = forgetting.measure(recipes, answers)
        elif len(recipes) > 1 or not refines:
            found = side_by_side.measure(
                recipes, options.split, options.clips_most, side_by_side.skins_here(), options.corpora
            )
            figures = {"split": options.split, "rows": {name: one.row for name, one in found.items()}}
            figures["probes"] = {one.name: asked for one in recipes if (asked := _asked(one))}
            if options.plots:
                plots.draw(found, options.plots)
        elif options.what == "reconstruction":
            figures = reconstruction(recipe, options.split, tuple(options.steps), options.search, options.corpora)
        else:
            figures = action_table(
                recipe,
                options.most,
                options.seed,
                options.clips,
                options.classifier_steps,
                options.guidance,
                options.split,
            )
        program.report(parser, figures, options.json)

    return program.run(work)


if __name__ == "__main__":
    sys.exit(main())
