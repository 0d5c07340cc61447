#!/usr/bin/env bash
# pyzmq 27.3.0 (libzmq 4.3.5), seen 2026-11-30 on Linux x86_64, Python 3.11.
#
# A DEALER without a limit on what waits to be sent (SNDHWM = 0) that has connected takes whatever is sent, and keeps it
# until its peer is there: so one expects. With a server that wants CURVE and a client that has no keys it is so for some
# milliseconds, until the handshake is refused. Then libzmq takes the connection away for good: it does not try again, and
# every send that does not wait raises Again (EAGAIN), as if a queue without end were full. A program that trusts in the
# missing limit dies of it only when it loses the race with the handshake.
#
# Ends with 0 while this is so, and with 1 when it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pyzmq==27.3.0 2>/dev/null
"$folder/venv/bin/python" - <<'PROGRAM'
import sys
import time

import zmq

public, secret = zmq.curve_keypair()
context = zmq.Context()
server = context.socket(zmq.ROUTER)
server.curve_server, server.curve_publickey, server.curve_secretkey = True, public, secret
port = server.bind_to_random_port("tcp://127.0.0.1")

client = context.socket(zmq.DEALER)
client.setsockopt(zmq.SNDHWM, 0)
monitor = client.get_monitor_socket(zmq.EVENT_DISCONNECTED | zmq.EVENT_CONNECT_RETRIED)
client.connect(f"tcp://127.0.0.1:{port}")
client.send(b"before", zmq.NOBLOCK)
assert monitor.poll(10_000), "the handshake was not refused"
print("event", zmq.Event(int.from_bytes(monitor.recv_multipart()[0][:2], sys.byteorder)).name)

raised, until = 0, time.monotonic() + 3
while time.monotonic() < until:
    try:
        client.send(b"after", zmq.NOBLOCK)
        raised = 0
    except zmq.Again:
        raised += 1
    time.sleep(0.01)
retried = monitor.poll(0)
print(f"libzmq {zmq.zmq_version()}: Again {raised} times in a row, tried to connect again: {bool(retried)}")
sys.exit(0 if raised > 100 and not retried else 1)
PROGRAM
