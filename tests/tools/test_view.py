"""Pictures and films of clips, made by the program as people run it."""

from __future__ import annotations

from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
from PIL import Image

from motion import clip as clips
from motion import quat
from motion.clip import Clip
from motion.io import bvh, glb
from motion.skeleton import SMPLX22
from tools import view
from tools.render import sheet, stage
from tools.render.camera import VIEWS


def walking(frames: int = 45, stride: float = 1.4) -> Clip:
    """Legs and arms swing while the root goes ahead."""
    time = np.arange(frames) / 30
    rotations = np.tile(np.array([1, 0, 0, 0], np.float32), (frames, 22, 1))
    for joint, size in (("left_hip", 0.5), ("right_hip", -0.5), ("left_shoulder", -0.3), ("right_shoulder", 0.3)):
        angle = (size * np.sin(time * 6)).astype(np.float32)
        rotations[:, SMPLX22.index(joint)] = quat.from_axis_angle(np.array([1, 0, 0], np.float32), angle)
    root = np.stack([0 * time, 0 * time + 0.985, stride * time], axis=-1).astype(np.float32)
    return Clip(SMPLX22, 30, rotations, root, None, "walking")


@pytest.fixture(name="walk")
def _walk(tmp_path: Path) -> Path:
    path = tmp_path / "walk.bvh"
    bvh.write(walking(), path)
    return path


def test_a_contact_sheet_has_a_row_for_each_view_and_a_column_for_each_time(walk: Path, tmp_path: Path) -> None:
    assert (
        view.main([str(walk), "--out", str(tmp_path / "walk.png"), "--views", "front,side,top", "--columns", "5"]) == 0
    )
    picture = np.asarray(Image.open(tmp_path / "walk.png"))
    width, height = sheet.TILE
    assert picture.shape == (44 + 3 * height + 2 * 3, 5 * width + 4 * 3, 3)
    assert picture.std() > 10


def test_the_first_and_the_last_frame_are_on_the_sheet() -> None:
    scene = stage.stage(walking(frames=31))
    picture = sheet.sheet(scene, [VIEWS["side"]], 4, "walk")
    width, height = sheet.TILE
    for column, frame in ((0, 0), (1, 10), (2, 20), (3, 30)):
        tile = picture[44:, column * (width + 3) : column * (width + 3) + width]
        camera = stage.camera(scene, VIEWS["side"], width, height)[frame]
        alone = stage.picture(scene, frame, camera, stage.ground(scene, camera))
        np.testing.assert_array_equal(tile[30:290], alone[30:290])  # but for the words


def test_a_film_has_every_frame_at_the_clips_own_speed(walk: Path, tmp_path: Path) -> None:
    assert view.main([str(walk), "--out", str(tmp_path / "walk.mp4")]) == 0
    frames, seconds = imageio_ffmpeg.count_frames_and_secs(str(tmp_path / "walk.mp4"))
    assert frames == 45
    assert seconds == pytest.approx(1.5, abs=0.05)
    reader = imageio_ffmpeg.read_frames(str(tmp_path / "walk.mp4"))
    told = next(reader)
    reader.close()
    assert told["size"] == (960, 524)
    assert told["codec"] == "h264"
    assert told["pix_fmt"].startswith("yuv420p")


def test_a_fast_clip_becomes_a_film_of_30_frames_a_second(tmp_path: Path) -> None:
    fast = clips.resample(walking(), 120)
    clips.save(fast, tmp_path / "fast.npz")
    assert view.main([str(tmp_path / "fast.npz"), "--out", str(tmp_path / "fast.mp4"), "--views", "side"]) == 0
    frames, seconds = imageio_ffmpeg.count_frames_and_secs(str(tmp_path / "fast.mp4"))
    assert frames == 45
    assert seconds == pytest.approx(1.5, abs=0.05)


@pytest.mark.parametrize("stride", [0.3, 1.0, 6.0])
@pytest.mark.parametrize("follow", [False, True, None])
def test_no_frame_is_cropped_however_far_the_body_goes(stride: float, follow: bool | None) -> None:
    scene = stage.stage(walking(stride=stride))
    points = stage.outline(scene, every=1)
    for camera, frame in zip(stage.camera(scene, VIEWS["side"], 250, 320, follow), points, strict=True):
        xy, _ = camera.project(frame)
        assert (xy >= 0).all()
        assert (xy <= [250, 320]).all()


def test_a_long_way_is_followed_and_a_short_one_is_not() -> None:
    near, far = (stage.stage(walking(stride=stride)) for stride in (0.3, 8.0))
    assert len({id(camera) for camera in stage.camera(near, VIEWS["side"], 250, 320)}) == 1
    assert len({id(camera) for camera in stage.camera(far, VIEWS["side"], 250, 320)}) > 1


def test_cameras_stand_where_the_body_faces_them_whatever_its_heading() -> None:
    straight, turned = walking(), clips.turn(walking(), 2.0)
    pictures = []
    for clip in (straight, turned):
        scene = stage.stage(clip)
        camera = stage.camera(scene, VIEWS["three-quarter"], 200, 200)[0]
        pictures.append(stage.picture(scene, 0, camera, np.full((200, 200, 3), 200, np.uint8)).astype(int))
    assert np.abs(pictures[0] - pictures[1]).mean() < 1.5


def test_a_clip_is_read_from_bvh_npz_and_glb_alike(walk: Path, tmp_path: Path) -> None:
    clips.save(walking(), tmp_path / "walk.npz")
    glb.write(walking(), tmp_path / "walk.glb")
    for ending in ("bvh", "npz", "glb"):
        read = view.read(tmp_path / f"walk.{ending}")
        order = [read.skeleton.index(joint) for joint in SMPLX22.joints]
        np.testing.assert_allclose(clips.positions(read)[:, order], clips.positions(walking()), atol=1e-4)
    assert walk.exists()


def test_the_same_clip_gives_the_same_picture() -> None:
    scene = stage.stage(walking())
    one, two = (sheet.sheet(scene, [VIEWS["front"]], 3, "walk") for _ in range(2))
    np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["walk.bvh", "--out", "walk.gif"], "neither a .png nor an .mp4"),
        (["walk.bvh", "--out", "walk.png", "--views", "below"], "no view 'below'; the views are three-quarter"),
        (["walk.bvh", "--out", "walk.png", "--columns", "0"], "give 1 to 64"),
        (["gone.bvh", "--out", "walk.png"], "gone.bvh: there is no such file"),
        (["walk.txt", "--out", "walk.png"], ".txt cannot be shown; give .bvh"),
        (["walk.amc", "--out", "walk.png"], "name one with --asf"),
        (["cut.bvh", "--out", "walk.png"], "cut.bvh, line"),
        (["walk.bvh", "--out", "walk.bvh/walk.png"], "walk.bvh"),
    ],
)
def test_bad_arguments_get_a_clear_sentence(
    arguments: list[str],
    words: str,
    walk: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(walk.parent)
    for name in ("walk.txt", "walk.amc"):
        Path(name).write_text("nothing")
    Path("cut.bvh").write_bytes(walk.read_bytes()[:-5000])
    assert view.main(arguments) == 2
    assert words in capsys.readouterr().err
