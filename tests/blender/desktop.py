"""A Blender with a window, a screen for it and a camera: MOTUS_BLENDER, or Debian's 4.3 under out/blender/desktop.

Debian's packages (trixie: blender, Xvfb and ImageMagick with all they need; 310 MB, 1.3 GB unpacked) are fetched when
they are first needed and unpacked beside each other; nothing is installed into the system. They run in a mount
namespace of their own, with that folder for root, where the kernel lets root or the user make one.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from motion.errors import MissingPart
from tests.blender.environment import HOME
from tools.setup import lock
from tools.setup.registry import run

_RELEASE = "trixie"
_MIRROR = "http://deb.debian.org/debian"
_KEYS = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_PACKAGES = ["blender", "python3-numpy", "xvfb", "imagemagick", "libgl1", "libgl1-mesa-dri", "libegl1", "dash"]
_PROGRAMS = {"blender": "/usr/bin/blender", "Xvfb": "/usr/bin/Xvfb", "import": "/usr/bin/import-im7.q16"}
_APT = """\
Dir::State "{apt}"; Dir::State::lists "{apt}/lists"; Dir::State::status "{apt}/status"; Dir::Cache "{apt}/cache";
Dir::Etc::sourcelist "{apt}/sources.list"; Dir::Etc::sourceparts "{apt}/none"; Dir::Etc::preferencesparts "{apt}/none";
APT::Sandbox::User "root"; APT::Install-Recommends "0"; Debug::NoLocking "1";
"""
_ENTER = """\
#!/bin/sh
exec unshare {user} --mount sh -ec '
root=$1; shift
for place in dev proc sys tmp; do mount --rbind "/$place" "$root/$place"; done
if [ -n "$MOTUS_FOLDER" ]; then
  mkdir -p "$root$MOTUS_FOLDER"
  mount --bind "$MOTUS_FOLDER" "$root$MOTUS_FOLDER"
  export HOME="$MOTUS_FOLDER"
fi
export LC_ALL=C.UTF-8 LD_LIBRARY_PATH={libraries}
exec chroot "$root" "$@"' sh "{root}" {program} "$@"
"""
_LIBRARIES = "/usr/lib/x86_64-linux-gnu/blas:/usr/lib/x86_64-linux-gnu/lapack"
"""where Debian's BLAS and LAPACK lie before its package scripts link them"""


@dataclass(frozen=True)
class Desktop:
    """The programs, each a command that takes its own arguments.

    `blender` may run elsewhere (in a chroot, say): it finds the folder that both must see in MOTUS_FOLDER.
    """

    blender: str
    screen: str
    """Xvfb"""
    camera: str
    """ImageMagick's `import`"""


def ensure() -> Desktop:
    """The desktop, fetched where it is not there. Raises MissingPart."""
    named = os.environ.get("MOTUS_BLENDER")
    if named:
        lacks = [program for program in ("Xvfb", "import") if shutil.which(program) is None]
        if lacks:
            raise MissingPart(f"MOTUS_BLENDER needs {' and '.join(lacks)} beside it (Debian: xvfb, imagemagick)")
        return Desktop(named, "Xvfb", "import")
    if sys.platform != "linux" or platform.machine() != "x86_64":
        raise MissingPart("a Blender with a window is fetched on Linux on x86-64 alone; set MOTUS_BLENDER to yours")
    HOME.mkdir(parents=True, exist_ok=True)
    folder = HOME / "desktop"
    with lock.hold(HOME / "desktop.lock", lambda: None):
        if not (folder / "root").exists():
            _fetch(folder)
        for name, program in _PROGRAMS.items():
            _write(folder / name, folder / "root", program)
    run([str(folder / "blender"), "--version"], "Debian's Blender in a namespace of its own")
    return Desktop(*(str(folder / name) for name in _PROGRAMS))


def _fetch(folder: Path) -> None:
    lacks = [name for name in ("apt-get", "dpkg-deb", "unshare") if shutil.which(name) is None]
    if lacks or not _KEYS.exists():
        raise MissingPart(f"Debian's packages cannot be had without {', '.join(lacks) or _KEYS}; set MOTUS_BLENDER")
    shutil.rmtree(folder, ignore_errors=True)
    apt, root = folder / "apt", folder / "root.part"
    for place in ("lists/partial", "cache/archives/partial", "none"):
        (apt / place).mkdir(parents=True)
    (apt / "status").touch()
    (apt / "sources.list").write_text(f"deb [signed-by={_KEYS}] {_mirror()} {_RELEASE} main\n", encoding="utf-8")
    (apt / "apt.conf").write_text(_APT.format(apt=apt), encoding="utf-8")
    own = {**os.environ, "APT_CONFIG": str(apt / "apt.conf")}
    apt_get = ["apt-get", "--quiet=2", "--yes"]
    run([*apt_get, "update"], f"the list of Debian's {_RELEASE}", variables=own)
    run([*apt_get, "--download-only", "install", *_PACKAGES], "Debian's Blender", variables=own)
    root.mkdir()
    for name in ("bin", "sbin", "lib", "lib64"):  # as Debian's base system links them
        (root / name).symlink_to(f"usr/{name}")
    for name in ("dev", "proc", "sys", "tmp"):
        (root / name).mkdir()
    for package in sorted((apt / "cache" / "archives").glob("*.deb")):
        run(["dpkg-deb", "--extract", str(package), str(root)], package.name)
    shutil.rmtree(apt)
    root.rename(folder / "root")


def _mirror() -> str:
    """The mirror of Debian that the system itself uses."""
    said = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(SITE)"], capture_output=True, text=True, check=False
    )
    return next((site for site in said.stdout.split() if site.rstrip("/").endswith("/debian")), _MIRROR)


def _write(path: Path, root: Path, program: str) -> None:
    user = "" if os.getuid() == 0 else "--map-root-user"
    text = _ENTER.format(user=user, libraries=_LIBRARIES, root=root, program=program)
    if not path.exists() or path.read_text("utf-8") != text:  # a shell may be reading it
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)
