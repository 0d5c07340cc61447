"""A connection to a server that never waits: sockets that are asked now and then whether something has come.

No thread, no bpy. `poll` is called by the app timer; it reads what has arrived and returns. A connection goes through
"connecting" (until the server's welcome), "open", and "refused" (the server is there and will not talk to us: no retry
helps). When it is lost it goes back to "connecting" by itself, and greets again. The protocol's part of all this is
motion/protocol/connection.py, as in the other clients.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import zmq
import zmq.auth

from motion import protocol
from motion.errors import BadConfig, Denied, MotionError, Unavailable
from motion.protocol import Generate, Message, OpenStream, Welcome
from motion.protocol.clock import ClockOffset
from motion.protocol.connection import Connection, Sentences
from motion.protocol.dialogue import Dialogue
from motion.protocol.sockets import ClientKeys, Pair

State = Literal["connecting", "open", "refused"]
WINDOW: Final = 240
"""frames of one request that may be under way"""
_SILENCE_S: Final = 10.0
_KEYLESS: Final = "the server at {address} lets in only clients with keys: choose your keys folder in preferences"
_DENIED: Final = "the server at {address} does not take these keys: ask for new ones, and check that it is this server"
_SENTENCES: Final = Sentences(
    nobody="no server answers at {address}: start one in the add-on's preferences, or with `python -m runtime.serve`",
    gone="the server at {address} is gone; looking for it",
    early=_KEYLESS,
    early_with_keys=_DENIED,
    keyless=_KEYLESS,
    denied=_DENIED,
)


@dataclass(frozen=True)
class Lost:
    """The connection is gone; so is everything that was under way."""

    sentence: str


def load_keys(folder: str) -> ClientKeys | None:
    """The keys in a folder that `python -m runtime.keys` handed out; None for no folder. Raises BadConfig."""
    if not folder:
        return None
    place = Path(folder)
    try:
        public, secret = zmq.auth.load_certificate(place / "client.key_secret")
        server, _ = zmq.auth.load_certificate(place / "server.key")
    except (OSError, ValueError) as error:
        raise BadConfig(
            f"there are no keys in {place} ({error}); choose the folder hand-out/NAME that "
            "`python -m runtime.keys` made on the server"
        ) from error
    if secret is None or not len(public) == len(secret) == len(server) == 40:
        raise BadConfig(f"the keys in {place} are damaged: ask for them again")
    return ClientKeys(Pair(public, secret), server)


class Link:
    """A connection to `address`; `timeout` is how many seconds of silence are put up with. Raises BadConfig where that
    is no address."""

    def __init__(
        self,
        address: str,
        client: str,
        keys: ClientKeys | None = None,
        timeout: float = _SILENCE_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.address = address
        self.sentence = f"Looking for a server at {address}"
        """what there is to say of the connection, for people"""
        self._dialogue = Dialogue(client, WINDOW)
        self._connection = Connection(zmq, zmq.Context, address, self._dialogue, keys, timeout, _SENTENCES)
        self._clock = clock
        self._refused = self._gone = False
        self._welcome: Welcome | None = None  # the one that the user was told of
        self._told: MotionError | None = None  # the loss that the user was told of
        self._connection.connect(clock())

    @property
    def state(self) -> State:
        """How it is with the server."""
        return "refused" if self._refused else "connecting" if self.welcome is None else "open"

    @property
    def welcome(self) -> Welcome | None:
        """What the server said of itself, while there is one."""
        return self._dialogue.welcome

    @property
    def clock(self) -> ClockOffset:
        """Of the server, since this connection was made."""
        return self._dialogue.clock

    @property
    def troubled(self) -> bool:
        """Whether the sentence says what is wrong, rather than that somebody is looked for or there."""
        return self.state == "refused" or (self.state == "connecting" and not self.sentence.startswith("Looking"))

    def close(self) -> None:
        """Say goodbye and let go of the sockets for good; nothing is waited for."""
        self._connection.close(linger_ms=100)
        self._connection.again, self._told = math.inf, self._dialogue.lost

    def send(self, message: Message) -> None:
        """Queue a message; where there is no connection it goes nowhere, and `Lost` has said so."""
        if isinstance(message, (Generate, OpenStream)):
            self._dialogue.begin(message)
        else:
            self._dialogue.say(message)
        self._connection.send()

    def wait(self, seconds: float) -> None:
        """Block until something may have come; only for programs without a window."""
        poller = zmq.Poller()
        for socket in (self._connection.socket, self._connection.monitor):
            if socket is not None:
                poller.register(socket, zmq.POLLIN)
        poller.poll(int(seconds * 1000))

    def poll(self) -> list[Message | Lost]:
        """What has come since the last time. Greets, answers pings, and notices when nobody is there."""
        events: list[Message | Lost] = [*self._losses()]
        now = self._clock()
        if not self._refused and not self._connection.open and now >= self._connection.again:
            self._reconnect(now)
        for message in self._connection.turn(now):
            self._acknowledge(message)
            events.append(message)
        if self.welcome is not None and self.welcome is not self._welcome:
            self._welcome, self._gone = self.welcome, False
            self.sentence = f"{self.welcome.bundle} {self.welcome.bundle_version} on {self.welcome.server}"
        return [*events, *self._losses()]

    def _reconnect(self, now: float) -> None:
        try:
            self._connection.connect(now)
        except Unavailable as error:
            self.sentence = sentence(error)

    def _acknowledge(self, message: Message) -> None:
        """Whoever polls has what has come: the server is told of the frames."""
        thread = self._dialogue.find(getattr(message, "id", ""))
        with suppress(MotionError):
            while thread is not None and thread.take() is not None:
                continue

    def _losses(self) -> list[Lost]:
        """What there is to say of a loss since the last time; nothing was lost where nobody had answered yet."""
        error = self._dialogue.lost
        if error is None or error is self._told:
            return []
        self._told = error
        was_open, self._welcome = self._welcome is not None, None
        self._gone = self._gone or was_open
        self._refused = not error.retry and not isinstance(error, Denied)
        broken_off = self._connection.broken_off  # once by a server that stops, each time by a guarded one
        still_gone = self._gone and not broken_off and isinstance(error, Unavailable)
        if was_open or not (still_gone or broken_off == 1):
            self.sentence = sentence(error)
        return [Lost(self.sentence)] if was_open else []


def check(address: str, online: bool) -> None:
    """Raises BadConfig for what is no address, and where it is on another machine and Blender is not allowed online."""
    found = re.fullmatch(r"tcp://(\[[^\]]+\]|[^:/]+):(\d{1,5})", address)
    if found is None or not 0 < int(found[2]) < 65536:
        raise BadConfig(f"{address!r} is no address; write tcp://HOST:PORT, such as {protocol.ADDRESS}")
    host = found[1]
    if host in ("127.0.0.1", "localhost", "[::1]") or host.startswith("127.") or online:
        return
    raise BadConfig(
        f"The server {address} is another machine, and Blender is not allowed online: switch on Preferences > System > "
        "Network > Allow Online Access"
    )


def sentence(error: MotionError) -> str:
    """An error as the status bar shows it: one line, with a capital letter."""
    text = " ".join(str(error).split())
    return text if "://" in text.partition(" ")[0] else text[:1].upper() + text[1:]
