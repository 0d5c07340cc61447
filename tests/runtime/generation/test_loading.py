"""The shipped bundle as a worker opens it: one way through the engines, windows that meet, the same motion in torch."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from motion import features
from motion.errors import MissingPart
from motion.protocol import Frames, Generate
from runtime.engines import names
from runtime.engines.onnx import OnnxEngine
from runtime.generation.loading import find, open_pipeline
from runtime.generation.pipeline import Pipeline
from runtime.generation.stream import Codes, Features, Windows
from runtime.transport.start import Start
from tools.measuring.streaming_quality import seams_of

START = Start({"threads": 1}, slots=1, plans=1, seconds_most=60.0)
SENTENCES = ("a person walks forward", "a person waves with the left hand", "someone kicks with the right foot")


def opened(stack: ExitStack, **models: object) -> Pipeline:
    try:
        return open_pipeline(dataclasses.replace(START, models={**START.models, **models}), stack)
    except MissingPart as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="module")
def pipeline() -> Iterator[Pipeline]:
    with ExitStack() as stack:
        yield opened(stack)


def codes_of(pipeline: Pipeline, text: str, count: int, seed: int = 1) -> list[int]:
    return list(pipeline.model.motion("text-to-motion", text, count, None, None, seed))


def frames_of(pipeline: Pipeline, text: str, seconds: float) -> np.ndarray:
    request = Generate("g", "text-to-motion", text, seconds=seconds)
    messages = pipeline.run(request, 3, time.monotonic(), lambda: False)
    return np.concatenate([m.rotations for m in messages if isinstance(m, Frames)])


def test_decoder_and_refiner_are_one_engine_and_give_what_each_gives_after_the_other(pipeline: Pipeline) -> None:
    assert [names(engine) for engine in pipeline.engines] == [("codes", "noise"), ("features",)]
    assert pipeline.refines
    codes = np.random.default_rng(0).integers(0, 4375, 9)
    noise = np.random.default_rng(1).standard_normal((36, features.WIDTH)).astype(np.float32)
    source = find("base")
    files = source.manifest.motion.files
    with (
        OnnxEngine(source.path(files.decoder), 1) as decoder,
        OnnxEngine(source.path(files.refiner), 1) as refiner,
    ):
        plain = decoder.run({"codes": codes[None]})
        expected = refiner.run({"codes": codes[None], "features": plain, "noise": noise[None]})[0]
    assert np.array_equal(pipeline.decode(codes, noise, lambda: False), expected)
    assert np.abs(expected - plain[0]).max() > 0.01


def test_what_is_sent_in_windows_has_no_jolt_where_they_meet(pipeline: Pipeline) -> None:
    """Joints at a seam against the same codes decoded at once, of nine motions whose fastest joints accelerate by
    11 m/s2 in the mean; without a fade they jolt. Which codes are drawn differs from processor to processor."""

    def decode(codes: Codes, noise: Features) -> Features:
        return pipeline.decode(codes, noise, lambda: False)

    written = [codes_of(pipeline, text, 32, seed) for text in SENTENCES for seed in (1, 2, 3)]
    served = seams_of(decode, written, pipeline.windows, pipeline.manifest)
    hard = seams_of(decode, written, dataclasses.replace(pipeline.windows, fade=0), pipeline.manifest)
    assert served.seam_m_s2 < 2.0
    assert served.seam_m_s2 < hard.seam_m_s2 / 4
    assert served.worst_seam_m_s2 < 12.0
    assert served.apart_mm < 5
    assert abs(served.acceleration - 1) < 0.05


def test_windows_that_reach_as_far_as_the_decoder_sees_give_the_frames_of_decoding_at_once() -> None:
    source = find("base")
    with OnnxEngine(source.path(source.manifest.motion.files.decoder), 1) as decoder:

        def decode(codes: Codes, noise: Features) -> Features:  # noqa: ARG001
            return decoder.run({"codes": codes[None]})[0]

        written = [np.random.default_rng(i).integers(0, 4375, 40).tolist() for i in range(3)]
        assert seams_of(decode, written, Windows(14, 15, fade=1), source.manifest).apart_mm < 0.01
        packed = source.manifest.motion
        assert seams_of(decode, written, Windows(packed.context, packed.lookahead), source.manifest).apart_mm < 5


@pytest.mark.slow
def test_torch_makes_the_same_motion_of_the_same_seed() -> None:
    """The same codes, one by one, and rotations to a tenth of a degree; int8 may take other codes."""
    made: dict[str, tuple[list[int], np.ndarray]] = {}
    for name, settings in (("onnx", {"precision": "fp32"}), ("torch", {"device": "torch", "precision": "fp32"})):
        with ExitStack() as stack:
            pipeline = opened(stack, **settings)
            made[name] = codes_of(pipeline, SENTENCES[0], 24), frames_of(pipeline, SENTENCES[1], 2.0)
    assert made["onnx"][0] == made["torch"][0]
    near = np.abs((made["onnx"][1] * made["torch"][1]).sum(-1))
    assert np.degrees(2 * np.arccos(np.clip(near, 0, 1))).max() < 0.2


def test_a_bundle_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    from motion.errors import BadBundle

    with pytest.raises(BadBundle, match=r"there is no bundle .*Motus comes with base"):
        find(str(tmp_path / "none"))
