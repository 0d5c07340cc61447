"""Set-up on a bare machine: real environments, real pip, and a small package of our own in place of the big ones."""

from __future__ import annotations

import ast
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tools.setup import bootstrap, lock
from tools.setup.bootstrap import SetupFailed, check_python, prepare
from tools.setup.environment import Environment, Stamp

ROOT = bootstrap.ROOT
PARTS = ("bootstrap", "environment", "lock", "pip_progress", "ticker")
STDLIB_ONLY = ("check", "commands", "convert", "view", "demo", "test", "setup.bootstrap", "pages.tree")
SHOUT = '''"""A program that sets itself up."""

import sys

from tools.setup import bootstrap

if __name__ == "__main__":
    bootstrap.ensure(*sys.argv[2:])
    import pebble

    print(pebble.SAYS, sys.prefix, sys.argv[1])
    sys.exit(7)
'''


def repository(folder: Path) -> Path:
    """A repository that needs one package, pebble 1, which lies in a folder beside it."""
    root = folder / "a checkout"
    (root / "requirements").mkdir(parents=True)
    (root / "tools" / "setup").mkdir(parents=True)
    for name in ("__init__", "setup/__init__", *(f"setup/{part}" for part in PARTS)):
        shutil.copy(ROOT / "tools" / f"{name}.py", root / "tools" / f"{name}.py")
    (root / "tools" / "shout.py").write_text(SHOUT)
    require(root, "base", wheel(folder, "pebble", "1"))
    return root


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository whose environment is still to be made."""
    return repository(tmp_path)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with an environment, which takes seconds to make; tests must not write into it."""
    root = repository(tmp_path_factory.mktemp("made"))
    Environment(root / ".venv").create()
    return root


@pytest.fixture
def empty(made: Path, tmp_path: Path) -> Path:
    """A repository with an environment, nothing installed: a copy, for an environment knows itself by where it lies."""
    return copied(made, tmp_path)


@pytest.fixture(scope="module")
def full(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository that is set up; tests must not write into it."""
    root = copied(made, tmp_path_factory.mktemp("full"))
    environment = Environment(root / ".venv")
    (environment.path / "motus.json").unlink()
    prepare(root, environment, (), io.StringIO())
    assert imports(environment, "pebble") == "pebble-1"
    return root


@pytest.fixture
def ready(full: Path, tmp_path: Path) -> Path:
    """A repository that is set up."""
    return copied(full, tmp_path)


def copied(root: Path, folder: Path) -> Path:
    """A repository of its own; its packages lie where they lay."""
    return Path(shutil.copytree(root, folder / root.name, symlinks=True))


def test_a_bare_python_ends_up_in_the_environment_with_its_arguments_and_exit_code(checkout: Path) -> None:
    first = run(checkout, "a b", code=7)
    assert first.stdout.split() == ["pebble-1", *str(checkout / ".venv").split(), "a", "b"]
    assert "making" in first.stderr
    assert "set up in" in first.stderr

    made = stamps(checkout)
    second = run(checkout, "again", code=7)
    assert (second.stderr, stamps(checkout)) == ("", made)


def test_an_extra_is_added_and_the_rest_is_kept(ready: Path) -> None:
    require(ready, "more", wheel(ready.parent, "gravel", "2"))
    environment = Environment(ready / ".venv")
    prepare(ready, environment, ("more",), io.StringIO())
    assert imports(environment, "pebble") == "pebble-1"
    assert imports(environment, "gravel") == "gravel-2"

    require(ready, "base", wheel(ready.parent, "pebble", "3"))
    prepare(ready, environment, (), io.StringIO())
    assert imports(environment, "pebble") == "pebble-3"
    said = io.StringIO()
    prepare(ready, environment, ("more",), said)
    assert said.getvalue() == ""


def test_an_extra_that_has_changed_and_is_not_wanted_now_waits_until_it_is(ready: Path) -> None:
    require(ready, "more", wheel(ready.parent, "gravel", "2"))
    environment = Environment(ready / ".venv")
    prepare(ready, environment, ("more",), io.StringIO())
    (ready / "requirements" / "more.txt").write_text("--no-index\na-package-that-is-nowhere==1\n")
    require(ready, "base", wheel(ready.parent, "pebble", "3"))
    prepare(ready, environment, (), io.StringIO())
    assert imports(environment, "pebble") == "pebble-3"
    with pytest.raises(SetupFailed, match="a-package-that-is-nowhere"):
        prepare(ready, environment, ("more",), io.StringIO())


def test_a_package_without_its_dependencies_is_installed_from_weights_txt(ready: Path) -> None:
    require(ready, "weights", wheel(ready.parent, "boulder", "1", needs="a-package-that-is-nowhere"))
    environment = Environment(ready / ".venv")
    prepare(ready, environment, ("weights",), io.StringIO())
    assert imports(environment, "boulder") == "boulder-1"


def test_what_an_extras_file_includes_is_installed_too_and_installed_again_when_it_changes(ready: Path) -> None:
    require(ready, "more", wheel(ready.parent, "gravel", "2"))
    (ready / "requirements" / "most.txt").write_text("-r more.txt\n")
    environment = Environment(ready / ".venv")
    prepare(ready, environment, ("most",), io.StringIO())
    assert imports(environment, "gravel") == "gravel-2"
    require(ready, "more", wheel(ready.parent, "gravel", "3"))
    prepare(ready, environment, ("most",), io.StringIO())
    assert imports(environment, "gravel") == "gravel-3"


def test_a_failed_install_says_what_and_how_to_see_it_and_leaves_no_valid_stamp(ready: Path) -> None:
    (ready / "requirements" / "base.txt").write_text("--no-index\na-package-that-is-nowhere==1\n")
    failed = run(ready, "hello", code=1)
    assert "a-package-that-is-nowhere==1" in failed.stderr
    assert "-m pip install" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert stamps(ready).state == "installing"

    require(ready, "base", wheel(ready.parent, "pebble", "1"))
    mended = run(ready, "hello", code=7)
    assert "unfinished" in mended.stderr
    assert mended.stdout.startswith("pebble-1")


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_ctrl_c_while_installing_leaves_no_valid_stamp_and_the_next_run_starts_afresh(ready: Path) -> None:
    with installing(ready) as child:
        os.killpg(child.pid, signal.SIGINT)
        _, said = child.communicate(timeout=60)
    assert child.returncode == 130
    assert "set-up stopped" in said
    assert "Traceback" not in said
    assert stamps(ready).state == "installing"
    assert run(ready, "hello", code=7).stdout.startswith("pebble-1")


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_a_run_after_one_that_was_killed_waits_for_the_pip_that_is_left(ready: Path) -> None:
    with installing(ready) as child:
        child.kill()
        child.communicate()
        after = start(ready, "hello", stderr=subprocess.PIPE, stdout=subprocess.PIPE)
        assert after.stderr is not None
        told = after.stderr.readline()
        state = stamps(ready).state
    out, said = after.communicate(timeout=120)
    assert "waiting" in told
    assert state == "installing"
    assert (after.returncode, out.split()[0]) == (7, "pebble-1"), said
    assert "unfinished" in said


def test_two_runs_at_once_set_up_once_and_both_go_on(checkout: Path) -> None:
    lock_file = checkout / ".venv.lock"
    with lock.hold(lock_file, waiting=lambda: pytest.fail("nobody else holds it")):
        children = [start(checkout, word, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for word in ("one", "two")]
        told = [child.stderr.readline() for child in children if child.stderr]
    assert all("waiting" in line for line in told)
    outcomes = [child.communicate(timeout=120) for child in children]
    assert [child.returncode for child in children] == [7, 7]
    assert [out.split()[-1] for out, _ in outcomes] == ["one", "two"]
    assert sum("making" in said for _, said in outcomes) == 1


@pytest.mark.skipif(os.name == "nt", reason="needs links to interpreters")
def test_an_environment_whose_python_has_gone_is_made_anew(ready: Path) -> None:
    python = ready / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to(ready / "an interpreter that was removed")
    mended = run(ready, "hello", code=7)
    assert "lost its Python" in mended.stderr
    assert mended.stdout.startswith("pebble-1")


def test_an_environment_somebody_else_made_is_filled_and_not_removed(empty: Path) -> None:
    environment = Environment(empty / ".venv")
    (environment.path / "motus.json").unlink()
    (environment.path / "mine.txt").write_text("keep me")
    prepare(empty, environment, (), io.StringIO())
    assert (environment.path / "mine.txt").read_text() == "keep me"
    assert imports(environment, "pebble") == "pebble-1"


def test_a_folder_that_is_no_environment_is_left_alone(checkout: Path) -> None:
    (checkout / ".venv").mkdir()
    (checkout / ".venv" / "novel.txt").write_text("Chapter 1")
    with pytest.raises(SetupFailed, match="no virtual environment: move it away"):
        prepare(checkout, Environment(checkout / ".venv"), (), io.StringIO())
    assert (checkout / ".venv" / "novel.txt").read_text() == "Chapter 1"


def test_another_folder_can_be_named_and_the_running_python_can_be_taken(checkout: Path) -> None:
    elsewhere = checkout.parent / "elsewhere"
    done = run(checkout, "hello", code=7, MOTUS_VENV=str(elsewhere))
    assert f"{elsewhere} hello" in done.stdout
    assert not (checkout / ".venv").exists()
    without = run(checkout, "hello", code=1, MOTUS_NO_SETUP="1")
    assert "No module named 'pebble'" in without.stderr


@pytest.mark.parametrize("version", [(2, 7, 18), (3, 10, 13), (3, 14, 0)])
def test_a_python_that_is_too_old_or_too_new_gets_a_sentence(version: tuple[int, ...]) -> None:
    with pytest.raises(SetupFailed, match=r"3\.11, 3\.12 or 3\.13 is needed.* is " + ".".join(map(str, version))):
        check_python(version)


def test_a_python_without_ensurepip_is_told_what_to_install(checkout: Path) -> None:
    script = "import sys; sys.modules['ensurepip'] = None\nfrom tools.setup import bootstrap; bootstrap.ensure()"
    command = [sys.executable, "-S", "-c", script]
    done = subprocess.run(command, cwd=checkout, env=bare(), capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "sudo apt install python3." in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("text", ["", "{", "[]", '{"state": "ready", "what": 1}'])
def test_a_damaged_stamp_counts_as_an_install_that_did_not_end(tmp_path: Path, text: str) -> None:
    (tmp_path / "motus.json").write_text(text)
    assert Environment(tmp_path).stamp() == Stamp("installing")
    assert not Environment(tmp_path).holds({})


def test_what_runs_before_the_set_up_needs_the_standard_library_alone_and_can_be_read_by_python_3_8() -> None:
    names = ", ".join(f"tools.{name}" for name in STDLIB_ONLY)
    script = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); import {names}\n"
        "for name, module in sys.modules.items():\n    if name.startswith(('tools', 'motion')): print(module.__file__)"
    )
    done = subprocess.run([sys.executable, "-I", "-S", "-c", script], capture_output=True, text=True, check=True)
    files = [Path(line) for line in done.stdout.splitlines()]
    assert ROOT / "tools" / "demo.py" in files
    for file in files:
        ast.parse(file.read_text(encoding="utf-8"), str(file), feature_version=(3, 8))


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "tools.shout", *arguments]


def bare(**variables: str) -> dict[str, str]:
    """The environment variables of a person who has not set anything up."""
    return {k: v for k, v in os.environ.items() if not k.startswith("MOTUS_")} | variables


def start(checkout: Path, *arguments: str, stderr: int, stdout: int | None = None) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command(*arguments), cwd=checkout, env=bare(), stdout=stdout, stderr=stderr, text=True, start_new_session=True
    )


@contextmanager
def installing(checkout: Path) -> Iterator[subprocess.Popen[str]]:
    """A run whose pip is at work and does not come to an end before the block does."""
    requirements, pipe = checkout / "requirements" / "base.txt", checkout / "slow.txt"
    wanted = requirements.read_text()
    os.mkfifo(pipe)
    requirements.write_text(f"{wanted}-c {pipe.as_uri()}\n")
    with start(checkout, "hello", stderr=subprocess.PIPE) as child:
        try:
            with open(pipe, "w"):  # opens when pip has begun to read, and pip reads on until it closes
                requirements.write_text(wanted)
                yield child
        finally:
            child.kill()


def run(checkout: Path, *arguments: str, code: int, **variables: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        command(*arguments), cwd=checkout, env=bare(**variables), capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done


def stamps(checkout: Path) -> Stamp:
    return Stamp(**json.loads((checkout / ".venv" / "motus.json").read_text()))


def imports(environment: Environment, name: str) -> str:
    script = f"import {name}; print({name}.SAYS)"
    return subprocess.run([environment.python, "-c", script], capture_output=True, text=True, check=True).stdout.strip()


def require(root: Path, name: str, wheel: Path) -> None:
    package, version = wheel.name.split("-")[:2]
    lines = [f"# {name}", "--no-index", f"--find-links {wheel.parent.as_uri()}", f"{package}=={version}"]
    (root / "requirements" / f"{name}.txt").write_text("\n".join(lines) + "\n")


def wheel(folder: Path, name: str, version: str, needs: str = "") -> Path:
    """Write a package of one module, `SAYS = "name-version"`, and return its file."""
    (folder / "wheels").mkdir(exist_ok=True)
    path = folder / "wheels" / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n" + (
        f"Requires-Dist: {needs}\n" if needs else ""
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}.py", f'SAYS = "{name}-{version}"\n')
        archive.writestr(f"{info}/METADATA", metadata)
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", f"{name}.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")
    return path
