"""The keys of a glTF animation: what its samplers hold, when, and what lies between.

K keys, T frames. Times are seconds; rotations x y z w.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np

from motion import quat
from motion.errors import BadFile
from motion.io import gltf, source
from motion.io.gltf import Document, Json
from motion.io.matrices import F64

_GRID = 0.02  # frames that a key may lie beside the grid of a frame rate
RATES = (24, 25, 30, 48, 50, 60, 90, 100, 120, 144, 200, 240)


@dataclass(frozen=True)
class Track:
    """The keys of one node's translation, rotation or scale."""

    times: F64
    keys: F64
    """(K, width); (K, 3, width) for CUBICSPLINE: in-tangent, value, out-tangent."""
    mode: str


Tracks = dict[tuple[int, str], Track]
"""By node and path: "translation", "rotation", "scale"."""


def tracks(document: Document, animation: int) -> Tracks:
    """The keys of an animation by node and path ("translation", "rotation", "scale")."""
    told = cast(Json, document.json["animations"][animation])
    result: Tracks = {}
    for channel in cast(list[Json], told["channels"]):
        node, path = channel["target"].get("node"), channel["target"]["path"]
        if node is None or path not in ("translation", "rotation", "scale"):
            continue
        sampler = told["samplers"][channel["sampler"]]
        mode = sampler.get("interpolation", "LINEAR")
        times = gltf.values(document, sampler["input"])[:, 0].astype(np.float64)
        keys = gltf.values(document, sampler["output"]).astype(np.float64)
        if mode == "CUBICSPLINE":
            keys = keys.reshape(-1, 3, keys.shape[-1])
        width = 4 if path == "rotation" else 3
        if not len(times) or len(times) != len(keys) or keys.shape[-1] != width or (np.diff(times) < 0).any():
            raise BadFile(f"the {path} keys of node {node} do not fit their times; the file is damaged", document.path)
        result[node, path] = Track(times, keys, mode)
    return result


def timing(found: Tracks, fps: float | None, path: str) -> tuple[float, F64]:
    """Frames per second and the times (T,) of all frames: `fps`, or the lowest common rate the keys lie on,
    or one as fine as the keys."""
    if not found:
        return fps or 30.0, np.zeros(1)
    start = min(track.times[0] for track in found.values())
    end = max(track.times[-1] for track in found.values())
    if fps is None:
        every = np.unique(np.concatenate([track.times for track in found.values()]) - start)
        on_grid = [rate for rate in RATES if np.abs(every * rate - np.round(every * rate)).max() < _GRID]
        steps = np.diff(every)
        finest = float(steps[steps > 1e-5].min(initial=1 / 30))
        fps = float(on_grid[0]) if on_grid else float(np.clip(1 / finest, 30, 240))
    count = np.floor((end - start) * fps + _GRID) + 1
    source.admit(int(min(count, 1e15)), 1, path)
    return fps, start + np.arange(int(count)) / fps


def sample(track: Track, times: F64, path: str) -> F64:
    """Values (T, width) of a track at `times`, as its interpolation says."""
    keys = track.keys
    values = keys[:, 1] if track.mode == "CUBICSPLINE" else keys
    if len(values) == len(times) and np.abs(track.times - times).max() < 1e-5:
        return values
    at = np.clip(times, track.times[0], track.times[-1])
    low = np.clip(np.searchsorted(track.times, at, side="right") - 1, 0, max(len(values) - 2, 0))
    if len(values) == 1:
        return values[low]
    span = track.times[low + 1] - track.times[low]
    part = (np.where(span > 0, (at - track.times[low]) / np.maximum(span, 1e-12), 1.0))[:, None]
    if track.mode == "STEP":
        return values[np.where(part[:, 0] >= 1, low + 1, low)]
    if track.mode == "CUBICSPLINE":
        s, leave, arrive = span[:, None], keys[low, 2], keys[low + 1, 0]
        a, b = part * part, part * part * part
        return (
            (2 * b - 3 * a + 1) * values[low] + s * (b - 2 * a + part) * leave
            + (3 * a - 2 * b) * values[low + 1] + s * (b - a) * arrive
        )  # fmt: skip
    if path == "rotation":
        near, far, share = (array.astype(np.float32) for array in (values[low], values[low + 1], part[:, 0]))
        return quat.slerp(near, far, share).astype(np.float64)
    return values[low] * (1 - part) + values[low + 1] * part
