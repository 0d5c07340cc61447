"""Frames on a skeleton of your own: give its joints and the offsets of its rest pose."""

from __future__ import annotations

import sys

import numpy as np

from motion.protocol import ADDRESS
from motion.skeleton import Skeleton
from runtime.client import Client

# Joint, parent, offset in metres. Names tell the joints' roles, in whatever dialect; joints that play none keep their
# rest pose. This one is a child of 1.2 m with a tail.
JOINTS = (
    ("Hips", -1, (0, 0.62, 0)), ("Spine", 0, (0, 0.08, 0)), ("Chest", 1, (0, 0.12, 0)), ("Neck", 2, (0, 0.13, 0)),
    ("Head", 3, (0, 0.07, 0)), ("Tail", 0, (0, 0, -0.1)),
    ("LeftUpLeg", 0, (0.06, -0.05, 0)), ("LeftLeg", 6, (0, -0.27, 0)), ("LeftFoot", 7, (0, -0.27, 0)),
    ("LeftToeBase", 8, (0, -0.03, 0.1)),
    ("RightUpLeg", 0, (-0.06, -0.05, 0)), ("RightLeg", 10, (0, -0.27, 0)), ("RightFoot", 11, (0, -0.27, 0)),
    ("RightToeBase", 12, (0, -0.03, 0.1)),
    ("LeftShoulder", 2, (0.04, 0.1, 0)), ("LeftArm", 14, (0.09, 0, 0)), ("LeftForeArm", 15, (0.13, -0.13, 0)),
    ("LeftHand", 16, (0.12, -0.12, 0)),
    ("RightShoulder", 2, (-0.04, 0.1, 0)), ("RightArm", 18, (-0.09, 0, 0)), ("RightForeArm", 19, (-0.13, -0.13, 0)),
    ("RightHand", 20, (-0.12, -0.12, 0)),
)  # fmt: skip


def rig() -> Skeleton:
    """The child."""
    names, parents, offsets = zip(*JOINTS, strict=True)
    return Skeleton("child", names, parents, np.array(offsets, np.float32))


def main(address: str = ADDRESS) -> None:
    """Frames come in the rig's joints and size, and may be put onto it as they are."""
    with Client(address) as client:
        clip = client.generate("a person walks forward", seconds=3, seed=1, rig=rig()).result().clip
        grown = client.generate("a person walks forward", seconds=3, seed=1).result().clip
    assert clip is not None
    assert grown is not None
    print(f"{clip.skeleton.name}: {len(clip.skeleton)} joints, rotations {clip.rotations.shape}")
    ways = [float(np.linalg.norm(one.root[-1] - one.root[0])) for one in (clip, grown)]
    print(f"it walks {ways[0]:.2f} m where a grown-up walks {ways[1]:.2f} m")


if __name__ == "__main__":
    main(*sys.argv[1:])
