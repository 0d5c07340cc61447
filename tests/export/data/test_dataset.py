"""Prepared clips in memory, and batches of crops that depend on nothing but seed and pass."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from export.data import dataset
from export.data.curriculum import Curriculum
from export.data.dataset import Crops
from motion.errors import BadFile
from tests.export import studio

RECORDED = ("cc0", "misc")
"""what was recorded, without the clips that export.data.compose made of it"""


def test_splits_share_no_clip_and_leave_none_out(data: Path) -> None:
    names = {
        split: {entry.name for entry in dataset.load(data, split, RECORDED).entries}
        for split in ("train", "val", "test")
    }
    assert {split: len(found) for split, found in names.items()} == {"train": 34, "val": 6, "test": 8}
    bare = [{name.removesuffix("#mirrored") for name in found} for found in names.values()]
    assert len(set().union(*bare)) == sum(map(len, bare)) == 24, "a mirrored copy stays in its clip's split"


def test_corpora_and_mirrored_copies_can_be_left_out(data: Path) -> None:
    whole = dataset.load(data, "train", RECORDED)
    one = dataset.load(data, "train", ("cc0",))
    assert {entry.corpus for entry in one.entries} == {"cc0"}
    assert 0 < len(one.entries) < len(whole.entries)
    plain = dataset.load(data, "train", RECORDED, mirrored=False)
    assert len(plain.entries) * 2 == len(whole.entries)
    assert not any(entry.mirrored for entry in plain.entries)


def test_a_clips_rows_are_its_own(data: Path) -> None:
    whole, everything = dataset.load(data, "train"), studio.features_of(data)
    for entry in whole.entries:
        np.testing.assert_array_equal(whole.clip(entry), everything[entry.start : entry.start + entry.frames])
    assert whole.all_frames().shape == (sum(entry.frames for entry in whole.entries), 201)


@pytest.mark.parametrize("damage", ["missing", "no json", "truncated features", "empty features"])
def test_a_folder_without_prepared_clips_is_named(data: Path, tmp_path: Path, damage: str) -> None:
    folder = tmp_path / "data"
    if damage != "missing":
        folder.mkdir()
        for name in ("index.json", "features.npy"):
            shutil.copy(data / name, folder / name)
    if damage == "no json":
        (folder / "index.json").write_text("{")
    if damage == "truncated features":
        (folder / "features.npy").write_bytes((data / "features.npy").read_bytes()[:1000])
    if damage == "empty features":
        (folder / "features.npy").write_bytes(b"")
    with pytest.raises(BadFile, match=r"data: holds no prepared clips .*run python -m export.prepare first"):
        dataset.load(folder, "train")


def test_clips_that_do_not_tell_where_they_are_from_are_to_be_prepared_again(data: Path, tmp_path: Path) -> None:
    shutil.copy(data / "features.npy", tmp_path)
    index = json.loads((data / "index.json").read_text())
    for clip in index["clips"]:
        assert clip.pop("origin") == ("recorded" if clip["corpus"] in RECORDED else clip["name"].split("/")[1])
    (tmp_path / "index.json").write_text(json.dumps(index))
    with pytest.raises(BadFile, match=r"where its clips are from; run python -m export\.prepare again"):
        dataset.load(tmp_path, "train")


def test_features_of_another_layout_are_refused(data: Path, tmp_path: Path) -> None:
    shutil.copy(data / "features.npy", tmp_path)
    index = json.loads((data / "index.json").read_text())
    (tmp_path / "index.json").write_text(json.dumps({**index, "layout": "hml263"}))
    with pytest.raises(BadFile, match="prepared for layout 'hml263', this program needs 'root"):
        dataset.load(tmp_path, "train")


def crops(data: Path, seed: int = 1, shortest: int | None = None) -> Crops:
    return Crops(dataset.load(data, "train", RECORDED), longest=48, budget=128, seed=seed, shortest=shortest)


@pytest.mark.parametrize("shortest", [None, 16])
def test_a_pass_depends_on_the_seed_and_its_number_alone(data: Path, shortest: int | None) -> None:
    assert crops(data, shortest=shortest).epoch(3) == crops(data, shortest=shortest).epoch(3)
    assert crops(data, shortest=shortest).epoch(3) != crops(data, shortest=shortest).epoch(4)
    assert crops(data, 1, shortest).epoch(3) != crops(data, 2, shortest).epoch(3)


@pytest.mark.parametrize("shortest", [None, 16])
def test_a_pass_takes_as_many_crops_of_each_clip_as_cover_it(data: Path, shortest: int | None) -> None:
    made = crops(data, shortest=shortest)
    taken = Counter(i for batch in made.epoch(0) for i, _, _ in batch)
    expected = {i: -(-entry.frames // 48) for i, entry in enumerate(made.dataset.entries)}
    assert taken == expected


@pytest.mark.parametrize("shortest", [None, 16])
def test_crops_lie_inside_their_clips_and_a_batch_is_even_and_within_its_budget(
    data: Path, shortest: int | None
) -> None:
    made = crops(data, shortest=shortest)
    lengths: set[int] = set()
    for batch in made.epoch(0):
        (length,) = {length for _, _, length in batch}
        lengths.add(length)
        assert length % 4 == 0
        assert 4 <= length <= 48
        assert len(batch) == 1 or len(batch) * length <= 128
        for i, start, _ in batch:
            entry = made.dataset.entries[i]
            assert 0 <= start <= entry.frames - length
        arrays = made.arrays(batch)
        assert arrays.shape == (len(batch), length, 201)
        i, start, _ = batch[-1]
        np.testing.assert_array_equal(arrays[-1], made.dataset.clip(made.dataset.entries[i])[start : start + length])
    assert (min(lengths) < 20) == (shortest is not None)


def test_batches_come_in_random_order_not_by_length(data: Path) -> None:
    lengths = [batch[0][2] for batch in crops(data, shortest=16).epoch(0)]
    assert lengths != sorted(lengths)


def test_long_clips_are_cropped_elsewhere_in_every_pass(data: Path) -> None:
    made = crops(data)
    longest = max(range(len(made.dataset.entries)), key=lambda i: made.dataset.entries[i].frames)
    starts = {start for number in range(4) for batch in made.epoch(number) for i, start, _ in batch if i == longest}
    assert len(starts) > 4


def test_balanced_crops_show_a_rare_action_more_often_and_lose_no_clip(data: Path) -> None:
    whole = dataset.load(data, "train", RECORDED)
    flips = [i for i, entry in enumerate(whole.entries) if entry.action == "flip"]
    kept = [entry for i, entry in enumerate(whole.entries) if i not in flips[1:]]
    common = [replace(entry, action="walk") if entry.action != "flip" else entry for entry in kept]
    many = dataset.Dataset(tuple(common) * 30, whole.frames)  # 30 flips among a thousand walks
    balanced = Crops(many, 64, 256, 1, curriculum=Curriculum())
    shown = Counter(
        many.entries[i].action for number in range(2) for batch in balanced.epoch(number) for i, _, _ in batch
    )
    plain = Counter(
        many.entries[i].action
        for number in range(2)
        for batch in Crops(many, 64, 256, 1).epoch(number)
        for i, _, _ in batch
    )
    assert shown["flip"] > 10 * plain["flip"]
    assert shown["walk"] >= plain["walk"]
    assert {i for batch in balanced.epoch(0) for i, _, _ in batch} == set(range(len(many.entries)))
    assert balanced.epoch(3) == balanced.epoch(3)


def test_a_curriculum_repeats_what_was_made_so_many_times_as_often(data: Path) -> None:
    whole = dataset.load(data, "train", RECORDED)
    origins = ("recorded", "paced")
    entries = [replace(one, action=None, origin=origins[i % 2]) for i, one in enumerate(whole.entries)]
    plan = Curriculum(repeats={"paced": 3})
    repeats = Crops(dataset.Dataset(tuple(entries), whole.frames), 64, 256, 1, curriculum=plan).repeats()
    assert repeats[:4].tolist() == [1, 3, 1, 3]
