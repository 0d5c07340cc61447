"""What the bench is to measure, and on what."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path

from motion.errors import BadConfig


@dataclass(frozen=True)
class BenchConfig:
    """What is measured, and on what."""

    json: Path
    """where the figures go"""
    bundle: str = "base"
    requests: int = 20
    """of latency: motions asked for"""
    seconds: float = 6.0
    """length of each motion"""
    cores: int = 2
    """CPU cores that may be used"""
    refine: bool = True
    """whether frames are refined"""
    device: str = "cpu"
    """what the models run on"""
    eager: int = 2
    """of latency: motions made in plain torch; 0: none"""
    batches: tuple[int, ...] = (1, 4, 16, 64)
    """of throughput: motions side by side"""
    sentences: int = 8
    """of windows: motions looked at"""

    def __post_init__(self) -> None:
        for name, least in (("requests", 1), ("eager", 0), ("sentences", 1)):
            if getattr(self, name) < least:
                raise BadConfig(f"--{name} must be at least {least}; got {getattr(self, name)}")
        if not 0.5 <= self.seconds <= 60:
            raise BadConfig(f"--seconds must lie between 0.5 and 60; got {self.seconds:g}")
        if not 1 <= self.cores <= (os.cpu_count() or 1):
            raise BadConfig(f"--cores must be 1 to {os.cpu_count()} on this machine; got {self.cores}")
        if not self.batches or min(self.batches) < 1:
            raise BadConfig(f"--batches must be numbers from 1; got {', '.join(map(str, self.batches)) or 'none'}")

    def record(self) -> dict[str, object]:
        """For JSON."""
        return {**asdict(self), "json": str(self.json)}
