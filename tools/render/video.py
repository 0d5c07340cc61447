"""A film of one clip: the views side by side, in H.264 at the clip's own speed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import imageio_ffmpeg
import numpy as np

from motion.clip import resample
from tools.render import caption, stage
from tools.render.camera import View
from tools.render.stage import Stage

SIZE = 480
FASTEST = 30.0  # frames a second; faster clips are resampled


def save(
    scene: Stage,
    views: Sequence[View],
    path: Path,
    title: str,
    progress: Callable[[int, int], None] | None = None,
    follow: bool = False,
) -> None:
    """Writes an MP4 (yuv420p, so that every player shows it). progress: called with frames done and their number."""
    if scene.clip.fps > FASTEST * 1.01:
        scene = stage.stage(resample(scene.clip, FASTEST))
    cameras = [stage.camera(scene, view, SIZE, SIZE, follow) for view in views]
    grounds = [stage.ground(scene, camera[0]) for camera in cameras]
    strip = caption.title(SIZE * len(views), title, stage.summary(scene))
    height = SIZE + len(strip) - len(strip) % 2
    writer = imageio_ffmpeg.write_frames(
        str(path),
        (SIZE * len(views), height),
        fps=scene.clip.fps,  # pyright: ignore[reportArgumentType]  # fractions are fine
        codec="libx264",
        pix_fmt_out="yuv420p",
        macro_block_size=2,
        output_params=["-crf", "20", "-preset", "veryfast", "-movflags", "+faststart"],
    )
    writer.send(None)
    try:
        for frame in range(len(scene.clip)):
            tiles = []
            for i, camera in enumerate(cameras):
                if frame and camera[frame] is not camera[frame - 1]:
                    grounds[i] = stage.ground(scene, camera[frame])
                tiles.append(stage.picture(scene, frame, camera[frame], grounds[i]))
            row = np.concatenate(tiles, axis=1)
            time, which = stage.moment(scene, frame)
            end = caption.write(row, time, 10, SIZE - 28, 16)
            caption.write(row, which, end, SIZE - 26, 14, caption.FAINT)
            writer.send(np.ascontiguousarray(np.concatenate([strip, row])[:height]))
            if progress is not None:
                progress(frame + 1, len(scene.clip))
    finally:
        writer.close()
