"""A client's connection to a server, kept up for a dialogue; nothing it does waits.

Blocking, asyncio and polling clients all use it. Whoever drives it calls `connect`, then `turn` whenever something may
have arrived, and ten times a second besides. Where the connection is lost or refused the sockets are closed,
`dialogue.lost` says why, and `again` when the next `connect` is due: each wait is twice as long as the one before.

pyzmq comes as the argument `zmq`, for Blender carries this folder, which imports numpy alone. Times are seconds of one
monotonic clock.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from motion.errors import BadConfig, Denied, MotionError, Unavailable
from motion.protocol import Close, Message
from motion.protocol.dialogue import Dialogue
from motion.protocol.sockets import CLIENT, ClientKeys, prepare

TRY_S: Final = 2.0
"""how long one connection is given before another is tried"""
_WAITS: Final = (0.1, 5.0)
_LEAST_PATIENCE_S: Final = 5.0  # of silence are put up with: heartbeats of a busy machine may come late
_BLINK_S: Final = 1.0  # a client that took longer to come round stood still itself, and blames nobody for silence
_MESSAGES: Final = 64  # read in one turn, so that a flood holds nobody up


@dataclass(frozen=True)
class Sentences:
    """What a user is told of a connection, with the server's `{address}` filled in."""

    nobody: str = (
        "no server answers at {address}: start one with `python -m runtime.serve`, or wait until it says that it is "
        "ready"
    )
    gone: str = "the server at {address} closed the connection; it stopped, or was stopped"
    silent: str = "the server at {address} has not been heard of for {patience:g} s"
    early: str = (
        "the server at {address} closes the connection before it answers: it is stopping, or it may want keys "
        "(`keys=FOLDER`)"
    )
    early_with_keys: str = (
        "the server at {address} closes the connection before it answers: it is stopping, or it does not take this "
        "client's keys"
    )
    keyless: str = "the server at {address} refused the connection: it may want keys (`keys=FOLDER`)"
    denied: str = (
        "the server at {address} refused this client's key: have its public key added to the server's list, and use "
        "the server's own public key"
    )


class Connection:
    """The sockets of one client, for one dialogue. `context` makes pyzmq's context, which may be an asyncio one;
    `timeout` is how many seconds of silence are put up with."""

    def __init__(
        self,
        zmq: Any,
        context: Callable[[], Any],
        address: str,
        dialogue: Dialogue,
        keys: ClientKeys | None = None,
        timeout: float = 10.0,
        sentences: Sentences | None = None,
    ) -> None:
        self.address = address
        self.timeout = timeout
        self.dialogue = dialogue
        self.socket: Any = None
        self.monitor: Any = None
        """hears of losses; both are None while there is no connection"""
        self.context: Any = None
        self.more = False
        """whether the last turn left messages unread"""
        self.again = 0.0
        """when the next `connect` is due"""
        self.broken_off = 0
        """times in a row that the other side closed the connection before it answered"""
        self._zmq = zmq
        self._make_context = context
        self._keys = keys
        self._sentences = sentences or Sentences()
        self._waits = backoff()
        self._since = self._turned = 0.0

    @property
    def open(self) -> bool:
        """Whether there are sockets."""
        return self.socket is not None

    def connect(self, now: float) -> None:
        """Make the sockets and say hello. Raises BadConfig where the address is none, and Unavailable."""
        zmq = self._zmq
        lost = int(zmq.EVENT_DISCONNECTED | zmq.EVENT_HANDSHAKE_FAILED_AUTH | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL)
        self._hang_up()
        self._since = self._turned = now
        try:
            if self.context is None:
                self.context = self._make_context()
            self.socket = self.context.socket(zmq.DEALER)
            prepare(zmq, self.socket, self.address, self._keys, CLIENT)
            self.monitor = self.socket.get_monitor_socket(lost)
        except zmq.ZMQError as error:
            self.close(0)
            raise self._broken(error) from error
        try:
            self.socket.connect(self.address)
        except zmq.ZMQError as error:
            self.close(0)
            raise BadConfig(f"{self.address!r} is no address: {error.strerror}; write tcp://HOST:PORT") from error
        self.dialogue.hello(now)

    def turn(self, now: float) -> list[Message]:
        """Take in what has arrived, send what the dialogue has to say, and notice losses; what was heard."""
        heard: list[Message] = []
        if self.socket is None:
            return heard
        if now - self._turned > _BLINK_S:
            self.dialogue.heard = self._since = now
        self._turned = now
        try:
            self._take_in(heard, now)
            self.dialogue.tick(now)
            self.send()
            error = self.dialogue.lost or (None if self.more else self._loss()) or self._silence(now)
        except self._zmq.ZMQError as what:
            error = self._broken(what)
        if error is not None:
            self._lose(error)
        elif self.dialogue.welcome is not None:
            self.broken_off = 0
        return heard

    def send(self) -> None:
        """Send what the dialogue has to say. What cannot leave is kept: where a handshake failed, libzmq takes the
        connection away before its monitor tells why, and the next `turn` hears of it."""
        outgoing = self.dialogue.outgoing
        try:
            while outgoing and self.socket is not None:
                _done(self.socket.send_multipart(outgoing[0], flags=self._zmq.NOBLOCK))
                outgoing.popleft()
        except self._zmq.Again:
            return
        except self._zmq.ZMQError as error:
            self._lose(self._broken(error))

    def close(self, linger_ms: int = 200) -> None:
        """Say goodbye, and let go of everything; `connect` would begin anew."""
        if self.dialogue.welcome is not None:
            self.dialogue.say(Close())
            self.send()
        self._hang_up(linger_ms)
        self.dialogue.lose(Unavailable(f"the connection to {self.address} was closed"))
        context, self.context = self.context, None
        if context is not None:
            context.destroy(linger=linger_ms)

    def nobody(self) -> Unavailable:
        """Nothing has answered yet."""
        return Unavailable(self._words("nobody"))

    def _take_in(self, heard: list[Message], now: float) -> None:
        self.more = False
        for _ in range(_MESSAGES):
            parts = self._receive(self.socket)
            if parts is None:
                return
            message = self.dialogue.receive(parts, now)
            if message is not None:
                heard.append(message)
        self.more = True

    def _receive(self, socket: Any) -> list[bytes] | None:
        """The next message, or None; to ask for events first costs a tenth of an Again."""
        if not socket.getsockopt(self._zmq.EVENTS) & self._zmq.POLLIN:
            return None
        return _done(socket.recv_multipart(flags=self._zmq.NOBLOCK))

    def _loss(self) -> MotionError | None:
        """What the monitor says."""
        parts = self._receive(self.monitor)
        if parts is None:
            return None
        if int.from_bytes(parts[0][:2], "little") != self._zmq.EVENT_DISCONNECTED:
            return Denied(self._words("keyless" if self._keys is None else "denied"))
        if self.dialogue.welcome is not None:
            return Unavailable(self._words("gone"))
        self.broken_off += 1
        return Unavailable(self._words("early" if self._keys is None else "early_with_keys"))

    def _silence(self, now: float) -> MotionError | None:
        """Whether nothing has come for longer than the server promised, or than `timeout` seconds."""
        if self.dialogue.welcome is None:
            return (self.dialogue.fault or self.nobody()) if now - self._since > TRY_S else None
        promised = self.dialogue.patience()
        patience = min(self.timeout, max(promised, _LEAST_PATIENCE_S))
        if not promised or now - self.dialogue.heard <= patience:
            return None
        return Unavailable(self._words("silent", patience=patience))

    def _lose(self, error: MotionError) -> None:
        if self.dialogue.greeted:
            self._waits = backoff()
        self.again = self._turned + next(self._waits)
        self._hang_up()
        self.dialogue.lose(error)

    def _broken(self, error: Any) -> Unavailable:
        return Unavailable(f"the connection to {self.address} broke: {error.strerror}; connect again")

    def _words(self, name: str, **figures: float) -> str:
        return str(getattr(self._sentences, name)).format(address=self.address, **figures)

    def _hang_up(self, linger_ms: int = 0) -> None:
        socket, monitor, self.socket, self.monitor = self.socket, self.monitor, None, None
        self.more = False
        if socket is not None and not socket.closed:
            if monitor is not None:
                socket.disable_monitor()
            socket.close(linger_ms)
        if monitor is not None:
            monitor.close(linger=0)


def backoff() -> Iterator[float]:
    """Seconds to wait before each try: twice as long each time, shortened at random so that not all come at once."""
    wait, most = _WAITS
    while True:
        yield wait * random.uniform(0.5, 1.0)
        wait = min(2 * wait, most)


def _done(outcome: Any) -> Any:
    """The outcome of a call that did not wait; pyzmq's asyncio sockets wrap theirs in a future that is done."""
    return outcome.result() if hasattr(outcome, "result") else outcome
