"""Motion to go on from, and motion to arrive at."""

from __future__ import annotations

import sys

import numpy as np

from motion.clip import cut, move
from motion.protocol import ADDRESS
from runtime.client import Client


def main(address: str = ADDRESS) -> None:
    """Prediction goes on from a past; in-betweening leads from a past to a future. All of it in one world."""
    with Client(address) as client:
        walk = client.generate("a person walks forward", seconds=3, seed=2).result().clip
        assert walk is not None
        more = client.generate(task="prediction", past=walk, seconds=2, seed=3).result().clip
        assert more is not None
        gap = np.linalg.norm(more.root[0] - walk.root[-1])
        print(f"the prediction begins {100 * gap:.1f} cm from where the walk ended")

        begin, end = cut(walk, 0, 30), move(cut(walk, 30, 60), np.array([0.5, 0, 1.0], np.float32))
        between = client.generate(task="in-betweening", past=begin, future=end, seconds=1.5, seed=4).result().clip
        assert between is not None
        near = float(np.linalg.norm(between.root[0] - begin.root[-1]))
        far = float(np.linalg.norm(between.root[-1] - end.root[0]))
        print(
            f"{len(between)} frames between; {100 * near:.1f} cm from the past's last, {100 * far:.1f} cm from the next"
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
