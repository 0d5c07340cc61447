"""A connection to a server that never waits: sockets that are asked now and then whether something has come.

No thread, no bpy. `poll` is called by the app timer; it reads what has arrived and returns. A connection goes through
"connecting" (until the server's welcome), "open", and "refused" (the server is there and will not talk to us: no retry
helps). When it is lost it goes back to "connecting" by itself, as PROTOCOL.md says, and greets anew.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import zmq
import zmq.auth
from zmq.utils.monitor import parse_monitor_message

from motion import protocol
from motion.errors import BadConfig, BadMessage, BadVersion, MotionError
from motion.protocol import Close, Error, Hello, Message, Ping, Pong, Welcome, wire
from motion.protocol.clock import ClockOffset

State = Literal["connecting", "open", "refused"]
WINDOW: Final = 240
"""frames of one request that may be under way"""
_MESSAGES: Final = 64  # read in one turn, so that a flood never holds Blender up
_SILENCE_S: Final = 10.0
_ASK_S: Final = 1.0  # between two questions for the server's clock, which also show that we are there
_STALL_S: Final = 1.0  # a pause of our own, in which nobody read: silence of the server is not counted
_EVENTS: Final = (
    zmq.EVENT_HANDSHAKE_SUCCEEDED
    | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
    | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
    | zmq.EVENT_HANDSHAKE_FAILED_AUTH
    | zmq.EVENT_DISCONNECTED
)
_FAILED: Final = (
    zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL,
    zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL,
    zmq.EVENT_HANDSHAKE_FAILED_AUTH,
)


@dataclass(frozen=True)
class Lost:
    """The connection is gone; so is everything that was under way."""

    sentence: str


@dataclass(frozen=True)
class Keys:
    """What a client of a guarded server holds: its own pair and the server's public key, Z85."""

    public: bytes
    secret: bytes
    server: bytes


def load_keys(folder: str) -> Keys | None:
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
    return Keys(public, secret, server)


class Link:
    """A connection to `address`. Raises BadConfig where that is no address."""

    def __init__(self, address: str, client: str, keys: Keys | None = None) -> None:
        self.address = address
        self.state: State = "connecting"
        self.sentence = f"Looking for a server at {address}"
        """what there is to say of the connection, for people"""
        self.welcome: Welcome | None = None
        self.clock = ClockOffset()
        """of the server"""
        self._asked = 0.0
        self._failures = 0
        self._client = client
        self._keys = keys
        self._since = self._heard = self._polled = time.monotonic()
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._socket: zmq.Socket[bytes] | None = None
        self._monitor: zmq.Socket[bytes] | None = None
        try:
            self._connect()
        except zmq.ZMQError as error:
            self.close()
            raise BadConfig(
                f"{address!r} is no address ({error.strerror}); write tcp://HOST:PORT, such as {protocol.ADDRESS}"
            ) from error

    @property
    def troubled(self) -> bool:
        """Whether the sentence says what is wrong, rather than that somebody is looked for or there."""
        return self.state == "refused" or (self.state == "connecting" and not self.sentence.startswith("Looking"))

    def close(self) -> None:
        """Say goodbye and let go of the sockets; nothing is waited for."""
        if self.state == "open":
            self.send(Close())
        self._hang_up(linger=100)
        self._context.destroy(linger=100)

    def send(self, message: Message) -> None:
        """Queue a message; where the connection is not open it goes nowhere, and `Lost` has said so."""
        if self._socket is not None:
            try:
                self._socket.send_multipart(protocol.pack(message), zmq.NOBLOCK)
            except zmq.ZMQError:  # a full queue means a server that reads nothing: heartbeats will tell
                return

    def wait(self, seconds: float) -> None:
        """Block until something may have come; only for programs without a window."""
        poller = zmq.Poller()
        for socket in (self._socket, self._monitor):
            if socket is not None:
                poller.register(socket, zmq.POLLIN)
        poller.poll(int(seconds * 1000))

    def poll(self) -> list[Message | Lost]:
        """What has come since the last time. Greets, answers pings, and notices when nobody is there."""
        if self.state == "refused":
            return []
        events: list[Message | Lost] = []
        now = time.monotonic()
        if now - self._polled > _STALL_S:
            self._heard = now
        self._polled = now
        for message in self._messages():
            self._heard = now
            if isinstance(message, Welcome):
                self._open(message)
            elif isinstance(message, Ping):
                self.send(Pong(message.clock, time.monotonic()))
            elif isinstance(message, Pong) and message.received is not None:
                self.clock.add(message.asked, message.received, message.clock, now)
            elif isinstance(message, Error) and not message.id:
                self._objection(message)
            events.append(message)
        if self.state == "open" and now - self._asked > _ASK_S:
            self._asked = now
            self.send(Ping(now))
        lost = self._watch() or self._silence(now)
        if lost is not None:
            events.append(lost)
        return events

    def _messages(self) -> Iterator[Message]:
        for _ in range(_MESSAGES):
            if self._socket is None:
                return
            try:
                parts = self._socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return
            try:
                envelope = wire.unseal(parts)
                if envelope.kind in protocol.kinds():  # what a newer server says besides is passed over
                    yield protocol.read(envelope)
            except BadVersion as error:
                self._refuse(str(error))
                return
            except BadMessage:
                continue

    def _open(self, welcome: Welcome) -> None:
        self.welcome = welcome
        self.state = "open"
        self.sentence = f"{welcome.bundle} {welcome.bundle_version} on {welcome.server}"

    def _objection(self, error: Error) -> None:
        if self.state == "connecting" and not error.retry:
            self._refuse(error.message)
        elif self.state == "connecting":
            self.sentence = error.message

    def _refuse(self, sentence: str) -> None:
        self.state, self.sentence, self.welcome = "refused", sentence, None
        self._hang_up(linger=0)

    def _watch(self) -> Lost | None:
        """What the sockets say of themselves: a connection made, refused, or gone."""
        while self._monitor is not None:
            try:
                event: Any = parse_monitor_message(self._monitor.recv_multipart(zmq.NOBLOCK))
            except zmq.Again:
                return None
            if event["event"] == zmq.EVENT_HANDSHAKE_SUCCEEDED:
                self._heard = time.monotonic()
                self.send(Hello(self._client, WINDOW))
            elif event["event"] in _FAILED and self.state == "connecting":
                self._failures += 1
                broken_off = event["event"] == zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
                if not broken_off or self._failures > 1:  # a server that dies breaks off once, a guarded one each time
                    self.sentence = self._stranger()
            elif event["event"] == zmq.EVENT_DISCONNECTED and self.state == "open":
                return self._lose(f"The server at {self.address} is gone; looking for it")
        return None

    def _silence(self, now: float) -> Lost | None:
        if self.state == "open":
            assert self.welcome is not None
            most = max(self.welcome.heartbeat_s * self.welcome.missed, _SILENCE_S)
            if now - self._heard > most:
                return self._lose(f"The server at {self.address} has not been heard of for {most:g} s")
        elif now - self._since > 3.0 and self.sentence.startswith("Looking"):
            self.sentence = (
                f"No server answers at {self.address}: start one in the add-on's preferences, or with "
                "`python -m runtime.serve`"
            )
        return None

    def _stranger(self) -> str:
        if self._keys is None:
            return (
                f"The server at {self.address} lets in only clients with keys: choose your keys folder in preferences"
            )
        return (
            f"The server at {self.address} does not take these keys: ask for new ones, and check that it is this server"
        )

    def _lose(self, sentence: str) -> Lost:
        self.state, self.sentence, self.welcome = "connecting", sentence, None
        self._hang_up(linger=0)
        self._connect()
        return Lost(sentence)

    def _connect(self) -> None:
        self._since = self._heard = time.monotonic()
        self._failures = 0
        self._socket = self._context.socket(zmq.DEALER)
        self._socket.setsockopt(zmq.RECONNECT_IVL, 100)
        self._socket.setsockopt(zmq.RECONNECT_IVL_MAX, 5000)
        self._socket.setsockopt(zmq.HEARTBEAT_IVL, 1000)
        self._socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, 5000)
        self._socket.setsockopt(zmq.MAXMSGSIZE, wire.PART_BYTES)
        self._socket.setsockopt(zmq.IPV6, int("[" in self.address))
        if self._keys is not None:
            self._socket.curve_publickey = self._keys.public
            self._socket.curve_secretkey = self._keys.secret
            self._socket.curve_serverkey = self._keys.server
        self._monitor = self._socket.get_monitor_socket(_EVENTS)
        self._socket.connect(self.address)

    def _hang_up(self, linger: int) -> None:
        if self._socket is not None and not self._socket.closed:
            self._socket.disable_monitor()
            if self._monitor is not None:
                self._monitor.close(linger=0)
            self._socket.close(linger)
        self._socket = self._monitor = None


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
