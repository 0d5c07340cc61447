"""Blender, wherever it is on this machine, for the files that only Blender reads and writes.

Found in this order: MOTUS_BLENDER (a Blender program, or a Python that has bpy), this Python if it has bpy, a program
called `blender` on the path. Each call starts one process of its own, which is ended when it takes too long.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from motion.clip import Clip
from motion.errors import BadFile, MissingPart
from motion.io import glb, matrices, npz, source

_SCRIPT = Path(__file__).with_name("blender_scene.py")
_PATIENCE_S = 600.0


def find() -> list[str] | None:
    """The command that runs our script inside Blender, but for the script's arguments; None where there is none."""
    named = os.environ.get("MOTUS_BLENDER")
    if not named and importlib.util.find_spec("bpy") is not None:
        named = sys.executable
    program = shutil.which(named or "blender")
    if program is None:
        return None
    if Path(program).name.lower().startswith("python"):
        return [program, str(_SCRIPT)]
    return [program, "--background", "--factory-startup", "--python", str(_SCRIPT), "--"]


def run(*arguments: str, about: Path) -> None:
    """Runs the script. Raises MissingPart where there is no Blender, BadFile with what Blender says about `about`."""
    command = find()
    if command is None:
        raise MissingPart(
            f"{about}: FBX is read and written by Blender, which is not on this machine; install it (pip install bpy "
            "with Python 3.11, or blender.org) and set MOTUS_BLENDER to it, or use GLB, which Blender, Unity and Unreal"
            " read and write"
        )
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    try:
        done = subprocess.run(
            [*command, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_PATIENCE_S,
            env=environment,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise BadFile(f"Blender was still busy with it after {_PATIENCE_S:.0f} s and was ended", str(about)) from error
    except OSError as error:
        raise MissingPart(f"{command[0]} cannot be started ({error.strerror}); set MOTUS_BLENDER to Blender") from error
    said = [line for line in done.stdout.decode(errors="replace").splitlines() if line.strip()]
    told = next((line.removeprefix("motus: ") for line in reversed(said) if line.startswith("motus: ")), None)
    if told is None:
        raise BadFile(f"Blender stopped with status {done.returncode}: {' '.join(said[-2:])[:300]}", str(about))
    if told != "ok":
        raise BadFile(told, str(about))


def read(path: Path, take: str | None = None, fps: float = 30.0, most: int = source.MOST_BYTES) -> Clip:
    """One animation of a file, through Blender; `fps` for files that have none of their own (glTF).

    Raises BadFile, MissingPart.
    """
    source.size(path, most)
    with tempfile.TemporaryDirectory(prefix="motus-") as folder:
        out = Path(folder) / "motion.npz"
        run("read", str(path.resolve()), str(out), f"{fps:.9g}", *([] if take is None else [take]), about=path)
        arrays = npz.read(out, 1 << 40)
    joints = tuple(str(joint) for joint in arrays["joints"])
    parents = tuple(int(parent) for parent in arrays["parents"])
    rest, world = arrays["rest"], arrays["world"]
    source.admit(len(world), len(joints), str(path))
    moved = matrices.motion(world, rest, parents)
    take = str(arrays["take"]) or path.stem
    return matrices.clip(path.stem, take, float(arrays["fps"]), joints, parents, rest, moved)


def write_fbx(clip: Clip, path: Path, character: bytes | None = None) -> None:
    """Writes a clip with its body as FBX, through Blender. Raises BadFile, MissingPart.

    character: bytes of a GLB that wears the motion; None makes one of the clip.
    """
    with tempfile.TemporaryDirectory(prefix="motus-") as folder:
        worn = Path(folder) / "clip.glb"
        worn.write_bytes(glb.dump(clip) if character is None else character)
        run("write", str(worn), str(path.resolve()), f"{clip.fps:.9g}", about=path)
    if not path.is_file():
        raise BadFile("Blender wrote no file there; is the folder writable?", str(path))
