"""How long 1,000 frames take on rigs of 55 to 75 bones, in each Blender that is here: `python -m tests.blender.speed`.

From the server's frames to keys in an action: retargeting, feet locked or not, every bone's channels, the curves.
Seconds of the processor, so that they mean the same on a busy machine; the best of five.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from tests.blender import environment
from tests.blender.conftest import PLATFORM, Blender
from tools import build_addon


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        zip_file = build_addon.build(folder / "dist", [PLATFORM])[0]
        for version in environment.versions():
            blender = Blender(version, zip_file, folder / version, {"quick": "tcp://127.0.0.1:9", "folder": name})
            blender.run("speed", "measure", {})
            blender.close()
            for rig, seconds in json.loads((folder / "speed.json").read_text("utf-8")).items():
                print(f"Blender {version}  {rig:<40} {seconds:.3f} s")


if __name__ == "__main__":
    main()
