"""Pictures of prepared clips: a person who moves as recorded, in clothes, somewhere, before a camera that is known.

    python -m export.render --clips 300                                  into data/pictures, goes on where it stopped
    python -m export.render --clips 8 --frames 1 --out /tmp/look --sheet /tmp/look.png         a first look

Each clip of --clips is a recording chosen by chance, actions evenly: --frames pictures at 25 a second, 256 x 256, by
Mitsuba's path tracer on the CPU, with the joints of the body in space and in the picture, lens and place of the camera
(export/data/pictures.py tells the files). Bodies are Anny's in shapes, skins, clothes and shoes by chance; rooms and
places outdoors, lamps, sun, furniture, things in the way, and the blur of a shutter are drawn likewise. What is drawn
depends on --seed and the clip's number alone: the same seed gives the same bytes, whatever --workers is, and --clips
may be raised later. Needs `pip install -e ".[render]"`. A picture takes about a second of one core.

Recordings keep their licence: index.json tells it clip by clip, and models trained on pictures carry the strictest.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import signal
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from PIL import Image

from export import program
from export.data import compose, dataset, pictures
from export.data.dataset import Dataset, Entry
from export.scene import person, picture, place, shot, tracer
from models.bodies import anny
from motion import clip as clips
from motion import features
from motion.clip import Clip
from motion.errors import BadConfig, BadFile
from motion.features import h36m17
from motion.quat import F32

log = logging.getLogger(__name__)
_SETTINGS = "settings.json"
_VERSION = 3  # of the scenes: raises when the same seed would give other pictures
_UNSEEN = 4  # of so many clips one is of the validation or the test split
_MOMENTS = 4  # while the shutter is open, where motion blurs


@dataclass(frozen=True)
class Settings:
    """What decides the bytes of a clip's pictures, beside its number."""

    seed: int = 1
    frames: int = 16
    """Pictures a clip at most; a short recording has fewer."""
    samples: int = 16
    """Rays a pixel: fewer are faster and leave grain."""
    split: str = "all"
    """Whose clips: train, val, test or all."""
    version: int = _VERSION

    def __post_init__(self) -> None:
        if min(self.frames, self.samples) < 1 or self.seed < 0:
            raise BadConfig(f"frames and samples must be 1 or more and the seed not negative, got {self}")


def chosen(entries: Sequence[Entry], number: int, seed: int) -> Entry:
    """The recording that a clip of pictures shows: an action by chance, then one of its recordings; every fourth one
    nobody trains on, or what pictures are good for would be judged by a handful."""
    rng = np.random.default_rng([seed, number, 0])
    unseen = [entry for entry in entries if entry.split != "train" and not entry.mirrored]
    if number % _UNSEEN == _UNSEEN - 1 and len(unseen) < len(entries):
        entries = unseen or entries
    actions = sorted({entry.action or "" for entry in entries})
    action = actions[int(rng.integers(len(actions)))]
    own = [entry for entry in entries if (entry.action or "") == action]
    return own[int(rng.integers(len(own)))]


def render(entry: Entry, clip: Clip, number: int, out: Path, settings: Settings) -> None:
    """Writes the pictures of one clip; its folder is there when all of them are. Raises MotionError."""
    rng = np.random.default_rng([settings.seed, number, 1])
    shown, start = shot.window(clip, settings.frames, rng)
    shape, who = person.draw(rng)
    worn = _on_the_floor(anny.wear(shown, shape)[0], who)
    joints = shot.joints(worn)
    frames = max(1, len(worn) - 1)
    camera, crop = shot.aimed(np.concatenate([joints.body, joints.marks], axis=1), rng)
    middle = joints.body[0].mean(axis=0)
    reach = float(np.linalg.norm((joints.body - middle)[..., [0, 2]], axis=-1).max())
    where = place.draw(rng, camera, middle, reach)
    shutter = float(rng.uniform(0.1, 0.5)) if rng.random() < 0.5 else 0.0  # share of the time between two frames
    fine = clips.resample(worn, shot.FPS * 8)
    taken: list[F32] = []
    for frame in range(frames):
        moments = np.linspace(0, shutter, _MOMENTS if shutter else 1)
        at = [min(round((frame + moment) * 8), len(fine) - 1) for moment in moments]
        poses = [who.posed(fine, i) for i in at]
        taken.append(picture.light(where, camera, crop, who, poses, settings.samples, number * 1000 + frame))
    factor = picture.exposure(taken) * float(rng.uniform(0.75, 1.25))
    part = out / f"{number:05d}.part"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    for frame, light in enumerate(taken):
        image = Image.fromarray(picture.developed(light, factor))
        image.save(part / f"{frame:02d}.jpg", quality=92, subsampling=0)
    points, marks = joints.body[:frames], joints.marks[:frames]
    axes = camera.axes()
    np.savez(
        part / pictures.SCENE,
        name=np.array(entry.name),
        start=np.array(start),
        world=points,
        world17=marks,
        pixels=crop.inside(camera.seen(points)[0]).astype(np.float32),
        pixels17=crop.inside(camera.seen(marks)[0]).astype(np.float32),
        features=h36m17.seen(marks, camera),
        intrinsics=crop.intrinsics(camera),
        rotation=axes,
        translation=-axes @ np.array(camera.position),
        camera=np.array([*camera.position, *camera.target, camera.focal_px, *camera.centre_px]),
        crop=np.array([crop.left_px, crop.top_px, crop.size_px]),
        shape=np.array(json.dumps(shape)),
        shutter=np.array(shutter / shot.FPS),
    )
    os.replace(part, out / f"{number:05d}")


def _on_the_floor(clip: Clip, who: person.Person) -> Clip:
    """The clip lifted by as much as any of the body ever sinks into the floor: not every body can do what another one
    was recorded doing."""
    lowest = min(float(who.posed(clip, frame)[:, 1].min()) for frame in range(len(clip)))
    return replace(clip, root=clip.root + np.array([0, max(0.0, -lowest), 0], np.float32))


def render_all(data: Dataset, out: Path, count: int, settings: Settings, workers: int) -> None:
    """Renders what is missing of `count` clips and writes the index. Raises MotionError."""
    tracer.mitsuba()  # says at once where it is missing
    anny.body()  # built once, before there are many processes
    entries = [entry for entry in data.entries if entry.corpus != compose.CORPUS]
    if not entries:
        raise BadFile("there are no recorded clips to show; choose another --split", str(out))
    _settle(out, settings)
    picks = {number: chosen(entries, number, settings.seed) for number in range(count)}
    waiting = [number for number in picks if not (out / f"{number:05d}" / pictures.SCENE).exists()]
    if len(waiting) < count:
        log.info("%d of %d clips are there already", count - len(waiting), count)
    began = time.monotonic()
    with ProcessPoolExecutor(workers, get_context("spawn"), _begin) as pool:
        try:
            jobs = [
                pool.submit(render, picks[n], features.decode(np.array(data.clip(picks[n]))), n, out, settings)
                for n in waiting
            ]
            for done, job in enumerate(as_completed(jobs), 1):
                job.result()
                left = (time.monotonic() - began) / done * (len(jobs) - done)
                log.info("rendered %d of %d clips, %d min left", done, len(jobs), -(-left // 60))
        except KeyboardInterrupt:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    rows = [
        {
            "folder": f"{number:05d}", "name": entry.name, "split": entry.split, "corpus": entry.corpus,
            "licence": entry.licence, "start": int(pictures.scene(out / f"{number:05d}")["start"]),
            "frames": len(pictures.scene(out / f"{number:05d}")["world"]),
        }
        for number, entry in picks.items()
    ]  # fmt: skip
    (out / pictures.INDEX).write_text(json.dumps({**asdict(settings), "clips": rows}, indent=0), encoding="utf-8")


def _settle(out: Path, settings: Settings) -> None:
    """Notes the settings, or refuses a folder of pictures that were made by others."""
    out.mkdir(parents=True, exist_ok=True)
    note, text = out / _SETTINGS, json.dumps(asdict(settings))
    if note.exists() and note.read_text(encoding="utf-8") != text:
        raise BadConfig(f"{out} holds pictures made with {note.read_text(encoding='utf-8')}; give another --out")
    note.write_text(text, encoding="utf-8")


def _begin() -> None:
    """A worker uses one core, and leaves Ctrl-C to the program: the clip at hand is finished."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    tracer.mitsuba()
    tracer.one_core()


def sheet(out: Path, path: Path, across: int = 8, rows: int = 3) -> None:
    """A contact sheet of first pictures, in the order of their clips."""
    first = sorted(out.glob("[0-9]*/00.jpg"))[: across * rows]
    size = shot.PIXELS
    whole = Image.new("RGB", (across * size, -(-len(first) // across) * size), "white")
    for i, one in enumerate(first):
        with Image.open(one) as image:
            whole.paste(image, (i % across * size, i // across * size))
    whole.save(path, quality=88)


def main() -> int:
    """The command line."""
    parser = program.parser("export.render", __doc__)
    add = parser.add_argument
    add("--data", type=Path, default=Path("data"), metavar="DIR", help="what export.prepare wrote (data)")
    add("--out", type=Path, metavar="DIR", help="where pictures go (<data>/pictures)")
    add("--clips", type=int, default=300, metavar="N", help="how many clips in all (300)")
    add("--frames", type=int, default=16, metavar="N", help="pictures a clip (16)")
    add("--samples", type=int, default=16, metavar="N", help="rays a pixel (16)")
    add("--seed", type=int, default=1, help="decides all that is drawn (1)")
    add("--split", choices=("all", "train", "val", "test"), default="all", help="whose clips are shown (all)")
    add("--workers", type=int, default=os.cpu_count() or 1, metavar="N", help="processes, a core each (all cores)")
    add("--sheet", type=Path, metavar="FILE", help="also write a contact sheet of the first pictures")
    options = parser.parse_args()

    def work() -> None:
        settings = Settings(options.seed, options.frames, options.samples, options.split)
        splits = ("train", "val", "test") if options.split == "all" else (options.split,)
        parts = [dataset.load(options.data, split) for split in splits]
        data = replace(parts[0], entries=tuple(entry for part in parts for entry in part.entries))
        out = options.out or options.data / "pictures"
        render_all(data, out, options.clips, settings, max(1, options.workers))
        if options.sheet:
            sheet(out, options.sheet)

    return program.run(work, stopped=program.GOES_ON)


if __name__ == "__main__":
    sys.exit(main())
