"""The text of a BVH file: six channels on the root, and on every joint of a clip that moves bones; Z Y X rotations, in
degrees without jumps of a whole turn; leaf joints called `<parent>_end` as end sites; eight significant digits.
"""

from __future__ import annotations

import re

import numpy as np

from motion import quat
from motion.clip import Clip
from motion.quat import F32
from motion.skeleton import Skeleton

_DEEPEST = 100  # tabs before a line


def dump(clip: Clip, scale: float) -> str:
    """A clip as the text of a BVH file; scale: units of the file per metre."""
    lines, order = _lines(clip, scale)
    columns: list[F32] = []
    for joint in order:
        if joint == 0:
            columns.append(clip.root * scale)
        elif clip.offsets is not None:
            columns.append(clip.offsets[:, joint] * scale)
        columns.append(np.rad2deg(np.unwrap(quat.to_euler(clip.rotations[:, joint], "zyx").astype(np.float64), axis=0)))
    table = np.concatenate(columns, axis=1)
    table[np.abs(table) < 1e-9] = 0  # and no minus before it
    lines += ["MOTION", f"Frames: {len(clip)}", f"Frame Time: {1 / clip.fps:.10g}"]
    row = " ".join(["%.8g"] * table.shape[1])
    lines += [row % tuple(frame) for frame in table.tolist()]
    return "\n".join(lines) + "\n"


def _labels(skeleton: Skeleton) -> list[str]:
    """Joint names as the format can hold them: without blanks and braces, none of them empty, no two alike."""
    labels = [re.sub(r"[\s{}\x00-\x1f]+", "_", name) or "joint" for name in skeleton.joints]
    kept = {label for label, name in zip(labels, skeleton.joints, strict=True) if label == name}
    used: set[str] = set()
    for i, name in enumerate(skeleton.joints):
        label, count = labels[i], 2
        while label in used or (label in kept and label != name):
            label, count = f"{labels[i]}_{count}", count + 1
        labels[i] = label
        used.add(label)
    return labels


def _lines(clip: Clip, scale: float) -> tuple[list[str], list[int]]:
    """The hierarchy, and the joints in the order of their channels."""
    skeleton = clip.skeleton
    below: list[list[int]] = [[] for _ in skeleton.joints]
    for joint, parent in enumerate(skeleton.parents):
        if parent >= 0:
            below[parent].append(joint)
    labels = _labels(skeleton)
    lines, order = ["HIERARCHY"], list[int]()
    waiting = [(0, 0, True)]  # joint, depth, opens (else its brace closes)
    while waiting:
        joint, depth, opens = waiting.pop()
        pad = "\t" * min(depth, _DEEPEST)
        if not opens:
            lines.append(f"{pad}}}")
            continue
        name, parent = skeleton.joints[joint], skeleton.joints[skeleton.parents[joint]]
        x, y, z = skeleton.offsets[joint] * scale
        offset = f"{pad}\tOFFSET {x:.7g} {y:.7g} {z:.7g}"
        if depth and not below[joint] and re.fullmatch(re.escape(parent) + r"_end\d*", name):
            lines += [f"{pad}End Site", f"{pad}{{", offset, f"{pad}}}"]
            continue
        order.append(joint)
        moves = depth == 0 or clip.offsets is not None
        channels = ("6 Xposition Yposition Zposition" if moves else "3") + " Zrotation Yrotation Xrotation"
        lines += [
            f"{pad}{'JOINT' if depth else 'ROOT'} {labels[joint]}",
            f"{pad}{{",
            offset,
            f"{pad}\tCHANNELS {channels}",
        ]
        if not below[joint]:
            lines += [f"{pad}\tEnd Site", f"{pad}\t{{", f"{pad}\t\tOFFSET 0.0 0.0 0.0", f"{pad}\t}}"]
        waiting.append((joint, depth, False))
        waiting += [(child, depth + 1, True) for child in reversed(below[joint])]
    return lines, order
