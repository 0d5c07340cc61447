"""How fast motion files are read and written: `python -m tools.speeds --json docs/figures/formats.json`.

Megabytes of file and frames a second of processor time on one core, the best of several runs: everything from bytes on
disk to a clip and back, on recorded files of each maker, and on some of these clips as files of each other format. One
large file shows the pace without the cost of opening files.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from motion.clip import Clip

_RUNS = 7
_PER_MAKER = 20
_LONG_MB = 100.0
_MAKERS = (
    ("Bandai Namco", "bandai.tar.xz", ".bvh"),
    ("CMU, BVH of several exporters", "cmu.tar.xz", ".bvh"),
    ("CMU, ASF/AMC", "cmu.tar.xz", ".amc"),
    ("dance", "dance.tar.xz", ".bvh"),
    ("misc (Rokoko, MotionBuilder, converted)", "misc.tar.xz", ".bvh"),
    ("KayKit, mesh2motion", "cc0/clips.tar.xz", ".bvh"),
)


@dataclass(frozen=True)
class Speed:
    """One row."""

    what: str
    files: int
    mb: float
    frames: int
    read_mb_s: float
    read_frames_s: float
    write_mb_s: float | None = None
    write_frames_s: float | None = None


def _best(work: Callable[[], Any]) -> float:
    """Seconds of processor time, the best of several runs."""
    taken: list[float] = []
    for _ in range(_RUNS):
        started = time.process_time()
        work()
        taken.append(time.process_time() - started)
    return max(min(taken), 1e-9)


def _spread(paths: list[Path]) -> list[Path]:
    """Some of them, from the first to the last."""
    step = max(1, len(paths) // _PER_MAKER)
    return paths[::step][:_PER_MAKER]


def measure(mocap: Path, cache: Path) -> list[Speed]:
    """Rows for the recorded files of each maker, and for one long file made of the longest."""
    from export.corpora.archive import members, unpack
    from motion.convert import formats
    from motion.io import bvh

    rows: list[Speed] = []
    longest: tuple[int, Path | None] = (0, None)
    some: list[Clip] = []
    with tempfile.TemporaryDirectory(prefix="motus-speeds-") as scratch:
        for what, archive, ending in _MAKERS:
            folder = unpack(mocap / archive, cache)
            paths = _spread([folder / member for member in members(folder, ending)])
            size = sum(path.stat().st_size for path in paths)
            read = formats.skeleton_of if ending == ".amc" else None
            seconds = _best(lambda paths=paths, read=read: [_read(path, read) for path in paths])
            clips = [_read(path, read) for path in paths]
            frames = sum(map(len, clips))
            written: tuple[float, float] | tuple[()] = ()
            if ending == ".bvh":
                longest = max(longest, *((path.stat().st_size, path) for path in paths))
                out = Path(scratch) / "out.bvh"
                spent = _best(lambda clips=clips, out=out: [bvh.write(clip, out) for clip in clips])
                written = sum(len(bvh.text(clip)) for clip in clips) / spent / 1e6, frames / spent
                some = some or clips
            rows.append(Speed(what, len(paths), size / 1e6, frames, size / seconds / 1e6, frames / seconds, *written))
        rows += _formats(some, Path(scratch))
        assert longest[1] is not None
        rows.append(_long(longest[1], Path(scratch) / "long.bvh"))
    return rows


def _formats(clips: list[Clip], scratch: Path) -> list[Speed]:
    """The same clips as files of each format."""
    from motion.convert import formats
    from motion.convert.formats import Writing
    from motion.retargeting.retarget import retarget

    on_smpl = [retarget(clip) for clip in clips]
    rows: list[Speed] = []
    for what, ending, worn, how in (
        ("GLB with the mannequin", ".glb", clips, Writing()),
        ("clips of Motus (.npz)", ".npz", clips, Writing()),
        ("AMASS (.npz)", ".npz", on_smpl, Writing(layout="amass")),
        ("SMPL-X (.npz)", ".npz", on_smpl, Writing(layout="smplx")),
    ):
        paths = [scratch / f"{i}{ending}" for i in range(len(worn))]
        pairs = list(zip(worn, paths, strict=True))
        spent = _best(lambda pairs=pairs, how=how: [formats.write(clip, path, how) for clip, path in pairs])
        size, frames = sum(path.stat().st_size for path in paths) / 1e6, sum(map(len, worn))
        seconds = _best(lambda paths=paths: [formats.read(path) for path in paths])
        rows.append(
            Speed(what, len(paths), size, frames, size / seconds, frames / seconds, size / spent, frames / spent)
        )
    return rows


def _read(path: Path, skeleton: Callable[[Path], Path] | None) -> Clip:
    from motion.io import asf_amc, bvh

    return bvh.read(path) if skeleton is None else asf_amc.read(skeleton(path), path)


def _long(path: Path, out: Path) -> Speed:
    """The file's own frames again and again, until it is long."""
    from motion.io import bvh

    head, _, tail = path.read_text(encoding="utf-8").partition("MOTION")
    lines = [line for line in tail.splitlines() if line.strip()]
    frames = lines[2:]
    copies = int(_LONG_MB * 1e6 / sum(len(line) + 1 for line in frames)) + 1
    told = [f"{head}MOTION", f"Frames: {len(frames) * copies}", lines[1], *(frames * copies)]
    out.write_text("\n".join(told) + "\n", encoding="utf-8")
    size, count, seconds = out.stat().st_size / 1e6, len(frames) * copies, _best(lambda: bvh.read(out))
    return Speed(f"one long file, {path.name} again and again", 1, size, count, size / seconds, count / seconds)


def main(arguments: list[str] | None = None) -> int:
    """Runs the program; returns its exit status."""
    parser = argparse.ArgumentParser(
        "python -m tools.speeds", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    root = Path(__file__).resolve().parent.parent
    folder = Path(os.environ.get("MOTUS_MOCAP", root.parent / "shared" / "mocap"))
    parser.add_argument("--mocap", type=Path, default=folder, metavar="DIR", help="folder of the archives")
    parser.add_argument(
        "--cache", type=Path, default=root / "data" / "archives", metavar="DIR", help="unpacked archives"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    given = parser.parse_args(arguments)

    from motion.errors import MotionError
    from tools.measuring.machine import machine

    facts = machine()
    try:
        rows = measure(given.mocap, given.cache)
    except MotionError as error:
        print(f"tools.speeds: {error}", file=sys.stderr)
        return 2
    for row in rows:
        written = "" if row.write_mb_s is None else f"{row.write_mb_s:6.1f} MB/s written"
        print(f"{row.what:60s} {row.files:3d} files {row.mb:7.1f} MB  {row.read_mb_s:6.1f} MB/s read  {written}")
    if given.json:
        command = "python -m tools.speeds --json docs/figures/formats.json"
        told = {"command": command, "machine": facts, "speeds": [asdict(row) for row in rows]}
        given.json.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    from tools.setup.bootstrap import ensure

    ensure("train", "weights")
    sys.exit(main())
