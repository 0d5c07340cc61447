"""How long something takes: the best of some runs, which is what it takes when nothing else is in its way."""

from __future__ import annotations

import time
from collections.abc import Callable


def best_ms(run: Callable[[], object], runs: int = 12, clock: Callable[[], float] = time.perf_counter) -> float:
    """The shortest of so many runs, milliseconds by a clock that counts seconds."""
    times: list[float] = []
    for _ in range(runs):
        begun = clock()
        run()
        times.append(clock() - begun)
    return 1000 * min(times)
