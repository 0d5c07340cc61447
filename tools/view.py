"""Pictures of a clip: `python -m tools.view CLIP --out FILE.png` (contact sheet) or `FILE.mp4` (film)."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from motion.clip import Clip

_TEXT = """\
Draws any motion file on a floor grid with lines each half metre: .bvh, .npz (of Motus, AMASS or SMPL-X), .glb, .gltf,
.amc (with --asf, or the one .asf beside it) and, where Blender is, .fbx. The left side of the body is blue, the right
side orange.

examples:
  python -m tools.view walk.bvh --out walk.png
  python -m tools.view walk.bvh --out walk.mp4 --views front,side
  python -m tools.view 35_01.amc --asf 35.asf --retarget --out walk.png
"""


def read(path: Path, asf: Path | None = None) -> Clip:
    """A clip from any file that can be shown. Raises BadFile, MissingPart."""
    from motion.convert import formats
    from motion.errors import BadFile

    if not path.is_file():
        raise BadFile(f"there is no such file; give one of {', '.join(formats.READ)}", str(path))
    if path.suffix.lower() not in formats.READ:
        ending = path.suffix or "a file without ending"
        raise BadFile(f"{ending} cannot be shown; give {', '.join(formats.READ)}", str(path))
    return formats.read(path, formats.Reading(asf=asf))


def main(arguments: list[str] | None = None) -> int:
    """Runs the program; returns its exit status."""
    parser = argparse.ArgumentParser(
        "python3 -m tools.view", description=__doc__, epilog=_TEXT, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("clip", type=Path, help="the motion file")
    parser.add_argument("--out", type=Path, required=True, help="a .png for a contact sheet, an .mp4 for a film")
    parser.add_argument(
        "--views", default="three-quarter,side", help="comma-separated: three-quarter, side, front, back, left, top"
    )
    parser.add_argument("--columns", type=int, default=8, help="times on a contact sheet (default 8)")
    parser.add_argument("--asf", type=Path, help="the skeleton of an .amc")
    parser.add_argument("--retarget", action="store_true", help="show the clip on the canonical skeleton smplx22")
    parser.add_argument("--follow", action="store_true", help="let the film's camera go along with the body")
    parser.add_argument("--title", help="words above the picture (default: the clip's name)")
    given = parser.parse_args(arguments)

    from motion.errors import MotionError
    from motion.retargeting.retarget import retarget
    from tools.render import sheet, video
    from tools.render.camera import views
    from tools.render.stage import stage

    try:
        kind = given.out.suffix.lower()
        if kind not in (".png", ".mp4"):
            raise MotionError(f"--out {given.out} is neither a .png nor an .mp4; give one of those")
        if not 1 <= given.columns <= 64:
            raise MotionError(f"--columns {given.columns} is out of range; give 1 to 64")
        seen = views(given.views)
        clip = read(given.clip, given.asf)
        scene = stage(retarget(clip) if given.retarget else clip)
        title = given.title or clip.name or given.clip.stem
        given.out.parent.mkdir(parents=True, exist_ok=True)
        started = time.monotonic()
        if kind == ".png":
            sheet.save(sheet.sheet(scene, seen, given.columns, title), given.out)
        else:
            video.save(scene, seen, given.out, title, _progress if sys.stderr.isatty() else None, given.follow)
        print(f"{given.out}  ({len(clip)} frames, {time.monotonic() - started:.1f} s to draw)")
    except (MotionError, OSError) as error:
        print(f"tools.view: {error}", file=sys.stderr)
        return 2
    return 0


def _progress(done: int, whole: int) -> None:
    print(f"\rframe {done} of {whole}", end="\n" if done == whole else "", file=sys.stderr, flush=True)


if __name__ == "__main__":
    from tools.setup.bootstrap import ensure

    ensure("view")
    sys.exit(main())
