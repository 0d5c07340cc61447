"""What the C# tests compare with: `python -m tests.unity.fixtures FOLDER` writes clips, rigs and their poses.

skeleton.bin            a `scene` of smplx22
clip-NAME.bin           `frames` of a clip on it
rig-NAME.bin            a `scene` whose joints are bones of Unity's Humanoid, and its offsets their places at rest
places-RIG-CLIP.bin     float32 (T, J, 3): where motion.transfer puts those bones
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from motion import protocol, quat
from motion.clip import Clip, resample
from motion.contacts import detect
from motion.humanoid import Humanoid, canonical
from motion.io import bvh
from motion.protocol import Frames, Message, Scene
from motion.retarget import retarget
from motion.skeleton import SMPLX22, fk
from motion.transfer import Transfer
from tests.motion import clips, rigs
from tests.motion.examples import to_bytes

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
    for name, clip in [*motions.items(), ("long", long())]:
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


def long(seconds: float = 60.0) -> Clip:
    """A recorded walk for as long as one likes: time swings to and fro over it, so that no frame jumps."""
    clip = resample(retarget(bvh.read(clips.FIXTURES / "cmu-35_01.bvh")), 30.0)
    last = len(clip) - 1.001
    at = last / 2 * (1 - np.cos(np.arange(round(seconds * 30)) * 2 / last))
    low, part = at.astype(int), (at % 1).astype(np.float32)
    rotations = quat.slerp(clip.rotations[low], clip.rotations[low + 1], part[:, None])
    root = clip.root[low] + (clip.root[low + 1] - clip.root[low]) * part[:, None]
    return Clip(SMPLX22, 30.0, rotations, root.astype(np.float32), None, "long")


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
