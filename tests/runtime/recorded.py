"""A real server whose language model is a recording, for tests of everything around the model.

    python -m tests.runtime.recorded FOLDER [--step-s S] [--fail-at N] [flags of runtime.serve]

Service, workers, pipeline and engines are the product's own. The bundle in FOLDER has real ONNX graphs: the decoder
looks up four frames of a recorded walk for each code, the encoder finds the code whose frames are nearest. The
recording plays codes in order, taking `step_s` for each, as a language model would.
"""

from __future__ import annotations

# ruff: noqa: ARG002  a recording does not listen
import argparse
import re
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from motion import features, quat
from motion.bundles import bundle
from motion.bundles.bundle import Bundle
from motion.bundles.manifest import AUTO, DECODER, ENCODER, MOTION, CoderFiles, Corpus, Manifest, PackedTokenizer
from motion.clip import Clip
from motion.features import Layout
from motion.protocol import Task
from motion.skeleton import SMPLX22
from runtime import settings
from runtime.engines.onnx import OnnxEngine
from runtime.front import admission
from runtime.generation.batching import BatchedEngine
from runtime.generation.pipeline import Pipeline
from runtime.generation.stream import Codes, Windows
from runtime.language.familiarity import Familiarity
from runtime.serve import Work, run, serve
from runtime.transport.start import Start
from runtime.workers import logs
from runtime.workers.worker import work

RATE = 4
CODES = 64
SERVED = features.find(features.NAME)
LIMITS = replace(
    admission.LIMITS,
    text_characters=200,
    requests=4,
    queue=3,
    window=240,
    messages_per_s=50_000,
    streams=64,
    sessions=256,
)
STRANGE = (
    "eine Person läuft im Kreis und winkt",
    "一个人向前走并挥手",
    "רוץ קדימה ואז שב",
    "stand still while running, lying down on the ceiling",
    "turn left to the right, jump without leaving the ground",
    "do a cartwheel",
    "12345 ☂ !!! </s> [REPLY_BOS]",
    "\u200b",
)
"""sentences that nobody trained on: other languages, contradictions, what nobody recorded, and no words at all"""
WORDS = ("a", " person", " walks", " in", " an", " arc")


def walk(frames: int = CODES * RATE) -> Clip:
    """A body that walks in an arc, swinging its limbs: smooth, and different in every frame."""
    t = np.arange(frames, dtype=np.float32) / 30
    rotations = np.tile(np.array([1, 0, 0, 0], np.float32), (frames, len(SMPLX22), 1))
    for joint, phase in (("left_hip", 0.0), ("right_hip", np.pi), ("left_shoulder", np.pi), ("right_shoulder", 0.0)):
        angle = (0.5 * np.sin(2 * np.pi * 0.9 * t + phase) + 0.002 * t).astype(np.float32)
        axis = np.array([1, 0, 0], np.float32)
        rotations[:, SMPLX22.index(joint)] = quat.from_axis_angle(np.tile(axis, (frames, 1)), angle)
    heading = (0.3 * t).astype(np.float32)
    rotations[:, 0] = quat.from_yaw(heading)
    step = np.stack([np.sin(heading), np.zeros(frames), np.cos(heading)], -1) / 30
    root = np.cumsum(step, axis=0) - step[0]
    root[:, 1] = 0.93 + 0.02 * np.sin(2 * np.pi * 1.8 * t)
    return Clip(SMPLX22, 30.0, rotations, root.astype(np.float32))


class Recording:
    """Plays codes and words; the same seed begins at the same place, and a text with "other" in the second half."""

    def __init__(self, step_s: float, fail_at: int | None) -> None:
        self._step_s = step_s
        self._fail_at = fail_at

    def motion(
        self, task: str, text: str, tokens: int | None, past: Codes | None, future: Codes | None, seed: int
    ) -> Generator[int, None, None]:
        """Codes in their order, from the seed or from where the past ends."""
        start = seed if past is None else int(past[-1]) + 1
        if "other" in text and past is not None and start % CODES < CODES // 2:
            start += CODES // 2 - 3
        for step in range(20 if tokens is None else tokens):
            if step == self._fail_at and "fail" in text:
                raise ValueError("the recording was asked to fail")
            self._think()
            yield (start + step) % CODES

    def text(self, task: str, text: str, codes: Codes | None, seed: int) -> Generator[str, None, None]:
        """The words, whatever the motion."""
        for word in WORDS:
            self._think()
            yield word

    def route(self, text: str) -> Literal["text-to-motion", "conversation"]:
        """A text with a question mark is a question."""
        return "conversation" if "?" in text else "text-to-motion"

    def familiarity(self, text: str) -> Familiarity:
        """Each word of a walk is known, and no other."""
        words = re.findall(r"\w+", text.lower())
        known = sum(word in ("a", "person", "walk", "walks") for word in words)
        return Familiarity(known / max(len(words), 1), ("a person walks", "a person walks in an arc"))

    def take_sizes(self) -> list[int]:
        """None: a recording shares nothing."""
        return []

    def _think(self) -> None:
        if self._step_s:
            time.sleep(self._step_s)


def make_bundle(folder: Path, layout: Layout = SERVED) -> Bundle:
    """A bundle with the recorded walk in its graphs."""
    table = layout.encode(walk()).reshape(CODES, RATE * layout.width)
    _save(_decoder(table), folder / DECODER)
    _save(_encoder(table), folder / ENCODER)
    manifest = Manifest(
        name="recorded",
        version="0.1.0",
        licence="CC0",
        command="python -m tests.runtime.recorded",
        tokenizers=(
            PackedTokenizer(
                MOTION, layout.name, layout.fps, RATE, CoderFiles(ENCODER, DECODER), (CODES,),
                context=2, lookahead=2, skeleton=layout.skeleton,
            ),
        ),
        data=(Corpus("synthetic", "CC0"),),
        tasks=(
            Task("text-to-motion", ("text",), ("seconds",), "motion"),
            Task("unconditional", (), ("seconds",), "motion"),
            Task("prediction", ("past",), ("text", "seconds"), "motion"),
            Task("in-betweening", ("past", "future"), ("text", "seconds"), "motion"),
            Task("motion-to-text", ("motion",), (), "text"),
            Task("conversation", ("text",), (), "text"),
            AUTO,
        ),
    )  # fmt: skip
    return bundle.write(folder, manifest)


def open_pipeline(
    source: Bundle,
    stack: ExitStack,
    step_s: float = 0.0,
    fail_at: int | None = None,
    hold_feet: bool = False,
    seconds_most: float = LIMITS.seconds_most,
) -> Pipeline:
    """The product's pipeline over the recording."""
    packed = source.manifest.motion
    decoder, encoder = (
        stack.enter_context(BatchedEngine(OnnxEngine(source.path(file), 1)))
        for file in (packed.files.decoder, packed.files.encoder)
    )
    windows = Windows(packed.context, packed.lookahead)
    recording = Recording(step_s, fail_at)
    return Pipeline(source.manifest, recording, decoder, None, encoder, windows, seconds_most, hold_feet)


def _decoder(table: np.ndarray) -> onnx.GraphProto:
    return helper.make_graph(
        [
            helper.make_node("Gather", ["table", "codes"], ["blocks"], axis=0),
            helper.make_node("Reshape", ["blocks", "shape"], ["features"]),
        ],
        "decoder",
        [helper.make_tensor_value_info("codes", TensorProto.INT64, ["B", "K"])],
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["B", "T", table.shape[1] // RATE])],
        [
            numpy_helper.from_array(table, "table"),
            numpy_helper.from_array(np.array([0, -1, table.shape[1] // RATE], np.int64), "shape"),
        ],
    )


def _encoder(table: np.ndarray) -> onnx.GraphProto:
    """argmin over codes of |block - table|^2."""
    return helper.make_graph(
        [
            helper.make_node("Reshape", ["features", "shape"], ["blocks"]),
            helper.make_node("MatMul", ["blocks", "twice"], ["likeness"]),
            helper.make_node("Sub", ["norms", "likeness"], ["distance"]),
            helper.make_node("ArgMin", ["distance"], ["codes"], axis=2, keepdims=0),
        ],
        "encoder",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["B", "T", table.shape[1] // RATE])],
        [helper.make_tensor_value_info("codes", TensorProto.INT64, ["B", "K"])],
        [
            numpy_helper.from_array(np.array([0, -1, table.shape[1]], np.int64), "shape"),
            numpy_helper.from_array(np.ascontiguousarray(2 * table.T), "twice"),
            numpy_helper.from_array((table**2).sum(axis=1), "norms"),
        ],
    )


def _save(graph: onnx.GraphProto, path: Path) -> None:
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())


def open_recorded(start: Start, stack: ExitStack) -> Pipeline:
    """What a worker of this server opens."""
    models = start.models
    source = bundle.load(models["folder"])
    return open_pipeline(source, stack, models["step_s"], models["fail_at"], seconds_most=start.seconds_most)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve the recording."""
    from tests.runtime import recorded  # by the name under which replicas find it too

    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--step-s", type=float, default=0.0)
    parser.add_argument("--fail-at", type=int)
    parser.add_argument("--heartbeat-s", type=float, default=1.0)
    parser.add_argument("--worker", action="store_true")
    options, flags = parser.parse_known_args(arguments)
    if options.worker:
        return work(open_recorded)

    def find() -> Work:
        source = bundle.load(options.folder)
        models = {"folder": str(options.folder), "step_s": options.step_s, "fail_at": options.fail_at}
        return Work(source, {**models, "files": dict(source.manifest.files)})

    def program(stack: ExitStack) -> None:
        config = settings.read(["--address", "tcp://127.0.0.1:*", "--http", "127.0.0.1:0", "--slots", "1", *flags])
        config = config if config.limits != admission.LIMITS else replace(config, limits=LIMITS)
        logs.start(config.log_level, config.log_format)
        worker = (sys.executable, "-m", "tests.runtime.recorded", "--worker")
        serve(config, find(), stack, worker, find, True, options.heartbeat_s, recorded.open_recorded)

    return run(program)


if __name__ == "__main__":
    sys.exit(main())
