"""Keys, so that other machines may connect and strangers may not.

On the server's machine:

    python -m runtime.keys keys --client ann
    python -m runtime.serve --keys keys --address "tcp://0.0.0.0:5570"

Then hand the folder keys/hand-out/ann to Ann, who runs:

    python -m examples.s11_over_the_network tcp://SERVER:5570 ann
"""

from __future__ import annotations

import sys

from motion.errors import Denied, Unavailable
from motion.protocol import ADDRESS
from runtime.client import Client


def main(address: str = ADDRESS, keys: str = "keys/hand-out/client") -> None:
    """What is said goes encrypted; who has no key on the server's list is not even heard."""
    with Client(address, keys=keys) as client:
        print(f"{client.welcome.server} lets us in, {1000 * client.ping():.1f} ms there and back")
    try:
        with Client(address, timeout=3):
            print("a server without keys lets everybody in who can reach it: this machine alone")
    except (Denied, Unavailable) as error:
        print(f"without keys: {error}")


if __name__ == "__main__":
    main(*sys.argv[1:])
