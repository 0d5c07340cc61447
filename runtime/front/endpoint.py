"""A small HTTP port for those who run the service: /healthz, /readyz, /metrics.

    /healthz    200 while the service's loop turns
    /readyz     200 once the models are warm, until the service begins to stop
    /metrics    what Prometheus reads

It takes no input but the path, answers nothing else, and holds few connections, each for a short time.
"""

from __future__ import annotations

import errno
import logging
import re
import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Self

from motion.errors import BadConfig

_log = logging.getLogger(__name__)
ADDRESS: Final = "127.0.0.1:5580"
_PATIENCE_S: Final = 2.0
_CONNECTIONS: Final = 16
_TEXT: Final = "text/plain; version=0.0.4; charset=utf-8"

Page = Callable[[], tuple[bool, bytes]]
"""whether all is well, and what to say"""


class Endpoint:
    """Serves `pages` by their path at `address`, HOST:PORT. Raises BadConfig where the address cannot be had."""

    def __init__(self, address: str, pages: dict[str, Page]) -> None:
        match = re.fullmatch(r"(?P<host>\[[^\]]+\]|[^:]*):(?P<port>\d{1,5})", address)
        if match is None or int(match["port"]) > 65535:
            raise BadConfig(
                f"{address!r} is no HTTP address; write HOST:PORT, for example {ADDRESS}, or 0 for a free port"
            )
        host = match["host"].strip("[]")
        try:
            self._server = _Server((host, int(match["port"])), pages, ":" in host)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise BadConfig(
                    f"{address} is in use: give another port with --http {host}:0 (a free one is taken), or none with "
                    "--no-http"
                ) from error
            raise BadConfig(f"{address} cannot be bound: {error.strerror}") from error
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), name="http", daemon=True)

    @property
    def address(self) -> str:
        """Where it listens."""
        host, port = self._server.server_address[:2]
        return f"http://{f'[{host}]' if ':' in str(host) else host}:{port}"

    def __enter__(self) -> Self:
        self._thread.start()
        _log.info("metrics and health at %s", self.address)
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], pages: dict[str, Page], six: bool) -> None:
        self.address_family = socket.AF_INET6 if six else socket.AF_INET
        self.pages = pages
        self._room = threading.Semaphore(_CONNECTIONS)
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._room.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        _log.debug("a client of the HTTP port went away", exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    timeout = _PATIENCE_S
    server_version = "motus"
    sys_version = ""

    def do_GET(self) -> None:
        assert isinstance(self.server, _Server)
        page = self.server.pages.get(self.path.partition("?")[0])
        well, content = (False, b"there are /healthz, /readyz and /metrics\n") if page is None else page()
        self.send_response(404 if page is None else 200 if well else 503)
        self.send_header("Content-Type", _TEXT)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  http.server's own name
        _log.debug(format, *args)
