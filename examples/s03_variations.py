"""Several motions of one sentence, described in words; seeds."""

from __future__ import annotations

import sys

import numpy as np

from motion.protocol import ADDRESS
from runtime.client import Client


def main(address: str = ADDRESS) -> None:
    """The same sentence, length and seed give the same motion; the variations have the seeds that follow."""
    with Client(address) as client:
        result = client.generate("a person turns left", seconds=2, seed=10, variations=3, caption=True).result()
        for i, (clip, caption) in enumerate(zip(result.clips, result.captions, strict=True)):
            way = np.linalg.norm(clip.root[-1] - clip.root[0])
            print(f"seed {10 + i}: {way:.2f} m on the way, described as {caption!r}")

        again = client.generate("a person turns left", seconds=2, seed=11).result().clip
        assert again is not None
        print("seed 11 again is the second one:", np.array_equal(again.rotations, result.clips[1].rotations))


if __name__ == "__main__":
    main(*sys.argv[1:])
