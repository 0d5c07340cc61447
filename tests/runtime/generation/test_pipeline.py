"""The pipeline by itself: what leaves in which order, how cancelling stops it, what the counters say."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from motion import features
from motion.bundles.bundle import Bundle
from motion.errors import BadBundle, Cancelled, UnknownTask
from motion.protocol import Done, Frames, Generate, Message, Pose, Progress, Text
from motion.quat import F32
from runtime.engines import names
from runtime.engines.onnx import OnnxEngine
from runtime.generation import placement
from runtime.generation.pipeline import Pipeline
from runtime.generation.planner import Planner
from runtime.transport.orders import Plan
from tests.runtime.recorded import CODES, RATE, SERVED, STRANGE, make_bundle, open_pipeline, walk


@pytest.fixture
def pipeline(recorded_bundle: Bundle) -> Iterator[Pipeline]:
    with ExitStack() as stack:
        yield open_pipeline(recorded_bundle, stack)


def run(pipeline: Pipeline, request: Generate, seed: int = 0) -> list[Message]:
    return list(pipeline.run(request, seed, time.monotonic(), lambda: False))


def test_reading_then_tokens_and_frames_then_done(pipeline: Pipeline) -> None:
    messages = run(pipeline, Generate("g", "text-to-motion", "walk", seconds=1.0))
    assert messages[0] == Progress("g", "reading", 0, 1)
    told = [m.done for m in messages[1:] if isinstance(m, Progress)]
    assert told == sorted(set(told))
    assert {1, 8} <= set(told), "the first token and the last"
    assert [len(m.root) for m in messages if isinstance(m, Frames)] == [4, 8, 18], "8 tokens hold 32 frames, 30 asked"
    assert isinstance(messages[-1], Done)
    assert (messages[-1].tokens, messages[-1].frames) == (8, 30)


def test_without_seconds_the_model_says_when_it_is_over(pipeline: Pipeline) -> None:
    done = run(pipeline, Generate("g", "text-to-motion", "walk"))[-1]
    assert isinstance(done, Done)
    assert (done.tokens, done.frames) == (20, 80)


@pytest.mark.parametrize("codes", [0, 1, 5])
def test_once_halted_not_one_more_code_is_asked_for(pipeline: Pipeline, codes: int) -> None:
    request = Generate("g", "text-to-motion", "walk", seconds=10.0)
    with pytest.raises(Cancelled):
        for _ in pipeline.run(request, 0, time.monotonic(), lambda: pipeline.tokens >= codes):
            pass
    assert pipeline.tokens == codes


def test_counters_count_what_was_done(pipeline: Pipeline) -> None:
    run(pipeline, Generate("g", "text-to-motion", "walk", seconds=2.0))
    assert (pipeline.tokens, pipeline.frames) == (15, 60)
    clip = walk()
    run(pipeline, Generate("g", "motion-to-text", motion=Pose(clip.rotations, clip.root)))
    assert (pipeline.tokens, pipeline.frames) == (21, 60)


def test_warming_up_goes_through_everything(pipeline: Pipeline) -> None:
    pipeline.warm_up()
    assert pipeline.frames == 30
    assert pipeline.tokens > 8


def test_a_past_that_is_no_whole_number_of_tokens_loses_frames_at_its_beginning(pipeline: Pipeline) -> None:
    clip = walk()
    past = Pose(clip.rotations[1:80], clip.root[1:80])
    messages = run(pipeline, Generate("g", "prediction", seconds=1.0, past=past))
    root = np.concatenate([m.root for m in messages if isinstance(m, Frames)])
    assert np.abs(root - clip.root[80:110]).max() < 0.05


@pytest.mark.parametrize(
    ("text", "task", "kind"),
    [("what is a plié?", "conversation", Text), ("show me a plié", "text-to-motion", Frames)],
)
def test_auto_does_what_the_text_asks_for_as_if_that_had_been_asked_for(
    pipeline: Pipeline, text: str, task: str, kind: type[Text | Frames]
) -> None:
    *said, done = run(pipeline, Generate("g", "auto", text), 3)
    asked = run(pipeline, Generate("g", task, text), 3)
    assert isinstance(done, Done)
    assert done.task == task
    assert [type(one) for one in said] == [type(one) for one in asked[:-1]]
    assert any(isinstance(one, kind) for one in said)
    assert [one.root.tobytes() for one in said if isinstance(one, Frames)] == [
        one.root.tobytes() for one in asked if isinstance(one, Frames)
    ]


def test_done_says_how_near_the_sentence_of_a_motion_lies_and_nothing_where_there_is_none(pipeline: Pipeline) -> None:
    clip = walk()
    pose = Pose(clip.rotations, clip.root)

    def near(request: Generate) -> tuple[str, float | None, tuple[str, ...]]:
        done = run(pipeline, request)[-1]
        assert isinstance(done, Done)
        return done.task, done.familiar, done.nearest

    nearest = ("a person walks", "a person walks in an arc")
    assert near(Generate("g", "text-to-motion", "a person walks", seconds=1.0)) == ("text-to-motion", 1.0, nearest)
    assert near(Generate("g", "auto", "do a cartwheel", seconds=1.0)) == ("text-to-motion", 1 / 3, nearest)
    assert near(Generate("g", "prediction", "walk", seconds=1.0, past=pose)) == ("prediction", 1.0, nearest)
    assert near(Generate("g", "unconditional", seconds=1.0)) == ("unconditional", None, ())
    assert near(Generate("g", "motion-to-text", motion=pose)) == ("motion-to-text", None, ())
    assert near(Generate("g", "conversation", "a person walks")) == ("conversation", None, ())


@pytest.mark.parametrize("task", ["auto", "text-to-motion"])
@pytest.mark.parametrize("text", STRANGE)
def test_a_strange_sentence_moves_all_the_same_and_is_told_to_be_far(pipeline: Pipeline, task: str, text: str) -> None:
    done = run(pipeline, Generate("g", task, text, seconds=1.0))[-1]
    assert isinstance(done, Done)
    assert (done.task, done.frames) == ("text-to-motion", 30)
    assert done.familiar is not None
    assert done.familiar < 0.5


def test_a_task_the_bundle_lacks_is_refused_here_too(pipeline: Pipeline) -> None:
    with pytest.raises(UnknownTask):
        run(pipeline, Generate("g", "fly"))


class _Moved(features.Integrator):
    """Of a layout that tells the same in columns of the opposite order."""

    def push(self, frames: F32) -> tuple[F32, F32]:
        return super().push(frames[:, ::-1])


def test_motion_of_another_layout_is_encoded_decoded_and_placed_by_that_layout(
    recorded_bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    columns = {name: slice(201 - place.stop, 201 - place.start) for name, place in SERVED.layout.items()}
    moved = replace(
        SERVED, name="moved", layout=columns, integrator=_Moved, encode=lambda clip: SERVED.encode(clip)[:, ::-1].copy()
    )
    other = make_bundle(tmp_path, moved)
    with ExitStack() as stack, pytest.raises(BadBundle, match="in the layout 'moved', which cannot be served"):
        open_pipeline(other, stack)
    monkeypatch.setattr(placement, "LAYOUTS", (SERVED, moved))
    clip = walk()
    past, future = (Pose(clip.rotations[a:b], clip.root[a:b]) for a, b in ((0, 60), (120, 160)))
    asked = Generate("g", "in-betweening", seconds=2.0, past=past, future=future)
    order = Plan(seed=3, text="walk", tokens=8, fresh=True, target=(3.0, 1.0), past=past)
    made: list[list[F32]] = []
    for source in (recorded_bundle, other):
        with ExitStack() as stack:
            pipeline = open_pipeline(source, stack)
            frames = [m for m in run(pipeline, asked) if isinstance(m, Frames)]
            planned = Planner(pipeline).plan(order, {}, lambda: False).planned
            made.append([*(m.root for m in frames), *(m.rotations for m in frames), planned.root, planned.rotations])
    for ours, theirs in zip(*made, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_the_engines_are_the_graphs_of_the_bundle(recorded_bundle: Bundle) -> None:
    encoded = features.encode(walk())
    with OnnxEngine(recorded_bundle.path("encoder.onnx"), 1) as encoder:
        assert names(encoder) == ("features",)
        codes = encoder.run({"features": encoded[None]})
    assert np.array_equal(codes, np.arange(CODES)[None])
    with OnnxEngine(recorded_bundle.path("decoder.onnx"), 1) as decoder:
        assert np.allclose(decoder.run({"codes": codes})[0], encoded, atol=1e-6)
    assert encoded.shape == (CODES * RATE, features.WIDTH)


def test_a_graph_that_is_none_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "decoder.onnx").write_bytes(b"no graph at all")
    with pytest.raises(BadBundle, match=r"cannot load .*decoder\.onnx"):
        OnnxEngine(tmp_path / "decoder.onnx", 1)
