"""Motion files from one format, skeleton, rate and set of axes to another: `python -m tools.convert IN OUT`."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from motion.bodies.body import Body
    from motion.clip import Clip
    from motion.convert.collection import Task
    from motion.convert.conversion import Outcome, Plan
    from motion.quat import F32
    from runtime.generation.coder import Coder

_TEXT = """\
formats, by their endings:
  .bvh  .npz (ours, AMASS, SMPL-X)  .glb  .gltf    read and written
  .fbx                                             read and written where Blender is (MOTUS_BLENDER)
  .amc                                             read, with the .asf beside it or --asf
  .csv                                             written: joint positions

IN may be a folder or an archive (.zip, .tar.*): everything in it is converted, and OUT is a folder.

examples:
  python -m tools.convert walk.bvh walk.glb                       a skinned body that any viewer shows
  python -m tools.convert 35_01.amc walk.bvh --fps 30             CMU's motion, thinned from 120 frames a second
  python -m tools.convert walk.bvh hero.glb --skeleton hero.glb   your own character: its skeleton, mesh and textures
  python -m tools.convert walk.bvh walk.npz --skeleton smplx55 --npz smplx
  python -m tools.convert walk.npz walk.glb --body models/        an AMASS recording on its licensed SMPL-X body
  python -m tools.convert walk.bvh walk.glb --body anny           the same motion on the open body Anny
  python -m tools.convert walk.bvh walk.glb --through base        what is left of it in a tokenizer's codes
  python -m tools.convert takes.glb out/ --take all --to bvh      every animation of a file
  python -m tools.convert mocap/ out/ --to glb --verify           a whole collection, each file read again and compared
  python -m tools.convert mocap/ --check                          only says which files can be read

What each format keeps and loses is written in docs/formats.md.
"""


def main(arguments: list[str] | None = None) -> int:
    """Runs the program; returns 0 when every file was converted, 1 when some were not, 2 when it could not begin."""
    given = _parser().parse_args(arguments)
    from motion.convert import tally
    from motion.errors import MotionError

    try:
        if given.out is None and not given.check:
            raise MotionError("say where the result goes: python -m tools.convert IN OUT, or --check to only read")
        plan = _plan(given)
        with tempfile.TemporaryDirectory(prefix="motus-convert-") as scratch:
            tasks = _tasks(given, Path(scratch))
            many = len(tasks) > 1 or given.source.is_dir() or given.check
            outcomes = list(_run(tasks, plan, given.workers, given.check, many))
            _say(tasks, outcomes, given.report, many)
            if given.json:
                command = shlex.join(
                    ["python", "-m", "tools.convert", *(sys.argv[1:] if arguments is None else arguments)]
                )
                told = {"command": command, "kinds": tally.figures(tasks, outcomes)}
                given.json.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    except (MotionError, OSError) as error:
        print(f"tools.convert: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\ntools.convert: stopped; what was converted before is there", file=sys.stderr)
        return 130
    return int(any(outcome.error for outcome in outcomes))


class _Parser(argparse.ArgumentParser):
    """Says what is wrong with the arguments in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"tools.convert: {message}; --help lists all there is\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        "python -m tools.convert",
        description=__doc__,
        epilog=_TEXT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("source", type=Path, metavar="IN", help="a motion file, a folder or an archive of them")
    add("out", metavar="OUT", nargs="?", help="the file to write, or a folder")
    add("--to", metavar="ENDING", help="what to write into a folder: bvh, npz, glb, gltf, fbx, csv (default glb)")
    add(
        "--skeleton",
        default="keep",
        metavar="keep|smplx22|smplx55|PATH",
        help="retarget to smplx22, to SMPL-X with its fingers, or to that file's skeleton",
    )
    add("--fps", type=float, metavar="N", help="frames per second of the result")
    add("--asf", type=Path, metavar="FILE", help="the skeleton of an .amc, where none lies beside it")
    add("--up", choices=("y", "z"), help="vertical axis of the result, for .bvh, .csv and SMPL's .npz")
    add("--units", choices=("m", "cm", "mm", "in"), help="unit of the result, for .bvh (cm) and .csv (m)")
    add("--from-up", choices=("y", "z"), help="vertical axis of IN, where it is told wrongly")
    add("--from-units", choices=("m", "cm", "mm", "in"), help="unit of a .bvh, where it is told wrongly")
    add("--from-fps", type=float, metavar="N", help="frames per second of a file that states none")
    add("--npz", choices=("motus", "amass", "smplx"), default="motus", help="which kind of .npz to write (motus)")
    add("--gender", choices=("neutral", "male", "female"), default="neutral", help="of an AMASS or SMPL-X .npz")
    add("--body", metavar="PATH|anny|mannequin", help="SMPL-X model files (.npz), the open body Anny, or the mannequin")
    add("--take", metavar="NAME", help="animation of a .glb or .fbx by name, or all (default the first)")
    add("--map", type=Path, metavar="FILE", help="a TOML file that says which joint of IN is what")
    add("--skeleton-map", type=Path, metavar="FILE", help="the same for the skeleton it goes to")
    add("--through", metavar="BUNDLE", help="the motion through a bundle's codes and back, on the skeleton it codes")
    add("--lock-feet", action="store_true", help="feet that rest do not slide")
    add("--reach-hands", action="store_true", help="with --skeleton: hands go where the recording's go, at its size")
    add("--partial", action="store_true", help="take the frames that are there from a .bvh that announces more")
    add("--most-mb", type=int, default=512, metavar="N", help="refuse larger files (512)")
    add("--report", action="store_true", help="print what retargeting took for what")
    add("--verify", action="store_true", help="read each result again and measure how far its joints are off")
    add("--check", action="store_true", help="convert into nowhere: which files can be read?")
    add("--workers", type=int, default=1, metavar="N", help="processes for many files (1)")
    add("--json", type=Path, metavar="FILE", help="write the table there")
    return parser


def _plan(given: argparse.Namespace) -> Plan:
    """What the arguments ask for. Raises MotionError."""
    from motion import smplx
    from motion.convert.collection import is_archive
    from motion.convert.conversion import Plan
    from motion.convert.formats import READ, Reading, Writing, concerns, skeleton
    from motion.errors import BadConfig
    from motion.retargeting import joint_sheet
    from tools.setup.extras import need

    for name in ("fps", "from_fps", "most_mb", "workers"):
        value = getattr(given, name)
        if value is not None and not 0 < value < 1e6:
            raise BadConfig(
                f"--{name.replace('_', '-')} {value:g} is out of range; give a number above 0 and below a million"
            )
    most = given.most_mb << 20
    through, shaped = None, None
    if given.through is not None:
        from runtime.generation.loading import find

        need("--through", "serve")
        find(given.through)  # says at once where there is none
        through = partial(_through, given.through)
    take = None if given.take == "all" else given.take
    reading = Reading(given.asf, take, given.from_up, given.from_units, given.from_fps, given.partial, most)
    if given.source.is_file() and not is_archive(given.source):
        concerns(given.source, reading if not given.skeleton.lower().endswith(".amc") else replace(reading, asf=None))
    writing = Writing(given.up, given.units, given.npz, given.gender)
    target = None
    if given.skeleton in smplx.NAMES.values():
        target = smplx.skeleton(next(joints for joints, name in smplx.NAMES.items() if name == given.skeleton))
    elif given.skeleton != "keep":
        path = Path(given.skeleton)
        if path.suffix.lower() not in (*READ, ".asf"):
            names = ", ".join(smplx.NAMES.values())
            raise BadConfig(f"--skeleton {given.skeleton} is neither keep nor a motion file nor one of {names}")
        target = skeleton(path, Reading(asf=given.asf, most=most))
        if path.suffix.lower() in (".glb", ".gltf") and given.body is None:
            writing = replace(writing, character=path)
    if given.reach_hands and given.skeleton == "keep" and given.body is None:
        raise BadConfig("--reach-hands is for motion that goes to another skeleton; say which (--skeleton)")
    if given.body == "anny":
        from models.bodies import anny

        if target is not None:
            raise BadConfig("--body anny has a skeleton of her own; leave --skeleton out")
        writing = replace(writing, body=anny.body())
        target = anny.body().skeleton
    elif given.body not in (None, "mannequin"):
        shaped = partial(_smplx, Path(given.body))
        if not Path(given.body).exists():
            raise BadConfig(
                f"--body {given.body} is neither anny nor mannequin, and there is no such file or folder of SMPL-X "
                "models"
            )
        need("--body PATH", "smplx")
    return Plan(
        reading,
        writing,
        target,
        given.fps,
        joint_sheet.load(given.map) if given.map else None,
        joint_sheet.load(given.skeleton_map) if given.skeleton_map else None,
        given.lock_feet,
        given.reach_hands,
        shaped,
        given.verify,
        through,
    )


def _through(bundle: str, clip: Clip) -> Clip:
    return _coder(bundle).clip(clip)


@cache
def _coder(bundle: str) -> Coder:
    from runtime.generation.coder import Coder  # brings onnxruntime, which plain conversions do without
    from runtime.generation.loading import find

    return Coder(find(bundle), threads=1)


def _smplx(folder: Path, betas: F32 | None, gender: str) -> Body:
    from models.bodies import smplx  # brings torch

    return smplx.body(smplx.load(folder, betas, gender))


def _tasks(given: argparse.Namespace, scratch: Path) -> list[Task]:
    """Every file to convert and where it goes. Raises MotionError."""
    from motion.convert import collection, formats
    from motion.errors import BadConfig, BadFile

    source: Path = given.source
    if not source.exists():
        raise BadFile("there is no such file or folder", str(source))
    ending = "." + (given.to or "glb").lstrip(".").lower()
    out = scratch / "out" if given.check else Path(given.out)
    folder = source.is_dir() or collection.is_archive(source)
    meant = not given.check and (given.out.endswith(("/", os.sep)) or (given.to is not None and not out.suffix))
    into = folder or out.is_dir() or meant or given.check or given.take == "all"
    formats.check(Path(f"x{ending}") if into else out, formats.Writing(given.up, given.units, given.npz))
    if not into:
        if given.to is not None and out.suffix.lower() != ending:
            raise BadConfig(f"OUT is {out.name}, but --to says {given.to}; leave one of them out")
        return collection.single(source, out)
    if out.suffix.lower() in formats.WRITTEN and not out.is_dir():
        raise BadConfig(f"many files come out of {source}; give a folder as OUT, and --to for what goes into it")
    return collection.several(source, out, ending, given.take == "all", scratch, given.most_mb << 20)


def _run(tasks: list[Task], plan: Plan, workers: int, check: bool, many: bool) -> Iterator[Outcome]:
    """Outcomes in the order of the tasks, with a line that moves."""
    from tools.setup.ticker import Ticker, bar

    ticker = Ticker(sys.stderr)
    started = time.monotonic()
    jobs = [(task, plan, check) for task in tasks]
    with ProcessPoolExecutor(workers) if workers > 1 else _Alone() as pool:
        for count, outcome in enumerate(pool.map(_one, jobs), 1):
            if many:
                pace = (time.monotonic() - started) / count
                left = pace * (len(tasks) - count)
                ticker.show(
                    f"{bar(count, len(tasks))} {count} of {len(tasks)}, {left:.0f} s to go   {tasks[count - 1].shown}"
                )
                if outcome.error:
                    ticker.say(f"not converted: {tasks[count - 1].shown}: {outcome.error}")
            yield outcome


class _Alone:
    """A pool of this one process."""

    def __enter__(self) -> _Alone:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    map = staticmethod(map)


def _one(job: tuple[Task, Plan, bool]) -> Outcome:
    from motion.convert.conversion import convert

    task, plan, check = job
    plan = replace(plan, reading=replace(plan.reading, take=task.take or plan.reading.take))
    outcome = convert(task.source, task.out, plan)
    if check:
        task.out.unlink(missing_ok=True)
    return outcome


def _say(tasks: list[Task], outcomes: list[Outcome], report: bool, many: bool) -> None:
    from motion.convert import tally

    for task, outcome in zip(tasks, outcomes, strict=True):
        if outcome.error and not many:
            print(f"tools.convert: {outcome.error}", file=sys.stderr)
        elif not many:
            off = "" if outcome.apart_mm is None else f", read again within {outcome.apart_mm:.4f} mm"
            length = f"{outcome.frames} frames of {outcome.joints} joints, {outcome.fps:g} a second"
            print(f"{outcome.out}  ({length}, {outcome.frames / outcome.fps:.2f} s{off})")
            if outcome.note:
                print(outcome.note)
        if report and outcome.report:
            print(f"{task.shown}\n{outcome.report}")
    if many:
        print(tally.table(tally.figures(tasks, outcomes)))


if __name__ == "__main__":
    from tools.setup.bootstrap import ensure

    ensure(*(("serve",) if any(argument.startswith("--through") for argument in sys.argv) else ()))
    sys.exit(main())
