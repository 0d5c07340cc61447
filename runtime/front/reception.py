"""The ROUTER and the sessions behind it: who is there, who has gone, what may come in, what goes out.

A client that is gone is found by sending: the ROUTER refuses an identity without a connection, so every session is sent
a ping now and then, and often while the service works for it. libzmq's own heartbeats cut connections whose other end
has stopped answering; clients that promised heartbeats of their own are gone when those are missed.
"""

from __future__ import annotations

import errno
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from typing import Final

import zmq

from motion import protocol
from motion.errors import BadRequest, Busy, MotionError
from motion.protocol import Error, Hello, Limits, Peer, Ping, wire
from runtime.front.rate_limit import RateLimit
from runtime.front.session import Account, Session
from runtime.transport.address import readable
from runtime.transport.gate import Gate
from runtime.workers.logs import about

_log = logging.getLogger(__name__)
HEARTBEAT_S: Final = 1.0
MISSED: Final = 3
SESSIONS: Final = 256
ANSWERS: Final = 1000
"""answers a client may leave unread before it is taken for gone"""
_PROBE_BUSY_S: Final = 0.1  # so that work for a client that vanished stops within 0.2 s
_REMEMBERED: Final = 1024  # accounts, and connections that have not said hello, that are remembered at most
_ROWS: Final = 100  # of a roster, which has to fit into a header
_TELL_S: Final = 1.0


class Reception:
    """Sessions by the identity of their connection. `left` is called with every session that ends."""

    def __init__(self, router: zmq.Socket[bytes], limits: Limits, gate: Gate | None, heartbeat_s: float) -> None:
        self.sessions: dict[bytes, Session] = {}
        self.left: list[Callable[[Session, str], None]] = []
        self.heartbeat_s = heartbeat_s
        self.refused = 0
        self._router = router
        self._limits = limits
        self._gate = gate
        self._accounts: OrderedDict[Hashable, Account] = OrderedDict()
        self._strangers: OrderedDict[bytes, Account] = OrderedDict()
        self._dirty: set[Session] = set()

    def read(self, until: float) -> tuple[bytes, Session | None, list[bytes]] | None:
        """The next message within its sender's rate limit, or None where there is none now, or that time has come.

        Parts past what a message may have are thrown away, all but one that shows there were.
        """
        while time.monotonic() < until and readable(self._router):
            first = frame = self._router.recv(copy=False)
            identity, size = first.bytes, 0
            parts: list[bytes] = []
            while frame.more:
                frame = self._router.recv(copy=False)
                size += len(frame)
                if len(parts) < wire.BUFFERS + 3:
                    parts.append(frame.bytes)
            session = self.sessions.get(identity)
            account = self._stranger(identity, first) if session is None else session.account
            now = time.monotonic()
            if session is not None:
                session.heard = now
                session.bytes_in += size
            wait = account.rate_limit.take(size, now)
            if not wait:
                return identity, session, parts
            self._over_limit(identity, session, account, wait, now)
        return None

    def greet(self, identity: bytes, hello: Hello) -> Session:
        """The session of a client that said hello. Raises Busy and BadRequest."""
        if not 1 <= hello.window <= self._limits.window:
            raise BadRequest(f"'window' must be 1 to {self._limits.window} frames; got {hello.window}")
        session = self.sessions.get(identity)
        if session is None:
            account = self._strangers[identity]
            if len(self.sessions) >= SESSIONS:
                raise Busy(f"{SESSIONS} clients are connected, which is all this server takes; try again later")
            if account.sessions >= self._limits.sessions:
                raise Busy(f"{account.sessions} connections of this client are open, which is all it may have")
            del self._strangers[identity]
            account.sessions += 1
            session = self.sessions[identity] = Session(identity, hello.client[:100], hello.window, account)
            name = self._gate.name(str(account.name)) if self._gate is not None else ""
            _log.info("a client came", extra=about(client=session.client, key=name))
        session.window, session.beats = hello.window, hello.beats
        return session

    def refuse(self, identity: bytes, session: Session | None, request: str, error: MotionError) -> None:
        """Answer a message that came to nothing. An error that names a request ends it; one about a message to a
        request under way names none."""
        self.refused += 1
        if session is None:
            self._send(identity, None, protocol.pack(Error("", error.code, str(error), error.retry)))
            return
        session.refused += 1
        under_way = request in session.jobs or request in session.streams
        session.answers.append(Error("" if under_way else request, error.code, str(error), error.retry))
        self.touch(session)

    def touch(self, session: Session) -> None:
        """Something may leave for this session now."""
        self._dirty.add(session)

    def flush(self) -> None:
        """Send what may leave."""
        for session in list(self._dirty):
            while (queue := session.next()) is not None:
                if not self._send(session.identity, session, protocol.pack(queue[0])):
                    break
                session.leave(queue)
            if session.next() is None or session.identity not in self.sessions:
                self._dirty.discard(session)
            if len(session.answers) > ANSWERS:
                self.forget(session, f"it left {ANSWERS} answers unread", "silent")

    def send(self, session: Session, parts: Sequence[bytes]) -> bool:
        """Send a message now; whether it left."""
        if not self._send(session.identity, session, parts):
            return False
        session.told = time.monotonic()
        return True

    def watch(self, now: float, gap: float) -> None:
        """Find out who is still there; nobody is blamed for the `gap` seconds in which this process stood still."""
        for session in list(self.sessions.values()):
            session.heard += gap
            if session.beats and now - session.heard > MISSED * self.heartbeat_s:
                self.forget(session, f"it missed {MISSED} heartbeats", "silent")
                continue
            busy = session.jobs or session.streams
            if now - session.told > (min(_PROBE_BUSY_S, self.heartbeat_s) if busy else self.heartbeat_s):
                session.told = now
                self._send(session.identity, session, protocol.pack(Ping(now)))

    def forget(self, session: Session, reason: str, why: str = "gone") -> None:
        """A session ends; what was done for it stops."""
        if self.sessions.pop(session.identity, None) is None:
            return
        _log.info("a client left: %s", reason, extra=about(client=session.client))
        for told in self.left:
            told(session, why)
        session.account.jobs -= len(session.jobs)
        session.jobs.clear()
        session.answers.clear()
        self._dirty.discard(session)
        session.account.sessions -= 1

    def peers(self, now: float) -> tuple[Peer, ...]:
        """Rows of the roster."""
        sessions = sorted(self.sessions.values(), key=lambda session: session.since)[:_ROWS]
        return tuple(
            Peer(
                one.client, round(now - one.since, 3), round(max(0.0, now - one.heard), 3), len(one.jobs),
                len(one.streams), one.frames, one.bytes_in, one.bytes_out, one.refused,
            )
            for one in sessions
        )  # fmt: skip

    def _send(self, identity: bytes, session: Session | None, parts: Sequence[bytes]) -> bool:
        """Whether the message left; a session whose client is gone is forgotten."""
        try:
            self._router.send_multipart([identity, *parts], zmq.NOBLOCK)
        except zmq.Again:
            return False
        except zmq.ZMQError as error:
            if error.errno != errno.EHOSTUNREACH:
                raise
            if session is not None:
                self.forget(session, "its connection is gone")
            return False
        if session is not None:
            session.bytes_out += sum(map(len, parts))
        return True

    def _stranger(self, identity: bytes, first: zmq.Frame) -> Account:
        """The account of a connection that has not said hello."""
        account = self._strangers.get(identity)
        if account is None:
            name: Hashable = identity
            if self._gate is not None:
                name = str(first.get("User-Id"))
            account = self._strangers[identity] = self._account(name)
            while len(self._strangers) > _REMEMBERED:
                self._strangers.popitem(last=False)
        return account

    def _account(self, name: Hashable) -> Account:
        """The account of this name; it outlasts its connections, so that who comes back does not begin anew."""
        account = self._accounts.get(name)
        if account is None:
            limit = RateLimit(self._limits.messages_per_s, self._limits.bytes_per_s, time.monotonic())
            account = self._accounts[name] = Account(name, limit)
            if len(self._accounts) > _REMEMBERED:
                oldest = (one for one, account in self._accounts.items() if not account.sessions and one != name)
                self._accounts.pop(next(oldest), None)
        return account

    def _over_limit(self, identity: bytes, session: Session | None, account: Account, wait: float, now: float) -> None:
        self.refused += 1
        if session is not None:
            session.refused += 1
        if now - account.rate_limit.told < _TELL_S:
            return
        account.rate_limit.told = now
        limits = self._limits
        busy = Busy(
            f"{limits.messages_per_s} messages and {limits.bytes_per_s} bytes a second are allowed, and this client "
            f"sends more: what comes in the next {wait:.2f} s is thrown away; go slower"
        )
        self._send(identity, session, protocol.pack(Error("", busy.code, str(busy), busy.retry, round(wait, 3))))
