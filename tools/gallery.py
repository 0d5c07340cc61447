"""The pictures of docs/: what the shipped bundle makes of the sentences it must get right.

python -m tools.gallery --out docs/pictures                      one contact sheet a sentence, from a real server
python -m tools.gallery --out docs/pictures --clips runs/clips   and one for each .npz that export.evaluate kept
"""

from __future__ import annotations

import argparse
import logging
import re
import sys
from pathlib import Path

from motion import clip as clips
from motion.clip import Clip
from motion.errors import MotionError
from runtime.client import Client
from tools.measuring.server import Server
from tools.render import sheet
from tools.render.camera import VIEWS
from tools.render.stage import stage

log = logging.getLogger(__name__)
SENTENCES: tuple[tuple[str, float], ...] = (
    ("a person raises the right hand", 3.0),
    ("a person waves with the left hand", 4.0),
    ("a person walks forward", 4.0),
    ("a person runs", 3.0),
    ("a person walks and turns left", 4.0),
    ("a person bows", 4.0),
    ("a person kicks", 3.0),
    ("a person punches", 3.0),
    ("a person walks forward and waves", 6.0),
)
STRANGE: tuple[tuple[str, float], ...] = (
    ("an exhausted nurse waves to the bus with her left hand", 4.0),
    ("the butler bows to the guests", 4.0),
    ("grandpa goes for a stroll", 4.0),
    ("kids jump over a puddle", 4.0),
    ("the goalkeeper puts both arms up", 4.0),
    ("she backs away from the dog", 4.0),
    ("a soldier turns left at the fence and walks on", 4.0),
    ("does deep knee bends", 4.0),
    ("boxer hits the bag", 4.0),
    ("a proud emperor walks in, then waves", 6.0),
)
"""in words that nobody trained on, chosen before anybody had seen what becomes of them"""
_COLUMNS = 8


def draw(clip: Clip, title: str, path: Path) -> None:
    """Writes the contact sheet of a clip: eight moments, from two sides."""
    views = (VIEWS["three-quarter"], VIEWS["side"])
    sheet.save(sheet.sheet(stage(clip), views, _COLUMNS, title), path)
    log.info("%s", path)


def _slug(text: str) -> str:
    return re.sub(r"\W+", "-", text.lower()).strip("-")


def main() -> int:
    """The command line."""
    assert __doc__ is not None
    parser = argparse.ArgumentParser(
        prog="python -m tools.gallery", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("docs/pictures"), metavar="DIR", help="docs/pictures")
    parser.add_argument("--bundle", default="base", help="name or folder of a bundle (base)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--clips", type=Path, metavar="DIR", help="also draw the .npz clips in here")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    options.out.mkdir(parents=True, exist_ok=True)
    try:
        with Server("--bundle", options.bundle) as server:
            server.wait(lambda line, _: log.info("%s", line) if line else None)
            with Client(server.address, name="gallery") as client:
                for sentence, seconds in (*SENTENCES, *STRANGE):
                    made = client.generate(sentence, seconds=seconds, seed=options.seed).result().clip
                    assert made is not None, "text-to-motion gives a clip"
                    draw(
                        made, f"{sentence}, {seconds:g} s, seed {options.seed}", options.out / f"{_slug(sentence)}.webp"
                    )
        for path in sorted(options.clips.glob("*.npz")) if options.clips else []:
            clip = clips.load(path)
            draw(clip, f"{path.stem}: {clip.name}", options.out / f"action-{path.stem}.webp")
    except MotionError as error:
        log.error("%s", error)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
