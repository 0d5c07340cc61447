"""Joint positions as a table of text (.csv), for spreadsheets and plots: written, not read, for positions alone do not
tell how joints are turned.

One row a frame: `frame`, `time_s`, then x, y and z of each joint.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from motion.clip import Clip, positions


def write(clip: Clip, path: Path, scale: float = 1.0) -> None:
    """Writes world positions; scale: units of the file per metre. Six significant digits."""
    unit = {1.0: "m", 100.0: "cm"}.get(scale, "units")
    joints = [joint.replace('"', '""') for joint in clip.skeleton.joints]
    head = ["frame", "time_s", *(f'"{joint} {axis} ({unit})"' for joint in joints for axis in "xyz")]
    places = (positions(clip) * scale).reshape(len(clip), -1)
    places[np.abs(places) < 1e-9] = 0
    row = "%d,%.6f," + ",".join(["%.6g"] * places.shape[1])
    lines = [row % (i, i / clip.fps, *frame) for i, frame in enumerate(places.tolist())]
    path.write_text("\n".join([",".join(head), *lines]) + "\n", encoding="utf-8")
