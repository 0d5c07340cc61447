"""The rate limit of one client: messages and bytes a second, with some saved up (a token bucket)."""

from __future__ import annotations

from typing import Final

SAVED_S: Final = 4.0
"""seconds' worth that a client may use at once"""


class RateLimit:
    """Times are time.monotonic seconds. A rate of 0 has no limit."""

    def __init__(self, messages_per_s: float, bytes_per_s: float, now: float) -> None:
        self._messages_per_s, self._bytes_per_s = messages_per_s, bytes_per_s
        self._messages, self._bytes = messages_per_s * SAVED_S, bytes_per_s * SAVED_S
        self._at = now
        self.told = 0.0
        """when the client was last told that it is over"""

    def take(self, count: int, now: float) -> float:
        """One message of `count` bytes: 0 where it is within the limit, else the seconds after which it would be."""
        if now > self._at:
            past, self._at = now - self._at, now
            self._messages = min(self._messages + past * self._messages_per_s, self._messages_per_s * SAVED_S)
            self._bytes = min(self._bytes + past * self._bytes_per_s, self._bytes_per_s * SAVED_S)
        wait = 0.0
        if self._messages_per_s and self._messages < 1:
            wait = (1 - self._messages) / self._messages_per_s
        if self._bytes_per_s and self._bytes < count:
            wait = max(wait, (count - self._bytes) / self._bytes_per_s)
        if not wait:
            self._messages -= 1
            self._bytes -= count
        return wait
