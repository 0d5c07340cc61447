"""From a request to frames: the language model writes codes, windows of codes become features, features a moving body.

Frames leave while the language model is still writing. Cancelling is looked at before every code and every engine call.
Shapes: codes (K,) int64, features (T, D) float32 with T = K * frames_per_token, root (T, 3), rotations (T, J, 4).
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Final, Literal, Protocol

import numpy as np

from motion.bundles.manifest import AUTO, Manifest
from motion.clip import Clip
from motion.errors import Cancelled, UnknownTask
from motion.protocol import Done, Frames, Generate, Message, Pose, Progress, Rig, Text
from runtime.engines import Engine, names
from runtime.generation.ahead import Ahead
from runtime.generation.placement import Piece, Placed, Placement, layout_of
from runtime.generation.rig import Fit, brought, rig_of
from runtime.generation.stream import Codes, CodeStream, Features, Windows
from runtime.language.familiarity import Familiarity

Halted = Callable[[], bool]
_TELL_S: Final = 0.1
_LEAD: Final = 24  # codes written ahead: more than while a window becomes frames, so that requests meet at the model


class LanguageModel(Protocol):
    """What writes the codes. Closing a generator stops its work; nothing is computed ahead of what is asked for."""

    def motion(
        self, task: str, text: str, tokens: int | None, past: Codes | None, future: Codes | None, seed: int
    ) -> Generator[int, None, None]:
        """Codes of a motion one by one; `tokens` of them where that is given."""
        ...

    def text(self, task: str, text: str, codes: Codes | None, seed: int) -> Generator[str, None, None]:
        """Words about a motion, or in answer to `text`, piece by piece."""
        ...

    def route(self, text: str) -> Literal["text-to-motion", "conversation"]:
        """What a text asks for. Raises UnknownTask where it cannot tell."""
        ...

    def familiarity(self, text: str) -> Familiarity | None:
        """How near a sentence lies to what was learned; None where it cannot tell."""
        ...

    def take_sizes(self) -> list[int]:
        """How many replies each of its steps was for, since this was last asked."""
        ...


@dataclass
class _Watch:
    """When things happened, time.monotonic seconds."""

    received: float
    started: float = field(default_factory=time.monotonic)
    first_token: float | None = None
    first_output: float | None = None
    told: float = 0.0

    def due(self) -> bool:
        """Whether it is time to say how far things are; somebody who looks at it sees no more than this."""
        now = time.monotonic()
        due = now - self.told > _TELL_S
        self.told = now if due else self.told
        return due

    def done(self, request: Generate, tokens: int, frames: int, fps: float, text: str) -> Done:
        now = time.monotonic()
        return Done(
            id=request.id,
            tokens=tokens,
            frames=frames,
            text=text,
            queued_s=self.started - self.received,
            first_token_s=(self.first_token or now) - self.received,
            first_output_s=(self.first_output or now) - self.received,
            total_s=now - self.received,
            realtime_factor=frames / fps / max(now - self.started, 1e-9),
            task=request.task,
        )


class Pipeline:
    """The models of one bundle at work. May be used by several threads, as far as its models may.

    `decoder` makes features from codes, `refiner`, where there is one, better features from these and noise; a decoder
    that takes noise is both. `encoder` makes codes from features and may be None where no task takes motion.
    No motion is longer than `seconds_most` unless its request says so. `hold_feet` keeps resting feet from sliding.
    Raises BadBundle where motion of the manifest's layout cannot be served.
    """

    def __init__(
        self,
        manifest: Manifest,
        model: LanguageModel,
        decoder: Engine,
        refiner: Engine | None,
        encoder: Engine | None,
        windows: Windows,
        seconds_most: float,
        hold_feet: bool = True,
    ) -> None:
        self.tokens = 0
        self.frames = 0
        self.manifest = manifest
        self.layout = layout_of(manifest)
        self.model = model
        self.windows = windows
        self.hold_feet = hold_feet
        self._grained = "noise" in names(decoder)  # it is the refiner as well
        self.refines = refiner is not None or self._grained
        self._counting = threading.Lock()
        self.engines = [engine for engine in (decoder, refiner, encoder) if engine is not None]
        self._decoder = decoder
        self._refiner = refiner
        self._encoder = encoder
        self._frames_most = max(1, int(seconds_most * manifest.fps))

    def run(self, request: Generate, seed: int, received: float, halted: Halted) -> Iterator[Message]:
        """Everything `request` brings forth, the last of it a Done. Raises Cancelled once `halted()` says so."""
        task = self.manifest.task(request.task)
        if task is None:
            raise UnknownTask(f"bundle {self.manifest.name!r} has no task {request.task!r}")
        watch = _Watch(received)
        yield Progress(request.id, "reading", 0, 1)
        if task.name == AUTO.name:
            _stop_if(halted)
            request = replace(request, task=self.model.route(request.text))
            task = self.manifest.task(request.task)
            assert task is not None, "a manifest with the one has the others"
        if task.gives == "text":
            yield from self._describe(request, seed, watch, halted)
        else:
            yield from self._move(request, seed, watch, halted)

    def warm_up(self, halted: Halted = lambda: False) -> None:
        """A short generation of each kind, so that the first client does not wait for what happens only once."""
        rest = np.zeros((2 * self.manifest.motion.frames_per_token, len(self.manifest.skeleton), 4), np.float32)
        rest[..., 0] = 1
        pose = Pose(rest, np.zeros((len(rest), 3), np.float32))
        for gives in ("motion", "text"):
            if halted():
                return
            task = next((task for task in self.manifest.tasks if task.gives == gives), None)
            if task is None:
                continue
            words = "a person walks" if "text" in task.needs else ""
            request = Generate("warm-up", task.name, words, seconds=1.0 if gives == "motion" else None)
            request = replace(request, **{name: pose for name in task.needs if name in ("past", "future", "motion")})
            for message in self.run(request, 0, time.monotonic(), halted):
                if isinstance(message, Text):
                    break

    def _move(self, request: Generate, seed: int, watch: _Watch, halted: Halted) -> Iterator[Message]:
        rate = self.manifest.motion.frames_per_token
        most = self._frames_most if request.seconds is None else round(request.seconds * self.manifest.fps)
        tokens_most = math.ceil(most / rate)
        tokens = None if request.seconds is None else tokens_most
        _stop_if(halted)
        rig = None if request.rig is None else rig_of(self.manifest.skeleton, request.rig)
        past, future = (self.piece(name, getattr(request, name), request.rig) for name in ("past", "future"))
        past_codes, future_codes = self.codes(past, halted), self.codes(future, halted, from_start=True)
        before = () if past_codes is None else past_codes[-self.windows.context :].tolist()
        stream = CodeStream(
            lambda codes, noise: self.decode(codes, noise, halted),
            self.windows, rate, self.layout.width, seed, before,
        )  # fmt: skip
        placement = Placement(self.manifest.skeleton, self.layout, past, self.hold_feet)
        leaving = _Leaving(self, request, stream, placement, rig, future, most, watch)
        held: list[Features] = []  # a motion that must meet a future is placed when all of it is known
        written: list[int] = []

        writing = self.model.motion(request.task, request.text, tokens, past_codes, future_codes, seed)
        with closing(Ahead(writing)) as codes:
            for code in codes:
                _stop_if(halted)
                watch.first_token = watch.first_token or time.monotonic()
                written.append(code)
                self.count(tokens=1)
                block = stream.push(code)
                if block is not None and future is None:
                    yield from leaving.place(block)
                    codes.start(_LEAD)
                elif block is not None:
                    held.append(block)
                if len(written) in (1, tokens) or watch.due():
                    yield Progress(request.id, "tokens", len(written), tokens_most)
                if len(written) == tokens_most:
                    break
        held.append(stream.finish(() if future_codes is None else future_codes.tolist()))
        yield from leaving.place(np.concatenate(held))
        if future is None:
            yield from leaving.finish()
        done = watch.done(request, len(written), leaving.frames, self.manifest.fps, "")
        near = self.model.familiarity(request.text) if request.text.strip() else None
        if near is not None:
            done = replace(done, familiar=near.share, nearest=near.nearest)
        if request.caption:
            yield Progress(request.id, "caption", 0, 1)
            done = replace(done, captions=(self._caption(written, seed, halted),))
        yield done

    def _caption(self, written: list[int], seed: int, halted: Halted) -> str:
        """What the motion of these codes shows, in words."""
        pieces: list[str] = []
        with closing(self.model.text("motion-to-text", "", np.array(written, np.int64), seed)) as words:
            for piece in words:
                _stop_if(halted)
                self.count(tokens=1)
                pieces.append(piece)
        return "".join(pieces).strip()

    def _describe(self, request: Generate, seed: int, watch: _Watch, halted: Halted) -> Iterator[Message]:
        pieces: list[str] = []
        codes = self.codes(self.piece("motion", request.motion, request.rig), halted)
        with closing(self.model.text(request.task, request.text, codes, seed)) as words:
            for piece in words:
                _stop_if(halted)
                watch.first_token = watch.first_output = watch.first_token or time.monotonic()
                self.count(tokens=1)
                yield Text(request.id, len(pieces), piece)
                pieces.append(piece)
        yield watch.done(request, len(pieces), 0, self.manifest.fps, "".join(pieces).strip())

    def piece(self, name: str, pose: Pose | None, rig: Rig | None) -> Piece | None:
        """Motion that a request has as `name`, on the skeleton of the bundle. Raises BadRequest where it is none."""
        if pose is None:
            return None
        root, rotations = brought(self.manifest.skeleton, name, pose, rig)
        return Piece.of(Clip(self.manifest.skeleton, self.manifest.fps, rotations, root), self.layout)

    def codes(self, piece: Piece | None, halted: Halted, from_start: bool = False) -> Codes | None:
        """The codes of a piece of motion; frames that fill no token are left out at its start, or at its end."""
        if piece is None:
            return None
        assert self._encoder is not None, "no task of a bundle without an encoder takes motion"
        _stop_if(halted)
        spare = len(piece.features) % self.manifest.motion.frames_per_token
        frames = piece.features[: len(piece.features) - spare] if from_start else piece.features[spare:]
        return self._encoder.run({"features": frames[None]})[0]

    def count(self, tokens: int = 0, frames: int = 0) -> None:
        """Work that was done."""
        with self._counting:
            self.tokens += tokens
            self.frames += frames

    def decode(self, codes: Codes, noise: Features, halted: Halted) -> Features:
        """Features of a window of codes; the refiner's noise is theirs."""
        _stop_if(halted)
        frames = self._decoder.run({"codes": codes[None], **({"noise": noise[None]} if self._grained else {})})
        if self._refiner is not None:
            _stop_if(halted)
            frames = self._refiner.run({"codes": codes[None], "features": frames, "noise": noise[None]})
        return frames[0]


@dataclass
class _Leaving:
    """Features of one motion on their way out: placed, on the rig that was asked for, numbered, no more than wanted."""

    pipeline: Pipeline
    request: Generate
    stream: CodeStream
    placement: Placement
    rig: Fit | None
    future: Piece | None
    most: int
    watch: _Watch
    taken: int = 0
    sequence: int = 0
    frames: int = 0
    """that are out"""

    def place(self, block: Features) -> Iterator[Frames]:
        """The next features (T, D)."""
        block = block[: self.most - self.taken]
        if not len(block):
            return
        if self.taken == 0 and self.stream.last_before is not None:
            self.placement.join(self.stream.last_before)
        self.taken += len(block)
        if self.future is None or self.stream.first_after is None:
            yield from self._send(self.placement.push(block))
        else:
            yield from self._send(self.placement.meet(block, self.future, self.stream.first_after))

    def finish(self) -> Iterator[Frames]:
        """What placing holds back until it knows that nothing follows."""
        yield from self._send(self.placement.finish())

    def _send(self, placed: Placed) -> Iterator[Frames]:
        if not len(placed):
            return
        self.pipeline.count(frames=len(placed))
        self.watch.first_output = self.watch.first_output or time.monotonic()
        root, rotations = placed.root, placed.rotations
        if self.rig is not None:
            root, rotations = self.rig.forth(root, rotations)
        now, fps = time.monotonic(), self.pipeline.manifest.fps
        yield Frames(self.request.id, self.sequence, self.frames, fps, now, root, rotations, placed.contacts)
        self.sequence, self.frames = self.sequence + 1, self.frames + len(placed)


def _stop_if(halted: Halted) -> None:
    if halted():
        raise Cancelled("the request was cancelled")
