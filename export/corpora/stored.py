"""Clips out of a .npz that holds several, and the sheets of words beside them.

`names` (J,) are the joints, `fps` their rate; `<clip>.root` (T, 3) metres and `<clip>.quat` (T, J, 4) w x y z, local,
are one clip. `parents` (J,) and `offsets` (J, 3) are the skeleton; where the file has none its joints are those of
`smplx22`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from motion import quat
from motion.clip import Clip
from motion.errors import BadClip, BadFile
from motion.io import npz
from motion.skeleton import SMPLX22, Skeleton


def read(path: Path, take: str) -> Clip:
    """The clip `take` of a file. Raises BadFile where it has none of that name or is no such file."""
    arrays = npz.read(path)
    if f"{take}.quat" not in arrays:
        raise BadFile(f"there is no clip {take!r} in it; fetch the corpus again", str(path))
    try:
        names = tuple(str(name) for name in arrays["names"])
        skeleton = SMPLX22
        if "parents" in arrays:
            parents = tuple(int(parent) for parent in arrays["parents"])
            skeleton = Skeleton(path.stem, names, parents, arrays["offsets"].astype(np.float32))
        if names != skeleton.joints:
            raise ValueError("a file without parents must have the joints of smplx22")
        rotations = quat.normalize(arrays[f"{take}.quat"].astype(np.float32))
        return Clip(skeleton, float(arrays["fps"]), rotations, arrays[f"{take}.root"].astype(np.float32), name=take)
    except (KeyError, ValueError, TypeError, BadClip) as problem:
        raise BadFile(f"cannot be read as clips of a corpus ({problem})", str(path)) from problem


def sheet(path: Path) -> list[dict[str, Any]]:
    """The list of clips beside a corpus' files. Raises BadFile."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise BadFile(f"cannot be read as the list of a corpus' clips ({problem})", str(path)) from problem
    if not isinstance(found, list):
        raise BadFile("is no list of clips; fetch the corpus again", str(path))
    return found
