"""Pictures of clips: joints are where the picture shows them, the same seed gives the same bytes, batches mix."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from export import recipe, render
from export.data import dataset, pictures
from export.data.relaid import camera_of, decoded, encoded, relaid
from export.render import Settings
from export.scene import person, picture, place, shot, tracer
from export.training import stages
from models.bodies import anny
from motion import clip as clips
from motion import features
from motion.camera import Camera
from motion.errors import BadConfig, BadFile
from motion.features import h36m17
from motion.skeleton import SMPLX22
from tests.models.tokenizers import samples
from tests.motion.clips import backflip, stroll

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not find_spec("anny") or not find_spec("mitsuba"), reason="needs the extra render"),
]
QUICK = Settings(frames=8, samples=1)


@pytest.fixture(scope="module")
def rendered(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two clips of the studio's training split; tests must not write into it."""
    out = tmp_path_factory.mktemp("pictures")
    render.render_all(dataset.load(data, "train", ("misc",)), out, 2, QUICK, 1)
    return out


def test_a_joint_in_the_picture_is_where_a_ball_at_that_joint_is_seen() -> None:
    mi = tracer.mitsuba()
    points = clips.positions(stroll())[:4]
    camera, crop = shot.aimed(points, np.random.default_rng(3))
    for joint in ("left_wrist", "right_foot", "head"):
        at = points[0, SMPLX22.index(joint)]
        scene = mi.load_dict(
            {
                "type": "scene",
                "integrator": {"type": "direct"},
                "sensor": picture.sensor(camera, crop, 16),
                "ball": {"type": "sphere", "center": at.tolist(), "radius": 0.05, "emitter": {"type": "area"}},
            }
        )
        seen = np.array(mi.render(scene, spp=16))[..., 0]
        rows, columns = np.mgrid[: shot.PIXELS, : shot.PIXELS] + 0.5
        middle = np.array([(columns * seen).sum(), (rows * seen).sum()]) / seen.sum()
        np.testing.assert_allclose(crop.inside(camera.seen(at[None])[0])[0], middle, atol=0.3)


def test_what_is_told_of_a_picture_agrees_with_itself(rendered: Path) -> None:
    for folder in sorted(rendered.glob("[0-9]*")):
        told = pictures.scene(folder)
        images = pictures.pictures(folder)
        assert images.shape == (len(told["world"]), 256, 256, 3)
        assert 40 < images.mean() < 200
        assert images.std() > 15
        at = told["world"] @ told["rotation"].T + told["translation"]
        flat = at @ told["intrinsics"].T
        np.testing.assert_allclose(flat[..., :2] / flat[..., 2:], told["pixels"], atol=0.01)
        assert (told["pixels"] > 0).mean() > 0.9, "the person is in the picture"
        assert (told["pixels"] < 256).mean() > 0.9
        position, target, focal, *centre = np.split(told["camera"], [3, 6, 7, 8])
        camera = Camera(tuple(position), tuple(target), float(focal[0]), (float(centre[0][0]), float(centre[1][0])))
        np.testing.assert_allclose(h36m17.seen(told["world17"], camera), told["features"], atol=0.02)


def test_the_person_is_where_the_joints_are() -> None:
    """Without the person the picture changes around her joints and hardly elsewhere."""
    rng = np.random.default_rng(0)
    shape, who = person.draw(rng)
    worn = anny.wear(shot.window(stroll(), 1, rng)[0], shape)[0]
    points = shot.joints(worn).body
    camera, crop = shot.aimed(points, rng)
    where = place.draw(np.random.default_rng(5), camera, points[0].mean(axis=0), 0.5)
    where.pop("between", None)
    pose = who.posed(worn, 0)
    with_her, without = (picture.light(where, camera, crop, who, [v], 4, 1) for v in (pose, pose + np.float32(50)))
    change = np.abs(with_her - without).sum(axis=-1)
    x, y = crop.inside(camera.seen(points[0])[0]).astype(int).T
    assert (change[y, x] > 0.01).mean() > 0.9
    assert (change > 0.01).mean() < 0.5


def test_no_wall_stands_between_the_camera_and_the_person() -> None:
    mi = tracer.mitsuba()
    points = clips.positions(stroll())[:4]
    middle = points[0].mean(axis=0)
    for seed in range(80):
        rng = np.random.default_rng(seed)
        camera, _ = shot.aimed(points, rng)
        drawn = place.draw(rng, camera, middle, 0.5)
        walls = {name: one for name, one in drawn.items() if name in ("floor", "wall", "other")}
        scene = mi.load_dict({"type": "scene", **walls})
        way = middle - np.array(camera.position, np.float32)
        far = float(np.linalg.norm(way))
        hit = scene.ray_intersect(mi.Ray3f(list(map(float, camera.position)), (way / far).tolist()))
        assert not hit.is_valid() or hit.t > far, seed


def test_the_same_seed_gives_the_same_bytes_and_a_run_goes_on(
    data: Path, rendered: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    few = dataset.load(data, "train", ("misc",))
    for name in ("00000", render._SETTINGS):  # as far as a run that was stopped had come
        copy = shutil.copytree if name == "00000" else shutil.copy2
        copy(rendered / name, tmp_path / name)
    (tmp_path / "00001.part").mkdir()
    before = (tmp_path / "00000" / pictures.SCENE).stat().st_mtime_ns
    with caplog.at_level("INFO"):
        render.render_all(few, tmp_path, 2, QUICK, 2)
    assert "1 of 2 clips are there already" in caplog.text
    assert (tmp_path / "00000" / pictures.SCENE).stat().st_mtime_ns == before
    ours, theirs = (
        {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        for folder in (tmp_path, rendered)
    )
    assert ours == theirs
    with pytest.raises(BadConfig, match="give another --out"):
        render.render_all(few, tmp_path, 2, replace(QUICK, seed=2), 1)


def test_every_fourth_clip_is_one_that_nobody_trains_on() -> None:
    splits = ["train"] * 40 + ["val", "test"] * 2
    entries = [
        dataset.Entry(f"cc0/{i}", "cc0", "CC0-1.0", split, mirrored, "recorded", None, (), 0, 40)
        for i, split in enumerate(splits)
        for mirrored in (False, True)
    ]
    picks = [render.chosen(entries, number, 1) for number in range(80)]
    assert all(one.split != "train" and not one.mirrored for one in picks[3::4])
    assert len({one.name for one in picks[3::4]}) == 4
    assert {one.split for one in picks[:3]} | {one.split for one in picks[4::4]} >= {"train"}
    unseen = [one for one in entries if one.split != "train"]
    assert len({render.chosen(unseen, number, 1) for number in range(40)}) == 8, "of a split alone, all of it"


def test_people_differ() -> None:
    drawn = [person.draw(np.random.default_rng(seed)) for seed in range(3)]
    assert len({tuple(shape.values()) for shape, _ in drawn}) == 3
    for _, who in drawn:
        assert len(who.colours) == len(who.body.vertices)
        assert who.colours.std(axis=0).min() > 0.02, "skin, hair and clothes are not of one colour"
        assert 0 <= who.colours.min() <= who.colours.max() <= 1


def test_nobody_sinks_into_the_floor() -> None:
    shape, who = person.draw(np.random.default_rng(1))
    worn = render._on_the_floor(anny.wear(backflip(), shape)[0], who)
    assert min(float(who.posed(worn, frame)[:, 1].min()) for frame in range(len(worn))) > -1e-4


@pytest.mark.parametrize("kind", ["superman", "unimotion"])
def test_tokenizers_train_on_clips_with_and_without_pictures(
    kind: str, data: Path, rendered: Path, tmp_path: Path
) -> None:
    loaded = recipe.load(samples.FOLDER / f"{kind}-tiny.toml")
    short = replace(loaded.tokenizer_training, steps=3, batch=64, longest=8, precision="no", log_every=1, save_every=3)
    made = replace(
        loaded, data=data, run=tmp_path, tokenizer_training=short, pictures=recipe.Pictures(rendered, 2),
        refiner_training=replace(short, steps=1) if loaded.refiner_training else None,
    )  # fmt: skip
    stages.train(made)
    after = stages.trained(made).state_dict()
    torch.manual_seed(short.seed)
    before = stages.made(made).state_dict()
    assert any(not torch.equal(after[name], before[name]) for name in after if name.startswith("backbone."))


def test_a_batch_shows_each_clip_what_its_own_frames_look_like(data: Path, rendered: Path) -> None:
    given = dataset.load(data, "train")
    shown = pictures.load(rendered, given)
    moving = pictures.Gallery(relaid(given, "h36m17"), shown, 25.0, 2, True)
    rng = np.random.default_rng(1)
    frames, views = moving.mixed(np.zeros((5, 4, 51), np.float32), rng)
    assert views is not None
    assert views.images.shape == (2, 4, 3, 256, 256)
    assert views.shown.tolist() == [True, True, False, False, False]
    assert not frames[2:].any()
    wanted = {one.folder: pictures.scene(one.folder) for one in shown}
    for row, images, at in zip(frames[:2], views.images, views.places, strict=True):
        folder, start = next(
            (folder, i)
            for folder, told in wanted.items()
            for i in range(len(told["features"]) - 3)
            if np.array_equal(told["features"][i : i + 4], row)
        )
        own = torch.from_numpy(pictures.pictures(folder)[start : start + 4]).permute(0, 3, 1, 2) / 255
        torch.testing.assert_close(images, own.float())
        np.testing.assert_allclose((at.numpy() + 1) * 128, wanted[folder]["pixels17"][start : start + 4], atol=1e-3)
    still = pictures.Gallery(relaid(given, "uni269"), shown, 20.0, 1, False)
    frames, views = still.mixed(np.zeros((3, 12, 269), np.float32), rng)
    assert views is not None
    assert views.images.shape == (1, 1, 3, 256, 256)
    assert views.places.shape == (1, 1, 22, 2)
    assert frames[0].any()


def test_clips_longer_than_any_pictures_come_without(data: Path, rendered: Path) -> None:
    given = dataset.load(data, "train")
    gallery = pictures.Gallery(relaid(given, "h36m17"), pictures.load(rendered, given), 25.0, 2, True)
    frames = np.zeros((2, 16, 51), np.float32)
    assert gallery.mixed(frames, np.random.default_rng(0)) == (frames, None)


def test_missing_pictures_are_a_sentence(data: Path, rendered: Path, tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=r"run python -m export\.render first"):
        pictures.load(tmp_path, dataset.load(data, "train"))
    with pytest.raises(BadFile, match="shows none of the clips"):
        pictures.load(rendered, dataset.load(data, "test"))


def test_the_program_makes_pictures_and_a_contact_sheet_and_stopping_between_clips_loses_none(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(jobs: object) -> object:
        yield next(iter(found(jobs)))  # type: ignore[arg-type]
        raise KeyboardInterrupt

    found = render.as_completed
    monkeypatch.setattr(render, "as_completed", stop)
    out = tmp_path / "out"
    words = f"--data {data} --out {out} --clips 3 --frames 1 --samples 1 --workers 1 --sheet {tmp_path}/sheet.png"
    monkeypatch.setattr(sys, "argv", ["render", *words.split()])
    assert render.main() == 130
    assert not (out / "index.json").exists()
    assert not list(out.glob("*.part"))
    monkeypatch.setattr(render, "as_completed", found)
    assert render.main() == 0
    assert len(pictures.load(out, dataset.load(data, "train"))) <= 3
    with Image.open(tmp_path / "sheet.png") as image:
        assert image.size == (8 * 256, 256)
    rows = json.loads((out / "index.json").read_text())["clips"]
    assert [row["folder"] for row in rows] == ["00000", "00001", "00002"]
    names = {entry.name for split in ("train", "val", "test") for entry in dataset.load(data, split).entries}
    assert {row["name"] for row in rows} <= names
    monkeypatch.setattr(sys, "argv", ["render", "--data", str(tmp_path), "--samples", "0"])
    assert render.main() == 2


def test_features_of_a_long_walk_are_filmed_from_far_enough_away() -> None:
    long = stroll()
    far = clips.resample(replace(long, root=long.root * np.array([20, 1, 20], np.float32)), h36m17.FPS)
    frames = encoded(far, "h36m17", "someone")
    back = decoded(frames, "h36m17", camera_of(far, "someone"))
    apart = np.linalg.norm(clips.positions(back) - h36m17.marks(far), axis=-1)
    assert apart.max() < 0.05
    assert features.find("h36m17").width == frames.shape[1]
