"""What the client and its asyncio twin share: how a request and a live session are asked for, and orders given."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Generic, TypeVar

from motion.clip import Clip
from motion.protocol import Generate, Message, OpenStream, Steer, Welcome
from motion.protocol.dialogue import Thread
from motion.quat import F32
from motion.skeleton import Skeleton
from runtime.client.result import pose_of, rig_of, skeleton_of

Motions = TypeVar("Motions")
Session = TypeVar("Session")


class Asking(ABC, Generic[Motions, Session]):
    """Asks a server for motions and for live sessions."""

    @property
    @abstractmethod
    def welcome(self) -> Welcome:
        """What the server said of itself: version, bundle, licence, tasks, skeleton, limits. Raises Unavailable where
        there is no connection."""

    @property
    def skeleton(self) -> Skeleton:
        """The skeleton that frames are for."""
        return skeleton_of(self.welcome)

    def generate(
        self,
        text: str = "",
        *,
        task: str = "text-to-motion",
        seconds: float | None = None,
        seed: int | None = None,
        past: Clip | None = None,
        future: Clip | None = None,
        motion: Clip | None = None,
        variations: int = 1,
        caption: bool = False,
        deadline_s: float | None = None,
        rig: Skeleton | None = None,
    ) -> Motions:
        """Ask for `task`; what comes of it is read from what is returned. Clips are at the server's rate, and on `rig`
        where one is given, else on the server's skeleton. With "auto", where the server has it, the text decides: an
        order to move gives a clip, a question words, and the result's `task` says which."""
        welcome = self.welcome
        skeleton = rig or skeleton_of(welcome)
        request = Generate(
            id="g",
            task=task,
            text=text,
            seconds=seconds,
            seed=seed,
            past=pose_of("past", past, skeleton, welcome.fps),
            future=pose_of("future", future, skeleton, welcome.fps),
            motion=pose_of("motion", motion, skeleton, welcome.fps),
            variations=variations,
            caption=caption,
            deadline_s=deadline_s,
            rig=rig_of(rig),
        )
        return self._generate(request, skeleton)

    def live(
        self,
        text: str = "",
        *,
        seed: int | None = None,
        agents: int = 1,
        replan: int | None = None,
        publish: str | None = None,
        past: Clip | None = None,
        places: F32 | None = None,
        rig: Skeleton | None = None,
    ) -> Session:
        """Begin a live session: frames without end at a steady rate. places (A, 3): where each agent begins, x and z in
        metres and heading in radians. The fields are those of `protocol.OpenStream`."""
        welcome = self.welcome
        skeleton = rig or skeleton_of(welcome)
        pose = pose_of("past", past, skeleton, welcome.fps)
        return self._open(OpenStream("s", text, seed, agents, replan, publish, pose, places, rig_of(rig)), skeleton)

    @abstractmethod
    def _generate(self, request: Generate, skeleton: Skeleton) -> Motions: ...

    @abstractmethod
    def _open(self, request: OpenStream, skeleton: Skeleton) -> Session: ...


class Steering(ABC):
    """Gives orders to a live session."""

    id: str
    _thread: Thread

    @property
    def lost(self) -> int:
        """Frames that did not come in time, or that were dropped because nobody took them."""
        return self._thread.lost

    def steer(
        self,
        text: str | None = None,
        *,
        agent: int | None = None,
        speed: float | None = None,
        heading: float | None = None,
        target: tuple[float, float] | None = None,
        free: bool = False,
        pause: bool | None = None,
        replan: int | None = None,
    ) -> None:
        """New orders; what is left out stays as it was. The fields are those of `protocol.Steer`. The server answers
        each with a Steered event."""
        self._say(Steer(self.id, agent, text, speed, heading, target, free, pause, replan))

    @abstractmethod
    def _say(self, message: Message) -> None: ...
