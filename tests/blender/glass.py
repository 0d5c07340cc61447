"""A Blender with a window, on a screen of its own: it is clicked where it shows a picture that was asked for."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from PIL import Image

from tests.blender.desktop import Desktop

SIZE = (1600, 1000)
LABELS = Path(__file__).parent / "labels"
"""pictures of labels, cut out of screenshots"""
TIMELINE = """
import json
window = bpy.context.window_manager.windows[0]
area = next(area for area in window.screen.areas if area.type == "DOPESHEET_EDITOR")
print(json.dumps([area.x, area.y, area.width, area.height]))
"""
"""prints where in the window the timeline is: x, y, width, height"""
_WAIT_S = 60.0
_SETUP = """
window = bpy.context.window_manager.windows[0]
for area in window.screen.areas:
    if area.type == "VIEW_3D":
        area.spaces.active.show_region_ui = True
        for region in area.regions:
            if region.type == "UI":
                region.active_panel_category = "Motus"
"""


class Glass:
    """A context manager around screen and Blender. `folder` holds everything of it; `prepare` is run inside before the
    tab is opened."""

    def __init__(self, desktop: Desktop, folder: Path, zip_file: Path, prepare: str = "") -> None:
        self.folder = folder
        self._desktop = desktop
        self._prepare = prepare
        self._zip = zip_file
        self._screen: subprocess.Popen[bytes] | None = None
        self._blender: subprocess.Popen[bytes] | None = None
        self._display = ""

    def __enter__(self) -> Self:
        shutil.copy(self._zip, self.folder / "motus.zip")
        shutil.copy(Path(__file__).with_name("driver.py"), self.folder / "driver.py")
        (self.folder / "user" / "config").mkdir(parents=True)
        self._start_screen()
        install = ["--command", "extension", "install-file", "-r", "user_default", "--enable"]
        command = [self._desktop.blender, *install, str(self.folder / "motus.zip")]
        done = subprocess.run(command, env=self._env(), check=False)
        assert done.returncode == 0, "the extension cannot be installed"
        with open(self.folder / "blender.log", "wb") as log:
            self._blender = subprocess.Popen(
                [self._desktop.blender, "--enable-event-simulate", "--window-geometry", "0", "0", *map(str, SIZE),
                 "--python", str(self.folder / "driver.py"), "--", str(self.folder)],
                env=self._env(), stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip
        self.do(self._prepare)
        self.until(self._tab_is_open)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in (self._blender, self._screen):
            if process is not None:
                process.terminate()
                try:
                    process.wait(5)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()

    @property
    def log(self) -> str:
        """Everything Blender wrote to its console."""
        return (self.folder / "blender.log").read_text("utf-8", "replace")

    def do(self, code: str, seconds: float = _WAIT_S) -> str:
        """Run Python inside; what it printed. Fails with its traceback."""
        answer, part = self.folder / "answer.txt", self.folder / "order.part"
        answer.unlink(missing_ok=True)
        part.write_text(code, "utf-8")
        part.rename(self.folder / "order.py")
        end = time.monotonic() + seconds
        while not answer.exists():
            assert time.monotonic() < end, f"Blender does not answer:\n{self.log}"
            assert self._blender is None or self._blender.poll() is None, f"Blender has ended:\n{self.log}"
            time.sleep(0.02)
        said, _, failure = answer.read_text("utf-8").partition("\n!\n")
        assert not failure, failure
        return said.strip()

    def ask(self, expression: str) -> str:
        """The value of an expression inside, as text; `session` is the extension's."""
        return self.do(
            f"from bl_ext.user_default.motus import session as _s\nsession = _s.current()\nprint({expression})"
        )

    def background(self, script: Path, *arguments: str) -> str:
        """Run a script in a second Blender without a window (`blender -b`); what it wrote to its console."""
        command = [self._desktop.blender, "-b", "--python-exit-code", "3", "--python", str(script), "--", *arguments]
        done = subprocess.run(command, env=self._env(), capture_output=True, text=True, errors="replace", check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def until(self, holds: Callable[[], bool], seconds: float = _WAIT_S) -> None:
        """Wait until something holds."""
        end = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < end, f"it did not come to pass:\n{self.log}"
            time.sleep(0.05)

    def shot(self, path: Path | None = None) -> Image.Image:
        """What is on the screen."""
        taken = self.folder / "taken.png"
        camera = [self._desktop.camera, "-display", self._display, "-window", "root", str(taken)]
        subprocess.run(camera, env=self._env(), check=True)
        picture = Image.open(taken).convert("RGB")
        if path is not None:
            picture.save(path, quality=85, method=6)
        return picture

    def find(self, label: str) -> tuple[int, int] | None:
        """Where on the screen a label stands, in the window's coordinates; None where it does not."""
        screen = _grey(self.shot())
        wanted = _grey(Image.open(LABELS / f"{label}.png"))
        y, x, likeness = _match(screen, wanted)
        if likeness < 0.9:
            return None
        height, width = wanted.shape
        return x + width // 2, SIZE[1] - 1 - (y + height // 2)

    def press(self, label: str) -> None:
        """Click on a label, once it is there and stays where it is."""
        found: list[tuple[int, int]] = []

        def look() -> bool:
            place, before = self.find(label), list(found)
            found[:] = [place] if place else []
            return bool(found) and found == before

        self.until(look)
        x, y = found[0]
        self.do(f"move({x - 3}, {y})")
        self.do(f"move({x}, {y})")
        self.do(f"click({x}, {y})")

    def _tab_is_open(self) -> bool:
        try:
            self.do(_SETUP)
        except AssertionError:  # the sidebar is read-only until it was drawn once
            return False
        return True

    def _start_screen(self) -> None:
        read, write = os.pipe()
        size = f"{SIZE[0]}x{SIZE[1]}x24"
        self._screen = subprocess.Popen(
            [self._desktop.screen, "-displayfd", str(write), "-screen", "0", size, "-nolisten", "tcp"],
            pass_fds=(write,), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(write)
        with os.fdopen(read) as pipe:
            self._display = f":{pipe.readline().strip()}"

    def _env(self) -> dict[str, str]:
        user = str(self.folder / "user")
        return {
            **os.environ,
            "DISPLAY": self._display,
            "LIBGL_ALWAYS_SOFTWARE": "1",
            "MOTUS_FOLDER": str(self.folder),
            "BLENDER_USER_RESOURCES": user,
        }


def _grey(image: Image.Image) -> np.ndarray:
    return np.asarray(image.convert("L"), np.float64)


def _match(screen: np.ndarray, wanted: np.ndarray) -> tuple[int, int, float]:
    """Row and column where a picture is most like the screen, and how like (normalised cross-correlation)."""
    h, w = wanted.shape
    zero = wanted - wanted.mean()
    shape = screen.shape
    product = np.fft.irfft2(np.fft.rfft2(screen) * np.conj(np.fft.rfft2(zero, shape)), shape)
    sums, squares = (np.pad(part.cumsum(0).cumsum(1), ((1, 0), (1, 0))) for part in (screen, screen**2))

    def box(table: np.ndarray) -> np.ndarray:
        return table[h:, w:] - table[:-h, w:] - table[h:, :-w] + table[:-h, :-w]

    spread = np.sqrt(np.maximum(box(squares) - box(sums) ** 2 / (h * w), 1.0) * (zero**2).sum())
    likeness = product[: spread.shape[0], : spread.shape[1]] / spread
    y, x = np.unravel_index(int(likeness.argmax()), likeness.shape)
    return int(y), int(x), float(likeness[y, x])
