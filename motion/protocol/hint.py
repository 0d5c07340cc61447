"""What a client says to its user of a sentence that lies far from what the bundle learned."""

from __future__ import annotations

from typing import Final

from motion.protocol.answers import Done

FAR: Final = 0.5
"""`done.familiar` below this earns a hint: the middle of the scale, below which a sentence lies nearer to nothing that
was learned than to something"""


def hint(done: Done) -> str:
    """One sentence with the nearest things that the bundle can do, or "" where there is nothing to say."""
    if done.familiar is None or done.familiar >= FAR:
        return ""
    nearest = ", ".join(done.nearest)
    return "Far from what this bundle learned" + (f"; nearest: {nearest}" if nearest else "")
