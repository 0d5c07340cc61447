"""One take of the demo: a server, a sentence, the frames as they come, and the files."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from motion.clip import Clip
from motion.errors import BadConfig, Unavailable
from motion.io import bvh, glb
from motion.protocol import Accepted, Done, Frames, Progress
from motion.protocol.hint import hint
from runtime.client import Client
from runtime.front.admission import LIMITS
from tools.measuring.server import Server
from tools.render import sheet, video
from tools.render.camera import VIEWS
from tools.render.stage import stage
from tools.setup.ticker import Ticker, bar

if TYPE_CHECKING:
    from tools.demo import DemoConfig

_VIEWS = (VIEWS["three-quarter"], VIEWS["side"])


@dataclass
class Pace:
    """How fast frames came, seen from the client."""

    asked: float
    first: float | None = None
    last: float = 0.0
    frames: int = 0
    fps: float = 30.0

    def arrive(self, frames: Frames) -> None:
        """Some frames came."""
        self.last = time.monotonic()
        self.first = self.first or self.last
        self.frames += len(frames.root)
        self.fps = frames.fps

    @property
    def latency(self) -> float:
        """Seconds until the first frame."""
        return (self.first or self.last) - self.asked

    @property
    def rate(self) -> float:
        """Frames a second since the request."""
        return self.frames / max(self.last - self.asked, 1e-6)

    @property
    def realtime(self) -> float:
        """Seconds of motion for each second of waiting."""
        return self.rate / self.fps


def check(config: DemoConfig) -> None:
    """Raises BadConfig for what any server would refuse, so that none is started in vain."""
    if len(config.text) > LIMITS.text_characters:
        raise BadConfig(
            f"the sentence has {len(config.text)} characters; at most {LIMITS.text_characters} are allowed: shorten it"
        )
    if not LIMITS.seconds_least <= config.seconds <= LIMITS.seconds_most:
        raise BadConfig(
            f"--seconds is {config.seconds:g}; give from {LIMITS.seconds_least:g} to {LIMITS.seconds_most:g}"
        )


def serving(bundle: str) -> Server:
    """The server of a bundle, given by its name or its folder."""
    folder = Path(bundle).expanduser()
    return Server("--bundle", str(folder.resolve()) if folder.is_dir() else bundle)


def take(config: DemoConfig, server: Server) -> None:
    """Starts the server, asks it, writes the files, and prints as it goes. Raises MotionError."""
    ticker = Ticker()
    ticker.say(f'motus    "{config.text}", {config.seconds:g} s, seed {config.seed}')
    with server:
        clip = _stream(config, server, ticker)
    _files(config, clip, ticker)


def _stream(config: DemoConfig, server: Server, ticker: Ticker) -> Clip:
    started = time.monotonic()

    def loading(line: str, seconds: float) -> None:
        if line and not line.startswith("runtime.serve: "):  # its last words come as an error
            ticker.say(f"server   {seconds:5.1f} s  {line}")
        else:
            ticker.show(f"server   {seconds:5.1f} s  ...")

    server.wait(loading)
    ticker.say(f"server   {time.monotonic() - started:5.1f} s  ready at {server.address}")
    with Client(server.address, name="demo") as client:
        about = client.welcome
        ticker.say(f"weights  {about.bundle} {about.bundle_version}, licence: {about.licence}")
        pace = Pace(time.monotonic())
        generation = client.generate(config.text, seconds=config.seconds, seed=config.seed)
        whole, far = round(config.seconds * about.fps), ""
        for event in generation:
            if isinstance(event, Frames):
                pace.arrive(event)
                now = f"first {pace.latency:.2f} s, {pace.rate:.1f}/s, {pace.realtime:.2f} x"
                ticker.show(f"frames   {bar(pace.frames, whole)} {pace.frames}/{whole}  {now}")
            elif isinstance(event, Done):
                far = hint(event)
            elif isinstance(event, (Accepted, Progress)) and pace.first is None:
                ticker.show(f"frames   {bar(0, whole)} 0/{whole}  {time.monotonic() - pace.asked:.1f} s")
        clip = generation.clip
    if clip is None:
        raise Unavailable("the server finished without a frame; try another sentence or seed")
    speed = f"{pace.rate:.1f} frames/s, {pace.realtime:.2f} x real time"
    ticker.say(f"frames   {pace.frames} in all, first frame after {pace.latency:.2f} s, {speed}")
    if far:
        ticker.say(f"hint     {far}")
    return replace(clip, name=config.text)


def _files(config: DemoConfig, clip: Clip, ticker: Ticker) -> None:
    base = config.out / config.name

    def path(ending: str) -> Path:
        return base.with_name(base.name + ending)

    bvh.write(clip, path(".bvh"))
    ticker.say(f"wrote    {path('.bvh')}  motion, {len(clip.skeleton)} joints, {clip.fps:g} frames a second")
    glb.write(clip, path(".glb"))
    ticker.say(f"wrote    {path('.glb')}  body and motion, for Blender, Unity and viewers")
    scene = stage(clip)
    sheet.save(sheet.sheet(scene, _VIEWS, 8, config.text), path(".png"))
    ticker.say(f"wrote    {path('.png')}  eight moments from two sides")
    video.save(
        scene, _VIEWS, path(".mp4"), config.text, lambda n, of: ticker.show(f"film     {bar(n, of)} {n} of {of}")
    )
    ticker.say(f"wrote    {path('.mp4')}  the film")
