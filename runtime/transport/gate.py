"""The gate before the sockets: CURVE with a list of client keys, asked over ZAP in libzmq's handshake.

A peer whose key is not on the list is refused there; none of its bytes reach a socket of ours. The list is a folder of
public keys, read again when it changes, so that clients can be added and shut out while the server runs: who is shut
out keeps the connections it has until they end.
"""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Any, Final, Self

import zmq
from zmq.auth.thread import ThreadAuthenticator
from zmq.utils import z85

from motion.errors import MotionError
from runtime.keys import Pair, allowed, load_server

_log = logging.getLogger(__name__)
DOMAIN: Final = "motus"
_TELL_S: Final = 1.0


class Gate:
    """Guards the sockets of one context with the keys in `folder`. Raises BadConfig where they are not there."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], folder: Path) -> None:
        self._folder = folder
        self._own: Pair = load_server(folder)
        self._list: dict[bytes, str] = allowed(folder)
        self._read = _changed(folder)
        self._told = 0.0
        self.refused = 0
        """handshakes so far with a key that is not on the list"""
        self._authenticator = ThreadAuthenticator(context)
        untyped: Any = self._authenticator
        untyped.configure_curve_callback(domain=DOMAIN, credentials_provider=self)

    def __enter__(self) -> Self:
        self._authenticator.start()
        if not self._list:
            _log.warning("%s lists nobody: add clients with `python -m runtime.keys`", self._folder / "clients")
        return self

    def __exit__(self, *exc: object) -> None:
        self._authenticator.stop()

    def guard(self, socket: zmq.Socket[bytes]) -> None:
        """Let nobody through to this socket but who is on the list. To be called before it is bound."""
        socket.curve_server = True
        socket.curve_publickey = self._own.public
        socket.curve_secretkey = self._own.secret
        socket.setsockopt_string(zmq.ZAP_DOMAIN, DOMAIN)

    def name(self, key: str) -> str:
        """What the client with this key (Z85) is called here; "" where it has been taken off the list."""
        return self._list.get(key.encode(), "")

    def callback(self, domain: str, key: bytes) -> bool:
        """pyzmq's question, on its thread: may the holder of this public key (Z85) come in?"""
        self._refresh()
        if key in self._list:
            return True
        self.refused += 1
        if time.monotonic() - self._told > _TELL_S:
            self._told = time.monotonic()
            _log.warning("refused a client of domain %s with the unknown key %s", domain, key.decode())
        return False

    def _refresh(self) -> None:
        now = _changed(self._folder)
        if now == self._read:
            return
        try:
            self._list = allowed(self._folder)
            self._read = now
        except MotionError as error:
            _log.error("the list of clients stays as it was: %s", error)


def throwaway() -> Pair:
    """A pair of keys for one connection."""
    public, secret = zmq.curve_keypair()
    assert len(z85.decode(public)) == 32
    return Pair(public, secret)


def _changed(folder: Path) -> int:
    try:
        return (folder / "clients").stat().st_mtime_ns
    except OSError:
        return 0
