"""What the C# tests compare with: `python -m tests.unity.fixtures FOLDER` writes clips, rigs and their poses.

skeleton.bin            a `scene` of smplx22
clip-NAME.bin           `frames` of a clip on it
rig-NAME.bin            a `scene` whose joints are bones of Unity's Humanoid, and its offsets their places at rest
places-RIG-CLIP.bin     float32 (T, J, 3): where motion.retargeting.transfer puts those bones
"""

from __future__ import annotations

import math
import sys
from pathlib import Path

import numpy as np

from motion import protocol
from motion.clip import Clip, cut, load
from motion.contacts import detect
from motion.edit.loop import loop, repeat
from motion.protocol import Frames, Message, Scene
from motion.retargeting.humanoid import Humanoid, canonical
from motion.retargeting.transfer import Transfer
from motion.skeleton import SMPLX22, fk
from tests.motion import clips, rigs
from tests.motion.protocol.examples import to_bytes

BONES = {
    "Hips": "pelvis", "LeftUpperLeg": "left_hip", "RightUpperLeg": "right_hip", "LeftLowerLeg": "left_knee",
    "RightLowerLeg": "right_knee", "LeftFoot": "left_ankle", "RightFoot": "right_ankle", "Neck": "neck", "Head": "head",
    "LeftShoulder": "left_collar", "RightShoulder": "right_collar", "LeftUpperArm": "left_shoulder",
    "RightUpperArm": "right_shoulder", "LeftLowerArm": "left_elbow", "RightLowerArm": "right_elbow",
    "LeftHand": "left_wrist", "RightHand": "right_wrist", "LeftToes": "left_foot", "RightToes": "right_foot",
}  # fmt: skip
SPINE = ("Spine", "Chest", "UpperChest")
RIGS = ("unity", "mixamo", "vrm", "unreal", "smpl", "sparse game rig")
CLIPS = ("stroll", "backflip", "lie_down")


def write(folder: Path) -> None:
    """All of them."""
    folder.mkdir(parents=True, exist_ok=True)
    _put(folder / "skeleton.bin", _scene("smplx22", SMPLX22.joints, SMPLX22.parents, SMPLX22.offsets))
    motions = {name: getattr(clips, name)() for name in CLIPS}
    for name, clip in [*motions.items(), ("walk", walk()), ("long", long())]:
        _put(folder / f"clip-{name}.bin", frames(name, clip))
    for name in RIGS:
        body = Humanoid.of(rigs.all_rigs()[name].skeleton)
        bones = {bone: body.joints[role] for bone, role in BONES.items() if role in body.joints}
        chain = [*body.spine, body.joints["spine3"]]
        bones |= dict(zip(SPINE, chain, strict=False))
        rest = body.upright_skeleton.rest_positions()[list(bones.values())]
        _put(
            folder / f"rig-{name}.bin",
            _scene(name.replace(" ", "-"), tuple(bones), (-1,) + (0,) * (len(bones) - 1), rest),
        )
        for title, clip in motions.items():
            moved = Transfer(canonical(), body).carry(clip)
            places = fk(moved.skeleton, moved.rotations, moved.root)[0][:, list(bones.values())]
            (folder / f"places-{name}-{title}.bin").write_bytes(places.astype("<f4").tobytes())


def walk() -> Clip:
    """A recorded walk of six steps on `smplx22`, as the server would send it."""
    return load(clips.FIXTURES / "cmu-16_15.npz")


def long(seconds: float = 60.0) -> Clip:
    """Two strides of that walk for as long as one likes, each round going on from the one before."""
    stride = loop(cut(walk(), 14, 86))
    return cut(repeat(stride, math.ceil(seconds / stride.seconds) + 1), 0, round(seconds * stride.fps))


def frames(name: str, clip: Clip) -> Frames:
    """A clip as one message."""
    touching = detect(clip) if clip.contacts is None else clip.contacts
    return Frames(name, 0, 0, clip.fps, 0.0, clip.root, clip.rotations, touching.astype(np.float32))


def _scene(name: str, joints: tuple[str, ...], parents: tuple[int, ...], offsets: np.ndarray) -> Scene:
    return Scene(name, 1, 30.0, 0.0, "CC0", name, joints, parents, offsets.astype(np.float32))


def _put(path: Path, message: Message) -> None:
    path.write_bytes(to_bytes(protocol.pack(message)))


if __name__ == "__main__":
    write(Path(sys.argv[1]))
