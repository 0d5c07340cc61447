"""Answers kept: the same request finds them, another does not, and neither damage nor a full disk matters."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from motion.protocol import Done, Frames, Generate, Message, Pose
from runtime.front import cache
from runtime.front.cache import Cache

REQUEST = Generate("g1", "text-to-motion", "walk", seconds=2.0)
DONE = Done("g1", 1, 4, "", 0.0, 0.0, 0.0, 0.0, 0.0, task="text-to-motion", familiar=0.25, nearest=("a person bows",))


def answer(value: float = 0.0, count: int = 4) -> list[Message]:
    rotations = np.tile(np.array([1, 0, 0, 0], np.float32), (count, 22, 1))
    root = np.full((count, 3), value, np.float32)
    return [Frames("g1", 0, 0, 30.0, 0.0, root, rotations, rotations[:, 0]), DONE]


def root_of(found: cache.Answer | None) -> float | None:
    if found is None:
        return None
    frames = found[0]
    assert isinstance(frames, Frames)
    assert found[-1] == DONE
    return float(frames.root[0, 0])


def test_a_key_knows_the_bundle_the_seed_and_everything_that_is_asked_but_not_the_name() -> None:
    same = cache.key("b", REQUEST, 1)
    assert same == cache.key("b", replace(REQUEST, id="other", seed=5, deadline_s=3.0), 1)
    pose = Pose(np.ones((4, 22, 4), np.float32), np.zeros((4, 3), np.float32))
    moved = Pose(pose.rotations, pose.root + np.float32(1e-6))
    others = [
        cache.key("c", REQUEST, 1),
        cache.key("b", REQUEST, 2),
        cache.key("b", replace(REQUEST, text="walks"), 1),
        cache.key("b", replace(REQUEST, seconds=2.5), 1),
        cache.key("b", replace(REQUEST, variations=2), 1),
        cache.key("b", replace(REQUEST, caption=True), 1),
        cache.key("b", replace(REQUEST, past=pose), 1),
        cache.key("b", replace(REQUEST, past=moved), 1),
        cache.key("b", replace(REQUEST, future=pose), 1),
    ]
    assert len({same, *others}) == 10


def test_what_was_kept_is_found_bit_for_bit() -> None:
    answers = Cache(10**6)
    assert answers.find("a") is None
    answers.keep("a", answer(0.3))
    assert root_of(answers.find("a")) == np.float32(0.3)


def test_the_least_lately_used_goes_when_there_is_no_more_room() -> None:
    answers = Cache(9_000)
    for i in range(6):
        answers.keep(str(i), answer(i))
        answers.find("0")
    found = [i for i in range(6) if answers.find(str(i)) is not None]
    assert 0 in found
    assert 5 in found
    assert len(found) < 6
    assert all(root_of(answers.find(str(i))) == i for i in found)


def test_an_answer_that_would_fill_the_cache_is_not_kept_and_no_room_keeps_none() -> None:
    small, none = Cache(9_000), Cache(0)
    small.keep("a", answer(count=100))
    none.keep("a", answer())
    assert small.find("a") is None
    assert none.find("a") is None


def test_a_folder_keeps_answers_over_restarts_and_a_damaged_file_is_none(tmp_path: Path) -> None:
    Cache(10**6, tmp_path).keep("a", answer(0.5))
    assert root_of(Cache(10**6, tmp_path).find("a")) == 0.5
    file = next(tmp_path.iterdir())
    whole = file.read_bytes()
    for content in (whole[:-3], b"", b"\xff" * 40, whole[:100] + b"\0" * 40 + whole[140:]):
        file.write_bytes(content)
        again = Cache(10**6, tmp_path).find("a")
        assert again is None or again == ()


def test_the_folder_has_an_end_too(tmp_path: Path) -> None:
    answers = Cache(20_000, tmp_path, on_disk=1)
    for i in range(12):
        answers.keep(str(i), answer(i))
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) <= 20_000
    assert root_of(Cache(20_000, tmp_path).find("11")) == 11


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="Windows has no file that is always full")
def test_a_disk_that_cannot_be_written_costs_nothing_but_the_files(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    answers = Cache(10**6, blocked / "below")
    for i in range(3):
        answers.keep(str(i), answer(i))
    assert root_of(answers.find("2")) == 2
    assert len(caplog.records) == 1, "it is said once, not for every answer"
