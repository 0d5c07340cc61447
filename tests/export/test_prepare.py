"""From files to canonical clips: the same bytes every time, and what was done already stays done."""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from export import prepare
from export.prepare import Source, clip_path, retarget_all, split_of, write_index
from motion import clip as clips
from motion import features
from motion.io import bvh
from motion.skeleton import SMPLX22, TOE_HEIGHT
from tests.export import studio
from tests.motion.clips import FIXTURES, stroll


def _bytes(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "takes" not in path.parts
    }


KNOWN = {
    "cmu/01_01": "train",
    "hdm05/HDM_bd_squat1Reps_001_120": "val",
    "bandai/dataset-1_bow_chimpira_001": "val",
    "bandai/dataset-1_bye_sad_001": "test",
    "bandai/dataset-2_raise-up-right-hand_normal_050": "test",
}


@pytest.fixture(scope="module")
def takes(tmp_path_factory: pytest.TempPathFactory) -> list[Source]:
    return studio.sources(tmp_path_factory.mktemp("takes"))


@pytest.fixture(scope="module")
def whole(takes: list[Source], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    errors, failures = retarget_all(takes, folder, 1)
    assert (len(errors), failures) == (len(takes), {})
    write_index([source.trial for source in takes], folder)
    return folder


def _entries(folder: Path) -> list[dict[str, Any]]:
    return json.loads((folder / "index.json").read_text(encoding="utf-8"))["clips"]


def test_two_runs_give_the_same_bytes_also_in_parallel(takes: list[Source], whole: Path, tmp_path: Path) -> None:
    retarget_all(list(reversed(takes)), tmp_path, 2)
    write_index([source.trial for source in takes], tmp_path)
    assert _bytes(tmp_path) == _bytes(whole)


def test_a_run_that_was_interrupted_goes_on_and_ends_with_the_same_bytes(
    takes: list[Source], whole: Path, tmp_path: Path
) -> None:
    retarget_all(takes[:5], tmp_path, 1)
    first = clip_path(tmp_path, takes[0].trial.name)
    half = clip_path(tmp_path, takes[5].trial.name)
    half.parent.mkdir(parents=True, exist_ok=True)
    half.write_bytes(b"half a clip")  # without the note beside it that says it is whole
    os.utime(first, ns=(0, 0))
    retarget_all(takes, tmp_path, 1)
    assert first.stat().st_mtime_ns == 0, "what was there is not made again"
    write_index([source.trial for source in takes], tmp_path)
    assert _bytes(tmp_path) == _bytes(whole)


def test_a_clip_is_made_again_where_its_trial_has_changed(takes: list[Source], tmp_path: Path) -> None:
    take = takes[22]
    retarget_all([take], tmp_path, 1)
    before = len(clips.load(clip_path(tmp_path, take.trial.name)))
    changed = replace(take, trial=replace(take.trial, drop_seconds=0.5))
    retarget_all([changed], tmp_path, 1)
    assert len(clips.load(clip_path(tmp_path, take.trial.name))) == pytest.approx(before - 15, abs=1)


def test_a_wrong_rate_is_replaced_before_resampling(takes: list[Source]) -> None:
    take = takes[22]
    plain = prepare.read(take)
    faster = prepare.read(replace(take, trial=replace(take.trial, fps=60.0)))
    assert (plain.fps, faster.fps) == (30.0, 30.0)
    assert len(faster) == pytest.approx(len(plain) / 2, abs=1)


def test_a_broken_file_is_left_out_with_its_sentence_and_the_others_are_made(
    takes: list[Source], tmp_path: Path
) -> None:
    text = takes[1].motion.read_text()
    (tmp_path / "cut.bvh").write_text(text[: len(text) // 2])
    broken = replace(takes[1], motion=tmp_path / "cut.bvh", trial=replace(takes[1].trial, name="misc/cut"))
    errors, failures = retarget_all([takes[0], broken], tmp_path / "out", 1)
    assert set(errors) == {takes[0].trial.name}
    assert set(failures) == {"misc/cut"}
    assert "cut.bvh, line" in failures["misc/cut"]


def test_canonical_clips_stand_on_the_floor_over_the_origin_at_30_frames_per_second(whole: Path) -> None:
    found = sorted((whole / "clips").rglob("*.npz"))
    assert len(found) == 24
    for path in found:
        clip = clips.load(path)
        assert clip.skeleton.joints == SMPLX22.joints
        assert clip.fps == features.FPS
        np.testing.assert_allclose(clip.root[0, [0, 2]], 0, atol=1e-5)
        toes = clips.positions(clip)[:, [10, 11], 1].min(axis=1)
        assert np.percentile(toes, 2) == pytest.approx(TOE_HEIGHT, abs=2e-3)
        assert clip.name == path.relative_to(whole / "clips").with_suffix("").as_posix()


def test_limb_errors_are_small_and_noted_beside_each_clip(whole: Path) -> None:
    notes = [json.loads(path.read_text()) for path in sorted((whole / "clips").rglob("*.json"))]
    assert len(notes) == 24
    assert all(max(note["limb_error_deg"].values()) < 3 for note in notes)


def test_the_index_holds_every_clip_and_its_mirrored_copy_with_mirrored_words(whole: Path) -> None:
    index = json.loads((whole / "index.json").read_text(encoding="utf-8"))
    assert (index["layout"], index["frames_per_token"]) == (features.NAME, 4)
    everything = studio.features_of(whole)
    by_name = {entry["name"]: entry for entry in index["clips"]}
    assert len([entry for entry in index["clips"] if entry["origin"] == "recorded"]) == 48
    assert len(by_name) == len(index["clips"])
    assert sum(entry["frames"] for entry in index["clips"]) == len(everything)
    at = 0
    for entry in index["clips"]:
        assert entry["start"] == at
        assert entry["frames"] % 4 == 0
        at += entry["frames"]
    one, other = by_name["cc0/take-01"], by_name["cc0/take-01#mirrored"]
    assert one["captions"] == ["a person walks to the left", "someone walks leftwards"]
    assert other["captions"] == ["a person walks to the right", "someone walks rightwards"]
    assert (one["mirrored"], other["mirrored"]) == (False, True)
    assert one["split"] == other["split"]
    ours, theirs = (everything[e["start"] : e["start"] + e["frames"]] for e in (one, other))
    clip = clips.load(clip_path(whole, "cc0/take-01"))
    np.testing.assert_array_equal(ours, features.encode(clip)[: len(ours)])
    np.testing.assert_array_equal(theirs, features.encode(clips.mirror(clip))[: len(theirs)])
    assert np.abs(ours - theirs).max() > 0.01


def test_clips_too_short_for_two_tokens_stay_out_of_the_index(takes: list[Source], tmp_path: Path) -> None:
    short = replace(takes[0], motion=tmp_path / "short.bvh", trial=replace(takes[0].trial, name="misc/short"))
    bvh.write(clips.cut(stroll(), 0, 7), short.motion)
    retarget_all([takes[0], short], tmp_path, 1)
    write_index([takes[0].trial, short.trial], tmp_path)
    index = json.loads((tmp_path / "index.json").read_text())
    found = {entry["name"].split("#")[0] for entry in index["clips"] if entry["origin"] == "recorded"}
    assert found == {takes[0].trial.name}


def test_nine_in_ten_clips_are_for_training_and_the_hash_of_the_name_alone_decides() -> None:
    found = Counter(split_of(f"corpus/clip-{number}") for number in range(20_000))
    assert found["train"] == pytest.approx(18_000, rel=0.01)
    assert found["val"] == pytest.approx(1000, rel=0.1)
    assert found["test"] == pytest.approx(1000, rel=0.1)
    # Written down: a change of the rule would move clips from test to train.
    assert {name: split_of(name) for name in KNOWN} == KNOWN


def test_the_error_table_has_a_row_for_each_corpus(whole: Path, takes: list[Source]) -> None:
    errors, _ = retarget_all(takes, whole, 1)
    rows = prepare.errors_by_corpus([source.trial for source in takes], errors)
    assert {corpus: row["clips"] for corpus, row in rows.items()} == {"cc0": 12, "misc": 12}
    assert rows["cc0"]["hip-knee"] == pytest.approx(
        np.mean([errors[s.trial.name]["hip-knee"] for s in takes if s.trial.corpus == "cc0"])
    )
    assert "cc0" in prepare.error_table(rows)


def test_the_fixtures_walk_goes_through_the_whole_of_it(tmp_path: Path, takes: list[Source]) -> None:
    shutil.copy(FIXTURES / "kaykit-walk.bvh", tmp_path / "walk.bvh")
    take = replace(takes[0], motion=tmp_path / "walk.bvh", trial=replace(takes[0].trial, name="cc0/walk"))
    errors, _ = retarget_all([take], tmp_path, 1)
    assert max(errors["cc0/walk"].values()) < 0.5


def test_compositions_are_made_of_the_training_splits_recordings_and_join_it(
    takes: list[Source], tmp_path: Path
) -> None:
    actions = {"stroll": "walk", "flip": "wave-left"}
    trials = [
        replace(one.trial, corpus="bandai", action=actions.get(str(one.trial.action)), mirrored_action=None)
        for one in takes
    ]
    retarget_all([replace(one, trial=trial) for one, trial in zip(takes, trials, strict=True)], tmp_path, 1)
    write_index(trials, tmp_path)
    made = [entry for entry in _entries(tmp_path) if entry["origin"] != "recorded"]
    assert made
    assert {entry["split"] for entry in made} == {"train"}
    assert {entry["action"] for entry in made} == {"walk+wave-left", *actions.values()}
    rows = np.load(tmp_path / "features.npy")
    for one, after in zip(made, [*made[1:], None], strict=True):
        assert one["start"] + one["frames"] == (len(rows) if after is None else after["start"])


def test_rare_actions_are_shown_at_other_paces_and_what_shows_no_action_is_not(whole: Path) -> None:
    entries = _entries(whole)
    recorded = {entry["name"]: entry for entry in entries if entry["origin"] == "recorded"}
    paced = [entry for entry in entries if entry["corpus"] == "composed"]
    assert paced
    for entry in paced:
        *name, pace = entry["name"].removeprefix("composed/paced/").split("/")
        of = recorded["/".join(name)]
        assert (entry["action"], entry["captions"], entry["licence"]) == (of["action"], of["captions"], of["licence"])
        assert of["split"] == entry["split"] == "train"
        assert entry["frames"] == pytest.approx(of["frames"] / float(pace), abs=5)
