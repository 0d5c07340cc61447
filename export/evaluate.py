"""Measures a trained recipe on clips it has never seen.

    python -m export.evaluate reconstruction --json FILE     codes -> motion: errors of decoder and refiner, test split
    python -m export.evaluate actions --json FILE            sentences -> motion: does it show the action, test captions

`actions` trains a classifier on real training clips, checks it on real test clips, then lets it judge what the
language model makes of test captions; --clips DIR keeps one generated clip an action as .npz for the viewer.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from peft import set_peft_model_state_dict
from safetensors.torch import load_file

from export import dataset, generate
from export.metrics import actions, joints
from export.recipe import Recipe, load
from export.train_llm import build, text_tokenizer
from export.train_tokenizer import trained_tokenizer
from models import backbone, flow, tasks
from models.backbone import MotionLanguageModel
from models.tokenizers.vermo import FlowVQ
from motion import clip as clips
from motion import contacts, features
from motion.clip import Clip
from motion.errors import MotionError
from motion.planting import Planter
from motion.quat import F32

log = logging.getLogger(__name__)
_SEGMENT = 256  # frames; VerMo reconstructs clips of at most this length (appendix A.1)
_FEWEST = 6  # training clips an action needs to be one of the classifier's


def decoder(tokenizer: FlowVQ, steps: int, seed: int = 1, noise: float = 1.0) -> Callable[[torch.Tensor], F32]:
    """Codes (K,) -> features (T, 201), by the plain decoder where steps is 0, else refined."""
    generator = torch.Generator().manual_seed(seed)

    def run(codes: torch.Tensor) -> F32:
        with torch.inference_mode():
            plain = tokenizer.decode(codes[None])
            if steps == 0:
                return plain[0].numpy()
            start = torch.randn(plain.shape, generator=generator) * noise
            return tokenizer.refine(codes[None], plain, start, flow.sampling_sigmas(steps))[0].numpy()

    return run


def reconstruction(recipe: Recipe, split: str, steps: tuple[int, ...]) -> dict[str, object]:
    """Errors on the unmirrored clips of a split: metres, m/s2, m/s3, cm/s."""
    tokenizer = trained_tokenizer(recipe)
    data = dataset.load(recipe.data, split, recipe.corpora, mirrored=False)
    rows: dict[str, dict[str, float]] = {}
    used: set[int] = set()
    settings = [(0, 0.0), (recipe.refiner_steps, recipe.refiner_noise), *((count, 1.0) for count in steps)]
    for count, noise in dict.fromkeys(settings):
        run = decoder(tokenizer, count, noise=noise)
        sums: dict[str, list[float]] = defaultdict(list)
        held: dict[str, list[float]] = defaultdict(list)
        for entry in data.entries:
            real = np.array(data.clip(entry))[:_SEGMENT]
            with torch.inference_mode():
                codes = tokenizer.encode(torch.from_numpy(real)[None])[0]
            used |= set(codes.tolist())
            made, source = features.decode(run(codes)), features.decode(real)
            for name, value in _compare(made, source).items():
                sums[name].append(value)
            for name, value in _compare(planted(made), source).items() if (count, noise) == settings[1] else ():
                held[name].append(value)
        start = "its mean" if noise == 0 else "noise"
        label = "plain decoder" if count == 0 else f"refiner, {count} {'step' if count == 1 else 'steps'} from {start}"
        label += ", shipped" if (count, noise) == settings[1] else ""
        rows[label] = {name: float(np.mean(values)) for name, values in sums.items()}
        rows[label]["median_mpjpe_m"] = float(np.median(sums["mpjpe_m"]))
        if held:
            rows[f"{label}, feet held"] = {name: float(np.mean(values)) for name, values in held.items()}
            rows[f"{label}, feet held"]["median_mpjpe_m"] = float(np.median(held["mpjpe_m"]))
        log.info("%s: %s", label, " ".join(f"{name} {value:.4f}" for name, value in rows[label].items()))
    return {"split": split, "clips": len(data.entries), "codes_used": len(used), "rows": rows}


def planted(clip: Clip) -> Clip:
    """The clip with resting feet held, as the service sends it."""
    feet = clips.positions(clip)[:, [clip.skeleton.index(joint) for joint in contacts.JOINTS]]
    return replace(clip, root=clip.root + Planter(clip.fps).push(feet))


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


def trained_model(
    recipe: Recipe, tokenizer: FlowVQ, folder: Path | None = None, dtype: torch.dtype = torch.bfloat16
) -> tuple[MotionLanguageModel, Callable[[str], list[int]]]:
    """The trained language model, on the backbone in `folder` or on the packaged one, and its text tokenizer."""
    model, words = build(recipe.language, tokenizer, backbone.prepared(folder), dtype)
    set_peft_model_state_dict(model.trunk, load_file(recipe.run / "adapter.safetensors"))
    layers = {name: tensor.float() for name, tensor in load_file(recipe.run / "embeddings.safetensors").items()}
    model.layers.load_state_dict(layers)
    return model.eval(), text_tokenizer(words)


def judge(recipe: Recipe, steps: int) -> tuple[actions.Classifier, dataset.Dataset, list[int]]:
    """A classifier trained on the training split, the test split, and the test clips whose action it knows."""
    training = dataset.load(recipe.data, "train")
    counts: dict[str, int] = defaultdict(int)
    for entry in training.entries:
        counts[entry.action or ""] += 1
    kept = [e for e in training.entries if e.action and counts[e.action] >= 2 * _FEWEST]
    judged = actions.train([np.array(training.clip(e)) for e in kept], [str(e.action) for e in kept], steps)
    test = dataset.load(recipe.data, "test")
    return judged, test, [i for i, entry in enumerate(test.entries) if entry.action in judged.actions]


def action_table(
    recipe: Recipe, most: int, seed: int, keep: Path | None, classifier_steps: int, guidance: float
) -> dict[str, object]:
    """Share of clips in which the classifier sees the action that the caption speaks of, real and generated."""
    judged, test, known = judge(recipe, classifier_steps)
    real = judged.predict([np.array(test.clip(test.entries[i])) for i in known])
    truth = [str(test.entries[i].action) for i in known]
    real_accuracy = float(np.mean([a == b for a, b in zip(real, truth, strict=True)]))
    log.info("classifier on %d real test clips: %.1f %%", len(known), 100 * real_accuracy)

    rng = np.random.default_rng(seed)
    taken: dict[str, int] = defaultdict(int)
    chosen: list[tuple[int, str]] = []
    for i in rng.permutation(known):
        entry = test.entries[i]
        if taken[str(entry.action)] < most:
            taken[str(entry.action)] += 1
            chosen.append((int(i), entry.captions[int(rng.integers(min(8, len(entry.captions))))]))
    tokenizer = trained_tokenizer(recipe)
    model, tokenize = trained_model(recipe, tokenizer)
    decode = decoder(tokenizer, recipe.refiner_steps, noise=recipe.refiner_noise)
    generated: list[F32] = []
    for start in range(0, len(chosen), 16):
        group = chosen[start : start + 16]
        requests = [
            tasks.Conditions(text=text, seconds=min(test.entries[i].frames, 240) / features.FPS) for i, text in group
        ]
        for codes in generate.motion(model, tokenize, requests, seed=seed + start, guidance=guidance):
            generated.append(decode(torch.tensor(codes)))
        log.info("generated %d of %d clips", len(generated), len(chosen))
    seen = judged.predict(generated)
    by_action: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for (i, text), answer in zip(chosen, seen, strict=True):
        by_action[str(test.entries[i].action)].append((answer, text))
    rows = {
        action: {
            "generated": len(answers),
            "recognised": float(np.mean([answer == action for answer, _ in answers])),
            "real_recognised": float(np.mean([a == b for a, b in zip(real, truth, strict=True) if b == action])),
            "taken_for": sorted({answer for answer, _ in answers if answer != action}),
        }
        for action, answers in sorted(by_action.items())
    }
    overall = float(np.mean([a == str(test.entries[i].action) for (i, _), a in zip(chosen, seen, strict=True)]))
    log.info("classifier on %d generated clips: %.1f %%", len(chosen), 100 * overall)
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        for action in rows:
            at = next(k for k, (i, _) in enumerate(chosen) if test.entries[i].action == action)
            clips.save(features.decode(generated[at], chosen[at][1]), keep / f"{action}.npz")
    return {
        "real_clips": len(known), "real_accuracy": real_accuracy, "generated_clips": len(chosen),
        "generated_accuracy": overall, "mean_over_actions": float(np.mean([r["recognised"] for r in rows.values()])),
        "actions": rows,
    }  # fmt: skip


def main() -> int:
    """The command line."""
    assert __doc__ is not None
    parser = argparse.ArgumentParser(
        prog="python -m export.evaluate", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("reconstruction", "actions"))
    parser.add_argument("--recipe", type=Path, default=Path("export/recipes/vermo-base.toml"), help="vermo-base")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    parser.add_argument("--split", choices=("val", "test"), default="test", help="for reconstruction (test)")
    parser.add_argument("--steps", type=int, nargs="+", default=[1, 4, 28], help="refiner steps, from noise (1 4 28)")
    parser.add_argument(
        "--most", type=int, default=1000, help="generated clips an action at most (all captions of the test split)"
    )
    parser.add_argument("--seed", type=int, default=1, help="of captions and sampling (1)")
    parser.add_argument("--classifier-steps", type=int, default=1500, help="training steps of the classifier (1500)")
    parser.add_argument(
        "--guidance", type=float, default=3.0, help="how much the sentence counts; 1: as trained (3, as served)"
    )
    parser.add_argument("--clips", type=Path, metavar="DIR", help="keep one generated clip an action there")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        recipe = load(options.recipe)
        if options.what == "reconstruction":
            figures = reconstruction(recipe, options.split, tuple(options.steps))
        else:
            figures = action_table(
                recipe, options.most, options.seed, options.clips, options.classifier_steps, options.guidance
            )
    except MotionError as error:
        log.error("%s", error)
        return 2
    if options.json:
        options.json.write_text(
            json.dumps({"command": "python -m export.evaluate " + " ".join(sys.argv[1:]), **figures}, indent=1)
        )
    else:
        log.info("%s", json.dumps(figures, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
