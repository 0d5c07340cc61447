"""Archives of motion capture -> canonical clips, features, captions and a split.

    python -m export.prepare --mocap ../shared/mocap --out data/
    python -m export.prepare --mocap ../shared/mocap --out data/ --table     also prints the retargeting error by corpus

The further corpora are looked for in the folder `more` beside the archives' folder, or where --more says.

Writes clips/*.npz (one a trial: `smplx22`, 30 frames per second, floor at y = 0, facing +Z at the first frame), then
features.npy (N, 201) float32 with every clip and its mirrored copy end to end and the clips that export.data.compose
makes of them, and index.json with one entry a clip. A run that was interrupted goes on where it stopped; the same
archives give the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import sys
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from export import program
from export.corpora import archive, stored
from export.corpora.catalogue import catalogue
from export.corpora.trial import Trial
from export.data import compositions
from export.data.dataset import whole
from models.vocabulary import FRAMES_PER_TOKEN
from motion import clip as clips
from motion import features
from motion.errors import BadFile, MotionError
from motion.io import asf_amc, bvh, glb
from motion.retargeting.retarget import limb_error_deg, retarget

log = logging.getLogger(__name__)

_SHORTEST = 8  # frames; below that a clip holds no motion worth a token pair
_VERSION = 6  # of the processing: raises when the same archive would give other clips


@dataclass(frozen=True)
class Source:
    """One trial with the files that hold it."""

    trial: Trial
    motion: Path
    skeleton: Path | None
    take: str | None = None
    """Which motion of a file that holds several."""

    @staticmethod
    def of(trial: Trial, folder: Path) -> Source:
        """The trial with its files, which lie in `folder`. Raises BadFile where they do not."""
        member, _, take = trial.member.partition("#")
        skeleton = None if trial.skeleton_member is None else archive.inside(folder, trial.skeleton_member)
        return Source(trial, archive.inside(folder, member), skeleton, take or None)


def split_of(name: str) -> str:
    """One of "train", "val", "test" in the proportion 90/5/5, by hash of the clip's name; mirrored copies follow, and
    so do all pieces of one take."""
    take = name.partition("@")[0]
    bucket = int.from_bytes(hashlib.sha256(take.encode()).digest()[:4], "big") % 100
    return "train" if bucket < 90 else "val" if bucket < 95 else "test"


def read(source: Source) -> clips.Clip:
    """The trial as recorded, at 30 frames per second, reference pose cut off. Raises MotionError."""
    trial = source.trial
    clip = _recorded(source)
    if trial.fps is not None:
        clip = replace(clip, fps=trial.fps)
    start = min(round(trial.drop_seconds * clip.fps), len(clip) - 1)
    stop = len(clip) if trial.seconds is None else start + max(1, round(trial.seconds * clip.fps))
    return clips.resample(clips.cut(clip, start, min(stop, len(clip))), features.FPS)


def _recorded(source: Source) -> clips.Clip:
    if source.skeleton is not None:
        return asf_amc.read(source.skeleton, source.motion)
    if source.take is None:
        return bvh.read(source.motion)
    return (stored if source.motion.suffix == ".npz" else glb).read(source.motion, source.take)


def prepare_one(source: Source, folder: Path) -> dict[str, float]:
    """Writes one canonical clip and returns its limb errors in degrees. Raises MotionError."""
    recorded = read(source)
    clip = replace(retarget(recorded), name=source.trial.name)
    errors = limb_error_deg(recorded, clip)
    path = clip_path(folder, source.trial.name)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}.npz")
    clips.save(clip, part)
    os.replace(part, path)
    path.with_suffix(".json").write_text(json.dumps({"made_by": _stamp(source.trial), "limb_error_deg": errors}))
    return errors


def clip_path(folder: Path, name: str) -> Path:
    """Where the canonical clip of a trial lies."""
    return folder / "clips" / f"{name}.npz"


def _stamp(trial: Trial) -> list[object]:
    """What a clip depends on besides the archive."""
    length = [] if trial.seconds is None else [trial.seconds]
    return [_VERSION, trial.fps, trial.drop_seconds, *length]


def _done(folder: Path, trial: Trial) -> dict[str, float] | None:
    note = clip_path(folder, trial.name).with_suffix(".json")
    try:
        known = json.loads(note.read_text())
    except (OSError, ValueError):
        return None
    return known["limb_error_deg"] if known.get("made_by") == _stamp(trial) else None


def _work(task: tuple[Source, Path]) -> tuple[str, dict[str, float] | str]:
    source, folder = task
    try:
        return source.trial.name, prepare_one(source, folder)
    except MotionError as error:
        return source.trial.name, str(error)


def retarget_all(
    sources: list[Source], folder: Path, workers: int
) -> tuple[dict[str, dict[str, float]], dict[str, str]]:
    """Limb errors by trial, and the sentence for each trial that could not be read."""
    errors: dict[str, dict[str, float]] = {}
    failures: dict[str, str] = {}
    waiting: list[Source] = []
    for source in sources:
        known = _done(folder, source.trial)
        if known is None:
            waiting.append(source)
        else:
            errors[source.trial.name] = known
    if errors:
        log.info("%d of %d clips are there already", len(errors), len(sources))
    with ProcessPoolExecutor(workers) as pool:
        futures = [pool.submit(_work, (source, folder)) for source in waiting]
        for count, future in enumerate(as_completed(futures), 1):
            name, result = future.result()
            if isinstance(result, str):
                failures[name] = result
                log.warning("left out %s: %s", name, result)
            else:
                errors[name] = result
            if count % 50 == 0 or count == len(futures):
                log.info("retargeted %d of %d clips", count, len(futures))
    return errors, failures


def write_index(trials: list[Trial], folder: Path) -> None:
    """features.npy and index.json of all clips and mirrored copies, in the order of their names."""
    entries: list[dict[str, object]] = []
    pieces: list[np.ndarray] = []
    start = 0
    for count, trial in enumerate(trials, 1):
        clip = clips.load(clip_path(folder, trial.name))
        for mirrored in (False, True):
            frames = features.encode(clips.mirror(clip) if mirrored else clip)
            frames = frames[: whole(len(frames))]
            if len(frames) < _SHORTEST:
                continue
            pieces.append(frames)
            entries.append(
                {
                    "name": trial.name + ("#mirrored" if mirrored else ""),
                    "corpus": trial.corpus,
                    "licence": trial.licence,
                    "split": split_of(trial.name),
                    "mirrored": mirrored,
                    "origin": "recorded",
                    "action": trial.mirrored_action if mirrored else trial.action,
                    "captions": list(trial.mirrored_captions if mirrored else trial.captions),
                    "start": start,
                    "frames": len(frames),
                }
            )
            start += len(frames)
        if count % 500 == 0:
            log.info("features of %d of %d clips", count, len(trials))
    for made in compositions.made(list(entries), list(pieces)):
        frames = features.encode(made.clip)
        frames = frames[: whole(len(frames))]
        if len(frames) < _SHORTEST:
            continue
        pieces.append(frames)
        entries.append(
            {
                "name": made.name,
                "corpus": made.corpus,
                "licence": made.licence,
                "split": "train",
                "mirrored": False,
                "origin": made.origin,
                "action": made.action,
                "captions": made.captions,
                "start": start,
                "frames": len(frames),
            }
        )
        start += len(frames)
    part = folder / "features.part.npy"
    np.save(part, np.concatenate(pieces))
    os.replace(part, folder / "features.npy")  # a training run may hold the old file open
    index = {"layout": features.NAME, "fps": features.FPS, "frames_per_token": FRAMES_PER_TOKEN, "clips": entries}
    (folder / "index.json").write_text(json.dumps(index, indent=0, ensure_ascii=False))


def errors_by_corpus(trials: list[Trial], errors: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    """Number of clips and mean limb error in degrees, by corpus and limb."""
    by_corpus: dict[str, list[dict[str, float]]] = defaultdict(list)
    for trial in trials:
        if trial.name in errors:
            by_corpus[trial.corpus].append(errors[trial.name])
    return {
        corpus: {"clips": len(found), **{limb: float(np.mean([one[limb] for one in found])) for limb in found[0]}}
        for corpus, found in sorted(by_corpus.items())
    }


def error_table(rows: dict[str, dict[str, float]]) -> str:
    """The errors as lines of text, one a corpus."""
    return "\n".join(
        f"{corpus:8s} {row['clips']:5.0f} clips  "
        + "  ".join(f"{limb} {value:.2f}" for limb, value in row.items() if limb != "clips")
        for corpus, row in rows.items()
    )


def further(mocap: Path, given: Path | None) -> Path | None:
    """The folder of the further corpora: the one given, or `more` beside the archives' folder; None, and a warning,
    where neither is. Raises BadFile where the one given is no folder."""
    if given is not None:
        if not given.is_dir():
            raise BadFile("there is no such folder; point --more at the folder of the further corpora", str(given))
        return given
    beside = mocap.resolve().parent / "more"
    if beside.is_dir():
        return beside
    log.warning("there is no folder %s: cmu-actions, game, emotes and aist are left out; --more says where", beside)
    return None


def prepare(mocap: Path, out: Path, workers: int, more: Path | None = None) -> dict[str, dict[str, float]]:
    """Runs all steps and returns the limb errors by corpus. Raises MotionError for a missing or damaged archive.

    more: folder of the further corpora; None leaves them out.
    """
    cache = out / "archives"
    trials = catalogue(mocap, cache, more)
    names = sorted({trial.archive for trial in trials})
    folders = {name: archive.folder_of(name, mocap, more, cache) for name in names}
    sources = [Source.of(trial, folders[trial.archive]) for trial in trials]
    errors, failures = retarget_all(sources, out, workers)
    kept = [trial for trial in trials if trial.name in errors]
    write_index(kept, out)
    log.info("%d clips in %s, %d left out", len(kept), out, len(failures))
    return errors_by_corpus(trials, errors)


def main() -> int:
    """The command line."""
    parser = program.parser("export.prepare", __doc__)
    parser.add_argument("--mocap", type=Path, required=True, metavar="DIR", help="folder of the archives")
    parser.add_argument("--more", type=Path, metavar="DIR", help="folder of further corpora (more, beside --mocap)")
    parser.add_argument("--out", type=Path, default=Path("data"), metavar="DIR", help="where clips go (data)")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, metavar="N", help="processes (all cores)")
    parser.add_argument("--table", action="store_true", help="print the limb errors by corpus at the end")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the limb errors there")
    options = parser.parse_args()

    def work() -> None:
        rows = prepare(options.mocap, options.out, max(1, options.workers), further(options.mocap, options.more))
        if options.table:
            log.info("mean angle between limbs of source and canonical clip, degrees:\n%s", error_table(rows))
        if options.json:
            program.report(parser, {"corpora": rows}, options.json)

    return program.run(work, stopped=program.GOES_ON)


if __name__ == "__main__":
    sys.exit(main())
