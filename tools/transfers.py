"""How true, how still-footed and how fast motion is put onto other rigs: the tables of retargeting.

    python -m tools.transfers --json docs/figures/transfers.json

A few takes of every corpus go onto `smplx22` and onto rigs of other makers, once as they are and once with feet locked.
Measured: the angle between each limb of the recording and of the copy; how fast feet slide while they rest (contacts
are those of the canonical copy), on the recording at the target's size, on the copy, and on the copy with feet locked;
how deep feet are in the ground; and the time for 1,000 frames of 22 joints on one core.
"""

from __future__ import annotations

import logging
import os
import platform
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from export import program
from export.corpora.archive import unpack
from export.corpora.catalogue import catalogue
from export.metrics import joints
from export.prepare import Source, read
from motion import clip as clips
from motion import smplx
from motion.clip import Clip
from motion.io import asf_amc, bvh, gltf_body
from motion.quat import F32
from motion.retargeting.feet import lock_feet
from motion.retargeting.humanoid import Humanoid, canonical
from motion.retargeting.retarget import Options, limb_error_deg, retarget, transfer
from motion.retargeting.transfer import Transfer
from motion.skeleton import SMPLX22, Skeleton
from tools.measuring.stopwatch import best_ms

log = logging.getLogger(__name__)
_FEET = tuple(f"{side}_{part}" for side in ("left", "right") for part in ("ankle", "foot"))
_LONGEST = 240  # frames of a take


def targets(mocap: Path, cache: Path) -> dict[str, Skeleton | Clip]:
    """Rigs of other makers in the folder of motion capture; a clip where the rest pose is no stance."""

    def member(archive: str, name: str) -> Path:
        return next(
            path for path in sorted(unpack(mocap / archive, cache).rglob("*")) if path.as_posix().endswith(name)
        )

    acclaim = asf_amc.read(member("cmu.tar.xz", "/35.asf"), member("cmu.tar.xz", "35_01.amc"))
    return {
        "smplx22": SMPLX22,
        "Unreal-like (mannequin.glb)": gltf_body.read(mocap / "cc0" / "mannequin.glb").skeleton,
        "KayKit (Knight.glb)": gltf_body.read(mocap / "cc0" / "Knight.glb").skeleton,
        "CMU (Acclaim)": acclaim.skeleton,
        "Poser (CMU as BVH)": bvh.read(member("cmu.tar.xz", "08_05.bvh")).skeleton,
        "Character Creator (BVH)": bvh.read(member("cmu.tar.xz", "05_03.bvh")),
        "MotionBuilder (BVH)": bvh.read(member("misc.tar.xz", "wave_hello.bvh")).skeleton,
        "Rokoko (BVH)": bvh.read(member("misc.tar.xz", "jesse_dance.bvh")),
        "Bandai Namco (BVH)": bvh.read(member("bandai.tar.xz", "dataset-1_walk_normal_001.bvh")),
    }


def takes(mocap: Path, cache: Path, each: int) -> dict[str, list[Clip]]:
    """Some takes of each corpus, evenly spread over its list, at most eight seconds from their middles."""
    by_corpus: dict[str, list[Clip]] = {}
    trials = catalogue(mocap, cache)
    for corpus in sorted({trial.corpus for trial in trials}):
        own = [trial for trial in trials if trial.corpus == corpus]
        chosen = [own[i] for i in np.unique(np.linspace(0, len(own) - 1, min(each, len(own))).round().astype(int))]
        found: list[Clip] = []
        for trial in chosen:
            folder = unpack(mocap / trial.archive, cache)
            skeleton = folder / trial.skeleton_member if trial.skeleton_member else None
            whole = read(Source(trial, folder / trial.member, skeleton))
            start = max(0, (len(whole) - _LONGEST) // 2)
            found.append(clips.cut(whole, start, min(len(whole), start + _LONGEST)))
        by_corpus[corpus] = found
    return by_corpus


def feet_of(body: Humanoid, clip: Clip) -> F32:
    """(T, 4, 3) of ankles and toes, Y up; the ankle where there is no toe."""
    motion = body.read(clip)
    return np.stack([motion.at.get(part, motion.at[part.replace("foot", "ankle")]) for part in _FEET], axis=1)


def measure(clip: Clip, target: Skeleton | Clip, down: F32) -> dict[str, float]:
    """The figures of one take on one rig; down: contacts (T, 4)."""
    loose, report = transfer(clip, target)
    held = retarget(clip, target, options=Options(lock_feet=True))
    source, body = Humanoid.of(clip), Humanoid.of(target)
    limbs = limb_error_deg(clip, loose)
    there, kept = feet_of(body, loose), feet_of(body, held)
    rate = clip.fps
    return {
        **limbs,
        "worst": max(limbs.values()),
        "skate_source": joints.foot_skate(feet_of(source, clip), down, rate) * report.scale,
        "skate_loose": joints.foot_skate(there, down, rate),
        "skate_locked": joints.foot_skate(kept, down, rate),
        "penetration_loose": joints.penetration(there),
        "penetration_locked": joints.penetration(kept),
        "jitter_loose": joints.jitter(clips.positions(loose), rate),
        "jitter_locked": joints.jitter(clips.positions(held), rate),
    }


def tables(mocap: Path, cache: Path, each: int) -> dict[str, dict[str, dict[str, float]]]:
    """Mean figures by corpus (over all rigs) and by rig (over all corpora)."""
    rigs = targets(mocap, cache)
    by_corpus: dict[str, list[dict[str, float]]] = defaultdict(list)
    by_rig: dict[str, list[dict[str, float]]] = defaultdict(list)
    counts: dict[str, int] = {}
    for corpus, found in takes(mocap, cache, each).items():
        counts[corpus] = len(found)
        for clip in found:
            down = retarget(clip).contacts
            assert down is not None
            for name, rig in rigs.items():
                row = measure(clip, rig, down)
                by_corpus[corpus].append(row)
                by_rig[name].append(row)
        log.info("%s: %d takes onto %d rigs", corpus, len(found), len(rigs))

    def mean(rows: list[dict[str, float]]) -> dict[str, float]:
        row = {key: float(np.mean([one[key] for one in rows])) for key in rows[0]}
        return {**row, "worst": max(one["worst"] for one in rows)}

    return {
        "corpora": {name: {"clips": counts[name], **mean(rows)} for name, rows in by_corpus.items()},
        "rigs": {name: mean(rows) for name, rows in by_rig.items()},
    }


def speed(repeats: int = 15) -> dict[str, float]:
    """Milliseconds of one core's time for 1,000 frames of `smplx22`'s 22 joints, the best of some."""
    rng = np.random.default_rng(0)
    hands = smplx.skeleton(55)
    keys = np.array([3, 0, 0, 0]) + np.cumsum(rng.normal(scale=0.05, size=(1000, len(hands), 4)), axis=0)
    rotations = (keys / np.linalg.norm(keys, axis=-1, keepdims=True)).astype(np.float32)
    root = np.cumsum(rng.normal(scale=0.005, size=(1000, 3)), axis=0).astype(np.float32) + np.float32(1)
    clip = Clip(SMPLX22, 30.0, rotations[:, :22], root)
    told = replace(clip, contacts=np.ones((1000, 4), np.float32))
    fingers = Clip(hands, 30.0, rotations, root)
    way = Transfer(canonical(), canonical())
    tasks: dict[str, Callable[[], object]] = {
        "pose, size and place": lambda: way.carry(clip),
        "onto smplx22 (floor and contacts found)": lambda: retarget(clip),
        "onto a rig, contacts known": lambda: retarget(told, SMPLX22),
        "onto a rig, contacts found": lambda: retarget(clip, SMPLX22),
        "the same with 30 finger joints on both": lambda: retarget(fingers, hands),
        "feet locked, on top": lambda: lock_feet(clip),
    }

    return {name: best_ms(task, repeats, time.process_time) for name, task in tasks.items()}


def main() -> int:
    """The command line."""
    parser = program.parser("tools.transfers", __doc__)
    here = Path(__file__).parents[1]
    mocap = Path(os.environ.get("MOTUS_MOCAP", here.parent / "shared" / "mocap"))
    parser.add_argument("--mocap", type=Path, default=mocap, metavar="DIR", help="folder of the archives")
    parser.add_argument(
        "--cache", type=Path, default=here / "data" / "archives", metavar="DIR", help="unpacked archives"
    )
    parser.add_argument("--takes", type=int, default=12, metavar="N", help="takes of each corpus at most (12)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    options = parser.parse_args()

    def work() -> None:
        figures = {
            **tables(options.mocap, options.cache, options.takes),
            "milliseconds": speed(),
            "machine": f"Python {platform.python_version()}, numpy {np.__version__}, one core",
        }
        program.report(parser, figures, options.json)

    return program.run(work)


if __name__ == "__main__":
    sys.exit(main())
