"""How much memory of each GPU is used, as NVIDIA's own program tells it; nothing where there is none."""

from __future__ import annotations

import shutil
import subprocess
import threading
import time
from typing import Final

_EVERY_S: Final = 5.0
_MIB: Final = 2**20


class Gpus:
    """Looks every few seconds, on a thread of its own, for as long as the process lives."""

    def __init__(self) -> None:
        self.used: tuple[int, ...] = ()
        """bytes in use on each GPU"""
        program = shutil.which("nvidia-smi")
        if program is not None:
            threading.Thread(target=self._watch, args=(program,), daemon=True).start()

    def _watch(self, program: str) -> None:
        while True:
            self.used = used_bytes(program)
            time.sleep(_EVERY_S)


def used_bytes(program: str) -> tuple[int, ...]:
    """Bytes in use on each GPU, in the driver's order."""
    query = [program, "--query-gpu=memory.used", "--format=csv,noheader,nounits"]
    try:
        said = subprocess.run(query, capture_output=True, text=True, timeout=10, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return ()
    return tuple(int(line) * _MIB for line in said.split() if line.isdecimal())
