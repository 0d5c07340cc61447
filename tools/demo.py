"""A sentence becomes a moving character: `python3 -m tools.demo "a person walks forward and waves"`.

Sets itself up on a bare machine, starts a server of its own, streams the motion and writes it as .bvh, .glb, .mp4 and
a contact sheet .png. Standard library only: what has to be installed is imported by tools.render.take.
"""

from __future__ import annotations

import argparse
import math
import re
import signal
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from motion.errors import BadConfig, MotionError

_TEXT = """\
examples:
  python3 -m tools.demo "a person walks forward and waves"
  python3 -m tools.demo "someone kicks with the left foot" --seconds 4 --seed 7
  python3 -m tools.demo "a person dances" --seconds 10 --bundle path/to/bundle --out films

Four files named after the sentence appear in the folder --out: .bvh and .glb for Blender, Unity and other programs,
.mp4 to watch, and .png with eight moments from two sides. The left side of the body is blue, the right side orange.
The same sentence, seconds and seed give the same motion. The first run on a machine installs what is needed.
"""


@dataclass(frozen=True)
class DemoConfig:
    """What is asked for."""

    text: str
    seconds: float = 6.0
    seed: int = 1
    out: Path = Path("out")
    """folder, made where it is missing"""
    bundle: str = "base"
    """a bundle's folder, or the name of one that comes with Motus"""

    def __post_init__(self) -> None:
        if not self.text.strip():
            raise BadConfig('the sentence is empty; say what the person does, such as "a person walks forward"')
        if not (math.isfinite(self.seconds) and self.seconds > 0):
            raise BadConfig(f"--seconds is {self.seconds:g}; give a positive number, such as 6")
        if not 0 <= self.seed < 2**32:
            raise BadConfig(f"--seed is {self.seed}; give a whole number from 0 to {2**32 - 1}")
        if not self.bundle:
            raise BadConfig("--bundle is empty; give a bundle's folder, or base")

    @property
    def name(self) -> str:
        """What the files are called: the sentence in lower case, words joined by dashes."""
        words = re.findall(r"\w+", self.text.lower())
        slug = ""
        for word in words:
            if slug and len(slug) + 1 + len(word) > 60:
                break
            slug += f"-{word[:60]}" if slug else word[:60]
        return slug or "motion"


def parse(arguments: list[str] | None = None) -> DemoConfig:
    """The settings on the command line. Raises BadConfig; --help and unknown arguments end the program."""
    parser = argparse.ArgumentParser(
        "python3 -m tools.demo",
        description="A sentence becomes a moving character.",
        epilog=_TEXT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("text", help='what the person does, in quotes: "a person walks forward and waves"')
    parser.add_argument("--seconds", type=float, default=6.0, help="length of the motion (default 6)")
    parser.add_argument("--seed", type=int, default=1, help="another number gives another motion (default 1)")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the files (default out/)")
    parser.add_argument("--bundle", default="base", help="name or folder of the trained weights (default base)")
    return DemoConfig(**vars(parser.parse_args(arguments)))


def writable(folder: Path) -> None:
    """Makes the folder where it is missing. Raises BadConfig where files cannot be written to it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise BadConfig(f"--out {folder} cannot be written to ({error.strerror}); give another folder") from error


def main(arguments: list[str] | None = None) -> int:
    """Runs the demo; returns its exit status: 0 done, 1 it failed, 2 wrong arguments, 130 stopped by Ctrl-C."""
    try:
        config = parse(arguments)
        writable(config.out)
    except MotionError as error:
        print(f"tools.demo: {error}", file=sys.stderr)
        return 2
    if __name__ == "__main__":
        from tools.setup.bootstrap import ensure

        ensure("serve", "weights", "view")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # being ended closes the server as Ctrl-C does
    try:
        from tools.render import take

        take.check(config)
        take.take(config, take.serving(config.bundle))
    except KeyboardInterrupt:
        print("\nstopped; the server is gone too", file=sys.stderr)
        return 130
    except MotionError as error:
        print(f"\ntools.demo: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
