"""Keys of a server and its clients: `python -m runtime.keys FOLDER`.

    FOLDER/server.key, server.key_secret     the server's own; the secret never leaves its machine
    FOLDER/clients/NAME.key                  whom the server lets in: one public key each; take one away to shut it out
    FOLDER/hand-out/NAME/                    what NAME is to be given, over a channel you trust: its secret, and the
                                             server's public key

The files are ZeroMQ certificates (pyzmq's zmq.auth), keys of CURVE25519.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, cast

import zmq.auth as _typed_in_part

from motion.errors import BadConfig, MotionError
from motion.protocol.sockets import ClientKeys, Pair

_zmq_auth: Any = _typed_in_part
COMMAND: Final = "python -m runtime.keys"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_EXAMPLES: Final = """
examples:
  python -m runtime.keys keys
      make keys for a server and a first client called "client"

  python -m runtime.keys keys --client ann --client unity-stage
      the same for two clients; run it again to add more

  python -m runtime.serve --keys keys --address "tcp://0.0.0.0:5570"
      serve to those clients, and to nobody else

  from runtime.client import Client
  Client("tcp://studio:5570", keys="keys/hand-out/ann")
"""


def load_server(folder: Path) -> Pair:
    """The server's own keys. Raises BadConfig."""
    return _pair(folder / "server.key_secret")


def load_client(folder: Path) -> ClientKeys:
    """The keys that a client was handed. Raises BadConfig."""
    return ClientKeys(_pair(folder / "client.key_secret"), _public(folder / "server.key"))


def keys_of(keys: ClientKeys | Path | str | None) -> ClientKeys | None:
    """Keys, or those in the folder that a client was handed. Raises BadConfig."""
    return load_client(Path(keys)) if isinstance(keys, (Path, str)) else keys


def allowed(folder: Path) -> dict[bytes, str]:
    """The clients a server lets in: names by their public key. Raises BadConfig."""
    return {_public(path): path.stem for path in sorted((folder / "clients").glob("*.key"))}


def make(folder: Path, clients: Sequence[str]) -> list[str]:
    """Keys of a server, where there are none, and of new clients; what was made. Raises BadConfig."""
    for name in clients:
        if not _NAME.fullmatch(name):
            raise BadConfig(f"a client may be called by letters, digits, '.', '_' and '-', at most 64; got {name!r}")
        if (folder / "clients" / f"{name}.key").exists():
            raise BadConfig(f"{folder} has a client {name!r} already; choose another name, or delete its files first")
    made: list[str] = []
    try:
        for part in (folder, folder / "clients", folder / "hand-out"):
            part.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not (folder / "server.key_secret").exists():
            _certificate(folder, "server")
            made.append(f"{folder / 'server.key_secret'}  the server's own: it stays on this machine")
        for name in clients:
            out = folder / "hand-out" / name
            out.mkdir(mode=0o700)
            _certificate(out, "client")
            (out / "client.key").rename(folder / "clients" / f"{name}.key")
            shutil.copy(folder / "server.key", out / "server.key")
            made.append(f"{out}  for {name}, over a channel you trust")
    except OSError as error:
        raise BadConfig(f"{folder} cannot hold keys: {error.strerror}; give a folder that can be written") from error
    return made


def _certificate(folder: Path, name: str) -> None:
    mask = os.umask(0o077)
    try:
        _zmq_auth.create_certificates(folder, name)
    finally:
        os.umask(mask)


def _pair(path: Path) -> Pair:
    public, secret = _read(path)
    if secret is None:
        raise BadConfig(f"{path} holds no secret key; make keys with `{COMMAND} FOLDER`")
    return Pair(public, secret)


def _public(path: Path) -> bytes:
    return _read(path)[0]


def _read(path: Path) -> tuple[bytes, bytes | None]:
    try:
        public, secret = cast("tuple[bytes, bytes | None]", _zmq_auth.load_certificate(path))
    except (OSError, ValueError, UnicodeDecodeError) as error:
        raise BadConfig(f"there are no keys in {path} ({error}); make some with `{COMMAND} FOLDER`") from error
    if len(public) != 40 or (secret is not None and len(secret) != 40):
        raise BadConfig(f"{path} is damaged: a key has 40 characters; make keys with `{COMMAND} FOLDER`")
    return public, secret


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(
        prog=COMMAND,
        description="Make the keys with which a server and its clients know each other.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", type=Path, help="where they go, or where to add clients")
    parser.add_argument("--client", action="append", metavar="NAME", help="a client to let in (default: client)")
    options = parser.parse_args(arguments)
    fresh = not (options.folder / "server.key_secret").exists()
    clients: list[str] = options.client or (["client"] if fresh else [])
    try:
        if not clients:
            raise BadConfig(f"{options.folder} has keys already; name the clients to add with --client")
        made = make(options.folder, clients)
    except MotionError as error:
        sys.stderr.write(f"runtime.keys: {error}\n")
        return 2
    sys.stdout.write("".join(f"made {line}\n" for line in made))
    sys.stdout.write(f'serve with `python -m runtime.serve --keys {options.folder} --address "tcp://0.0.0.0:5570"`\n')
    return 0


if __name__ == "__main__":
    sys.exit(main())
