"""From a request to frames: the language model writes codes, windows of codes become features, features a moving body.

Frames leave while the language model is still writing. Cancelling is looked at before every code and every engine call.
Shapes: codes (K,) int64, features (T, D) float32 with T = K * frames_per_token, root (T, 3), rotations (T, J, 4).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from motion import features
from motion.bundle import Manifest
from motion.clip import Clip
from motion.errors import Cancelled, UnknownTask
from motion.protocol import Done, Frames, Generate, Message, Pose, Progress, Text
from runtime.engines import Engine
from runtime.placement import Piece, Placement
from runtime.stream import Codes, CodeStream, Features, Windows

Halted = Callable[[], bool]


class LanguageModel(Protocol):
    """What writes the codes. Closing a generator stops its work; nothing is computed ahead of what is asked for."""

    def motion(
        self, task: str, text: str, tokens: int | None, past: Codes | None, future: Codes | None, seed: int
    ) -> Generator[int, None, None]:
        """Codes of a motion, one a step; `tokens` of them where that is given."""
        ...

    def text(self, task: str, text: str, codes: Codes | None, seed: int) -> Generator[str, None, None]:
        """Words about a motion, or in answer to `text`, piece by piece."""
        ...


@dataclass
class _Watch:
    """When things happened, time.monotonic seconds."""

    received: float
    started: float = field(default_factory=time.monotonic)
    first_token: float | None = None
    first_output: float | None = None

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
        )


class Pipeline:
    """The models of one bundle at work. Used by one thread; `tokens` and `frames` may be read by any.

    `decoder` makes features from codes, `refiner`, where there is one, better features from these and noise. `encoder`
    makes codes from features and may be None where no task takes motion. `hold_feet` keeps resting feet from sliding.
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
        self._manifest = manifest
        self._model = model
        self._decoder = decoder
        self._refiner = refiner
        self._encoder = encoder
        self._windows = windows
        self._hold_feet = hold_feet
        self._tokens_most = math.ceil(seconds_most * manifest.fps / manifest.tokens.frames_per_token)

    def run(self, request: Generate, seed: int, received: float, halted: Halted) -> Iterator[Message]:
        """Everything `request` brings forth, the last of it a Done. Raises Cancelled once `halted()` says so."""
        task = self._manifest.task(request.task)
        if task is None:
            raise UnknownTask(f"bundle {self._manifest.name!r} has no task {request.task!r}")
        watch = _Watch(received)
        yield Progress(request.id, "reading", 0, 1)
        if task.gives == "text":
            yield from self._describe(request, seed, watch, halted)
        else:
            yield from self._move(request, seed, watch, halted)

    def warm_up(self, halted: Halted = lambda: False) -> None:
        """A short generation of each kind, so that the first client does not wait for what happens only once."""
        rest = np.zeros((2 * self._manifest.tokens.frames_per_token, len(self._manifest.skeleton), 4), np.float32)
        rest[..., 0] = 1
        pose = Pose(rest, np.zeros((len(rest), 3), np.float32))
        for gives in ("motion", "text"):
            task = next((task for task in self._manifest.tasks if task.gives == gives), None)
            if task is None:
                continue
            words = "a person walks" if "text" in task.needs else ""
            request = Generate("warm-up", task.name, words, seconds=1.0 if gives == "motion" else None)
            request = replace(request, **{name: pose for name in task.needs if name in ("past", "future", "motion")})
            for message in self.run(request, 0, time.monotonic(), halted):
                if isinstance(message, Text):
                    break

    def _move(self, request: Generate, seed: int, watch: _Watch, halted: Halted) -> Iterator[Message]:
        facts = self._manifest.tokens
        count = None if request.seconds is None else round(request.seconds * self._manifest.fps)
        tokens = None if count is None else math.ceil(count / facts.frames_per_token)
        past, future = self._piece(request.past), self._piece(request.future)
        past_codes, future_codes = self._codes(past, halted), self._codes(future, halted, from_start=True)
        before = () if past_codes is None else past_codes[-self._windows.context :].tolist()
        stream = CodeStream(
            lambda codes, noise: self._decode(codes, noise, halted),
            self._windows, facts.frames_per_token, features.WIDTH, seed, before,
        )  # fmt: skip
        placement = Placement(self._manifest.skeleton, self._manifest.fps, past, self._hold_feet)
        held: list[Features] = []  # a motion that must meet a future is placed when all of it is known
        made, sequence, first = 0, 0, 0

        def frames(block: Features) -> Iterator[Frames]:
            nonlocal sequence, first
            block = block if count is None else block[: count - first]
            if not len(block):
                return
            if first == 0 and stream.last_before is not None:
                placement.join(stream.last_before)
            if future is None or stream.first_after is None:
                placed = placement.push(block)
            else:
                placed = placement.meet(block, future, stream.first_after)
            self.frames += len(placed)
            watch.first_output = watch.first_output or time.monotonic()
            yield Frames(
                request.id, sequence, first, self._manifest.fps, time.monotonic(),
                placed.root, placed.rotations, placed.contacts,
            )  # fmt: skip
            sequence, first = sequence + 1, first + len(placed)

        with closing(self._model.motion(request.task, request.text, tokens, past_codes, future_codes, seed)) as codes:
            for code in codes:
                _stop_if(halted)
                watch.first_token = watch.first_token or time.monotonic()
                made, self.tokens = made + 1, self.tokens + 1
                yield Progress(request.id, "tokens", made, tokens or self._tokens_most)
                block = stream.push(code)
                if block is not None and future is None:
                    yield from frames(block)
                elif block is not None:
                    held.append(block)
                if made == (tokens or self._tokens_most):
                    break
        held.append(stream.finish(() if future_codes is None else future_codes.tolist()))
        yield from frames(np.concatenate(held))
        yield watch.done(request, made, first, self._manifest.fps, "")

    def _describe(self, request: Generate, seed: int, watch: _Watch, halted: Halted) -> Iterator[Message]:
        pieces: list[str] = []
        codes = self._codes(self._piece(request.motion), halted)
        with closing(self._model.text(request.task, request.text, codes, seed)) as words:
            for piece in words:
                _stop_if(halted)
                watch.first_token = watch.first_output = watch.first_token or time.monotonic()
                self.tokens += 1
                yield Text(request.id, len(pieces), piece)
                pieces.append(piece)
        yield watch.done(request, len(pieces), 0, self._manifest.fps, "".join(pieces).strip())

    def _piece(self, pose: Pose | None) -> Piece | None:
        if pose is None:
            return None
        return Piece.of(Clip(self._manifest.skeleton, self._manifest.fps, pose.rotations, pose.root))

    def _codes(self, piece: Piece | None, halted: Halted, from_start: bool = False) -> Codes | None:
        """The codes of a piece of motion; frames that fill no token are left out at its start, or at its end."""
        if piece is None:
            return None
        assert self._encoder is not None, "admission let motion in for a bundle without an encoder"
        _stop_if(halted)
        spare = len(piece.features) % self._manifest.tokens.frames_per_token
        frames = piece.features[: len(piece.features) - spare] if from_start else piece.features[spare:]
        return self._encoder.run({"features": frames[None]})[0]

    def _decode(self, codes: Codes, noise: Features, halted: Halted) -> Features:
        _stop_if(halted)
        frames = self._decoder.run({"codes": codes[None]})
        if self._refiner is not None:
            _stop_if(halted)
            frames = self._refiner.run({"codes": codes[None], "features": frames, "noise": noise[None]})
        return frames[0]


def _stop_if(halted: Halted) -> None:
    if halted():
        raise Cancelled("the request was cancelled")
