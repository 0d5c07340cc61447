"""Live sessions: opened, planned, paced, steered, shown to watchers.

`tick` sends what is due and orders what is missing; it is called whenever `due` says, so that frames leave on time
whatever else goes on. Plans go before all requests.
"""

from __future__ import annotations

import itertools
import logging
import secrets
import time
from dataclasses import replace
from typing import Final

from motion import protocol
from motion.bundles.manifest import Manifest
from motion.errors import BadRequest, Busy, Cancelled, Internal, MotionError, TimedOut, Unavailable
from motion.protocol import Accepted, CloseStream, Error, Frames, Limits, OpenStream, Scene, Show, Steer, Steered
from runtime.front import admission
from runtime.front.live import Cast, Live
from runtime.front.metrics import Metrics
from runtime.front.publisher import Publisher
from runtime.front.reception import Reception
from runtime.front.session import Session
from runtime.front.track import Track
from runtime.workers.backend import Backend, Report
from runtime.workers.logs import about

_log = logging.getLogger(__name__)
STALLED_S: Final = 60.0
"""how long a live session goes on for an owner that takes nothing"""
_FAILURES: Final = 3
"""plans that may come to nothing one after the other before the live session does"""
_ROWS: Final = 100


class LiveSessions:
    """The live sessions of all clients."""

    def __init__(
        self,
        backend: Backend,
        keys: itertools.count[int],
        limits: Limits,
        metrics: Metrics,
        reception: Reception,
        publisher: Publisher,
    ) -> None:
        self.lost = 0
        """frames that owners did not get"""
        self._backend = backend
        self._keys = keys
        self._limits = limits
        self._metrics = metrics
        self._reception = reception
        self._publisher = publisher
        self._lives: dict[tuple[bytes, str], Live] = {}
        self._plans: dict[int, tuple[Live, Track]] = {}
        self._void_keys: set[int] = set()

    def __len__(self) -> int:
        return len(self._lives)

    @property
    def stopping(self) -> int:
        """Plans that are of no use any more, and that workers are still at."""
        return len(self._void_keys)

    @property
    def due(self) -> float | None:
        """When the next frame is to leave, time.monotonic seconds; None where there is none."""
        return min((due for live in self._lives.values() if (due := live.due) is not None), default=None)

    def open(self, session: Session, request: OpenStream, manifest: Manifest) -> None:
        """Begin a live session. Raises BadRequest, UnknownTask and Busy."""
        admission.check_stream(request, manifest, self._limits)
        if request.id in session.jobs or request.id in session.streams:
            raise BadRequest(f"a request {request.id!r} is still under way; give each its own id")
        if request.publish is not None and self._publisher.has(request.publish):
            raise BadRequest(f"something is published as {request.publish!r} already; choose another name")
        if session.account.streams >= self._limits.streams:
            raise Busy(f"{session.account.streams} live sessions of this client are open; close one first")
        seed = secrets.randbelow(admission.SEEDS) if request.seed is None else request.seed
        replan = admission.replan_of(request, self._limits)
        cast = Cast.of(manifest.skeleton, request.rig)
        live = Live(session, request, seed, replan, cast, manifest.fps)
        self._lives[session.identity, request.id] = live
        session.streams.add(request.id)
        session.account.streams += 1
        session.answers.append(Accepted(request.id, 0, seed))
        self._reception.touch(session)
        if request.publish is not None:
            self._publisher.open(self._scene(live, request.publish, manifest))
        _log.info("a live session began", extra=about(stream=request.id, client=session.client, name=live.publish))

    def steer(self, session: Session, order: Steer) -> None:
        """New orders. Raises BadRequest."""
        live = self._find(session, order.id)
        admission.check_steer(order, len(live.tracks), self._limits)
        for track, frame in live.steer(order):
            if track.key is None:
                self._void(track)
            session.answers.append(Steered(live.id, track.index, frame))
        self._reception.touch(session)

    def close(self, session: Session, order: CloseStream) -> None:
        """The owner ends a live session."""
        live = self._lives.get((session.identity, order.id))
        if live is None:
            return
        done = live.done()
        self._end(live, "its owner closed it")
        session.answers.append(done)
        self._reception.touch(session)
        self._metrics.ended("live", "done")

    def cancel(self, session: Session, name: str) -> None:
        """The same, as `cancel` has it."""
        live = self._lives.get((session.identity, name))
        if live is not None:
            self._fail(live, Cancelled("the live session was cancelled"), "asked")

    def ack(self, session: Session, name: str, frames: int) -> None:
        """The owner has taken frames."""
        live = self._lives.get((session.identity, name))
        if live is not None:
            live.ack(frames)

    def leave(self, session: Session, why: str) -> None:
        """A session has ended: its live sessions do too."""
        for live in [live for live in self._lives.values() if live.session is session]:
            self._end(live, "its owner is gone")
            self._metrics.ended("live", "cancelled")
            self._metrics.cancelled(why)

    def stop(self) -> None:
        """The service stops."""
        for live in list(self._lives.values()):
            self._fail(live, Unavailable("the server is stopping; ask again when it is back"), "stopping")

    def change(self, manifest: Manifest) -> None:
        """Another bundle serves from now on: bodies go on from where they stand."""
        for live in list(self._lives.values()):
            other = live.request.rig is None and manifest.skeleton.joints != live.cast.joints
            if other or manifest.fps != live.fps:
                self._fail(live, Unavailable("the server changed to a bundle of another skeleton; open it again"), "")
                continue
            for track in live.tracks:
                self._void(track)
                track.rebase(live.replan)

    def hear(self, report: Report) -> bool:
        """Take in what came of a plan; whether it was one."""
        self._void_keys.discard(report.key)
        live, track = self._plans.pop(report.key, (None, None))
        if live is None or track is None:
            return False
        track.key = None
        if report.planned is not None and report.resumes is not None:
            live.tokens += report.planned.tokens
            track.take(report.planned, report.resumes)
        elif isinstance(report.error, BadRequest):
            self._fail(live, report.error, "")
        elif report.error is not None and not report.error.retry:
            track.failures += 1
            if track.failures >= _FAILURES:
                self._fail(live, Internal(str(report.error)), "")
        return True

    def tick(self, now: float) -> None:
        """Send what is due, order what is missing."""
        for live in list(self._lives.values()):
            try:
                self._tick(live, now)
            except Exception as error:  # noqa: BLE001  a bug met by one live session must not end the others
                _log.exception("a live session failed", extra=about(stream=live.id, client=live.session.client))
                if live.going:
                    self._fail(live, Internal(f"the server failed at this live session ({type(error).__name__})"), "")

    def watch(self, now: float, gap: float) -> None:
        """See to owners that take nothing, but for the `gap` seconds in which this process stood still itself."""
        for live in list(self._lives.values()):
            live.moved += gap
            if live.delivered > live.acked and now - live.moved > STALLED_S:
                self._fail(live, TimedOut(f"no frame was taken for {STALLED_S:g} s"), "stalled")

    def shows(self) -> tuple[Show, ...]:
        """Rows of the roster."""
        lives = list(self._lives.values())[:_ROWS]
        return tuple(live.show(self._publisher.watching(live.publish)) for live in lives)

    def _tick(self, live: Live, now: float) -> None:
        live.begin(now)
        while (due := live.due) is not None and due <= now and live.going:
            self._metrics.late(now - due)
            for frames in live.frames(now):
                if live.going:  # else its owner was found to be gone when the frame of another body was sent
                    self._show(live, frames)
        if not live.going:
            return
        if self._backend.ready:
            for track in live.tracks:
                if track.wants(live.replan):
                    self._order(live, track)

    def _show(self, live: Live, frames: Frames) -> None:
        parts = protocol.pack(frames)
        if live.publish is not None:
            self._publisher.show(live.publish, frames, parts)
        if live.lost[frames.agent]:
            parts = protocol.pack(replace(frames, lost=live.lost[frames.agent]))
        sent = live.credit(1) and self._reception.send(live.session, parts)
        if sent:
            live.session.frames += 1
        else:
            self.lost += 1
        live.left(frames.agent, sent)

    def _order(self, live: Live, track: Track) -> None:
        track.key = next(self._keys)
        self._plans[track.key] = (live, track)
        plan, resume = track.order()
        self._backend.plan(track.key, plan, resume)

    def _void(self, track: Track) -> None:
        """What is being planned for this body is of no use any more."""
        for key in [key for key, (_, one) in self._plans.items() if one is track]:
            del self._plans[key]
            self._void_keys.add(key)
            self._backend.cancel(key)
        track.key = None

    def _fail(self, live: Live, error: MotionError, why: str) -> None:
        self._end(live, str(error))
        live.session.answers.append(Error(live.id, error.code, str(error), error.retry))
        self._reception.touch(live.session)
        self._metrics.ended("live", "cancelled" if why else error.code)
        if why:
            self._metrics.cancelled(why)
        else:
            self._metrics.failed(error.code)

    def _end(self, live: Live, reason: str) -> None:
        live.going = False
        self._lives.pop((live.session.identity, live.id), None)
        live.session.streams.discard(live.id)
        live.session.account.streams -= 1
        for track in live.tracks:
            self._void(track)
        if live.publish is not None:
            self._publisher.close(live.publish, reason)
        _log.info("a live session ended: %s", reason, extra=about(stream=live.id, client=live.session.client))

    def _find(self, session: Session, name: str) -> Live:
        live = self._lives.get((session.identity, name))
        if live is None:
            raise BadRequest(f"there is no live session {name!r} of this client; open one first")
        return live

    def _scene(self, live: Live, name: str, manifest: Manifest) -> Scene:
        cast = live.cast
        return Scene(
            name, len(live.tracks), live.fps, time.monotonic(), manifest.licence, cast.name, cast.joints, cast.parents,
            cast.offsets,
        )  # fmt: skip
