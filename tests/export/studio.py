"""A small studio: a dozen recorded files and what `export.prepare` makes of them, for tests of everything after it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from export import prepare
from export.corpora.trial import symmetric
from export.prepare import Source
from export.recipe import Language, MultiToken, Recipe, Training
from models.tokenizers.vermo import FlowVQConfig
from motion import clip as clips
from motion.clip import Clip
from motion.io import bvh
from tests.motion.clips import backflip, lie_down, stroll, walk

TINY = FlowVQConfig(
    width=16, depth=1, refiner_width=16, refiner_blocks=1, refiner_heads=2, refiner_hidden=16, refiner_steps=2
)
ACTIONS = {
    "walk": ("a person walks to the left", "someone walks leftwards"),
    "flip": ("a person does a backflip", "someone jumps and turns over backwards"),
    "lie": ("a person lies down", "the person lies down on the right side"),
    "stroll": ("a person walks in a curve to the right", "somebody strolls counterclockwise"),
}
_ELSEWHERE = {3: 53, 7: 68, 8: 70, 15: 75, 20: 96}  # place -> a number whose hash is for test or val


def _takes() -> list[tuple[str, Clip]]:
    """Four motions, each at several speeds, so that no two files are alike."""
    found: list[tuple[str, Clip]] = []
    for action, clip in (("walk", walk()), ("flip", backflip()), ("lie", lie_down()), ("stroll", stroll())):
        for speed in (24.0, 27.0, 30.0, 36.0, 40.0, 45.0):
            found.append((action, clips.resample(replace(clip, fps=speed), 30.0)))
    return found


def sources(folder: Path) -> list[Source]:
    """Writes the takes as BVH files into `folder` and lists them; the names are such that every split has some."""
    folder.mkdir(parents=True, exist_ok=True)
    found: list[Source] = []
    for place, (action, clip) in enumerate(_takes()):
        number = _ELSEWHERE.get(place, place)
        captions = ACTIONS[action]
        path = folder / f"{number:02d}-{action}.bvh"
        bvh.write(clip, path)
        corpus = "cc0" if place % 2 else "misc"
        trial = symmetric(corpus, f"take-{number:02d}", "studio.tar.xz", path.name, "CC0-1.0", captions, action)
        found.append(Source(trial, path, None))
    return found


def prepared(folder: Path) -> Path:
    """A folder as `export.prepare` leaves it."""
    takes = sources(folder / "takes")
    for source in takes:
        prepare.prepare_one(source, folder)
    prepare.write_index([source.trial for source in takes], folder)
    return folder


def recipe(data: Path, run: Path) -> Recipe:
    """One that trains in seconds."""
    training = Training(6, 1e-3, 256, 48, warmup=2, precision="no", log_every=2, save_every=2)
    return Recipe(
        name="studio", data=data, run=run, corpora=("misc", "cc0"), tokenizer=TINY,
        tokenizer_training=training, refiner_training=replace(training, steps=4, shortest=16),
        language_training=replace(training, batch=512, longest=64), language=Language(rank=2, alpha=4.0, dropout=0.1),
        multi_token=MultiToken(3, 16),
    )  # fmt: skip


def wordings(folder: Path) -> Path:
    """A folder of wordings for the takes that are recorded in misc."""
    folder.mkdir()
    sheet: dict[str, object] = {}
    for action, other, sentences in (
        ("walk", "stroll", ("walk to the left", "goes over to the left side", "npc strolls leftwards")),
        ("flip", "lie", ("backflip", "does a somersault backwards", "flips over")),
        ("lie", "flip", ("lie down", "goes to sleep on the floor", "rests on the ground")),
        ("stroll", "walk", ("walk in a bend", "wanders around to the right", "takes the curve once")),
    ):
        numbers = [_ELSEWHERE.get(place, place) for place, (name, _) in enumerate(_takes()) if name == action]
        sheet[f"studio/{action}"] = {
            "sentences": sentences,
            "negatives": [{"sentence": f"{sentences[1]}, or so it seems", "key": f"studio/{other}"}],
            "clips": [f"misc/take-{number:02d}" for number in numbers],
        }
    styles = {"proud": {"adverbs": ["proudly"], "locomotion": ["with long steps"], "subjects": ["a proud person"]}}
    (folder / "wordings.json").write_text(json.dumps(sheet))
    (folder / "styles.json").write_text(json.dumps(styles))
    return folder


def features_of(data: Path) -> np.ndarray:
    """All features of a prepared folder."""
    return np.load(data / "features.npy")
