"""A sentence becomes a file that Blender opens, in one line."""

from __future__ import annotations

import sys
from pathlib import Path

from motion.io import bvh
from motion.protocol import ADDRESS
from runtime.client import Client


def main(address: str = ADDRESS) -> None:
    """Ask, wait, write."""
    clip = Client(address).generate("a person waves with the left hand", seconds=3).result().clip
    assert clip is not None
    out = Path("out")
    out.mkdir(exist_ok=True)
    bvh.write(clip, out / "hello.bvh")
    print(f"{len(clip)} frames, {clip.seconds:g} s, on {clip.skeleton.name}: {out / 'hello.bvh'}")


if __name__ == "__main__":
    main(*sys.argv[1:])
