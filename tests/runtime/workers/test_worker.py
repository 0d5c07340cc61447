"""The worker by itself: orders in, reports out, live sessions first, and a GPU's memory as its driver tells it."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import zmq

from motion import protocol
from motion.bundles.bundle import Bundle
from motion.protocol import Done, Generate
from runtime.generation.stream import Codes
from runtime.transport import orders
from runtime.transport.orders import Plan, Run
from runtime.workers import gpu
from runtime.workers.worker import Worker
from tests.runtime.recorded import Recording, open_pipeline


class Slow(Recording):
    """A recording that takes its time over what is called slow."""

    def motion(
        self, task: str, text: str, tokens: int | None, past: Codes | None, future: Codes | None, seed: int
    ) -> Generator[int, None, None]:
        for code in super().motion(task, text, tokens, past, future, seed):
            if "slow" in text:
                time.sleep(0.03)
            yield code


@contextmanager
def worker(source: Bundle, slots: int = 2) -> Iterator[zmq.Socket[bytes]]:
    """The front's end of a worker's connection."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    with ExitStack() as stack:
        stack.callback(context.destroy, linger=0)
        front = context.socket(zmq.PAIR)
        front.bind("inproc://worker")
        theirs = context.socket(zmq.PAIR)
        theirs.connect("inproc://worker")
        pipeline = open_pipeline(source, stack)
        pipeline.model = Slow(0.0, None)
        running = stack.enter_context(Worker(pipeline, context, theirs, slots, 2))
        thread = threading.Thread(target=running.serve)
        thread.start()
        try:
            yield front
        finally:
            front.send_multipart(orders.pack("stop", 0))
            thread.join()


def clip(key: int, text: str = "walk", seconds: float = 60.0) -> list[bytes]:
    return orders.pack("run", key, Run(1, 0.0, Generate(f"g{key}", "text-to-motion", text, seconds=seconds)))


def ends(front: zmq.Socket[bytes], count: int) -> list[tuple[str, int]]:
    """The next so many jobs to end: how, and their keys."""
    found: list[tuple[str, int]] = []
    while len(found) < count:
        assert front.poll(20_000), "a job did not end"
        parts = front.recv_multipart()
        kind, key = orders.kind_of(parts)
        last = kind in ("planned", "refused") or (kind == "said" and isinstance(protocol.unpack(parts[1:]), Done))
        found += [(kind, key)] if last else []
    return found


def test_clips_wait_while_a_plan_of_a_live_session_is_made(recorded_bundle: Bundle) -> None:
    with worker(recorded_bundle) as front:
        front.send_multipart(orders.pack("plan", 1, Plan(1, "slow", 20, fresh=True)))
        for key in (2, 3):
            front.send_multipart(clip(key))
        assert ends(front, 3)[0] == ("planned", 1), "it was done before clips that are done in half the time"


def test_a_job_that_is_halted_ends_with_a_refusal_and_the_others_go_on(recorded_bundle: Bundle) -> None:
    with worker(recorded_bundle) as front:
        front.send_multipart(clip(1, "slow", 60.0))
        front.send_multipart(clip(2, "slow", 1.0))
        front.send_multipart(orders.pack("cancel", 1))
        front.send_multipart(orders.pack("cancel", 99))
        assert ends(front, 2) == [("refused", 1), ("said", 2)]


def test_what_is_no_order_is_passed_over(recorded_bundle: Bundle) -> None:
    with worker(recorded_bundle) as front:
        front.send_multipart(orders.pack("greet", 0))
        front.send_multipart(orders.pack("nonsense", 7))
        front.send_multipart(clip(1, seconds=1.0))
        assert ends(front, 1) == [("said", 1)]


@pytest.mark.skipif(os.name == "nt", reason="a shell script stands for the driver's program")
def test_memory_of_each_gpu_is_what_the_driver_says(tmp_path: Path) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho 1024\necho 2\n")
    program.chmod(0o755)
    assert gpu.used_bytes(str(program)) == (2**30, 2**21)
    program.write_text("#!/bin/sh\necho no devices were found\nexit 6\n")
    assert gpu.used_bytes(str(program)) == ()
    assert gpu.used_bytes(str(tmp_path / "nothing")) == ()
