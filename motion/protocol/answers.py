"""Messages from the server to one client: who it is, what comes of a request, and how it is doing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from motion.protocol.pieces import NEW, NEW_2, Root, Rotations
from motion.protocol.schema import Count, Float, Id, Shape


@dataclass(frozen=True)
class Task:
    """One thing the bundle can do: which fields of Generate it needs and may have, and what comes back."""

    name: str
    needs: tuple[str, ...]
    optional: tuple[str, ...]
    gives: str
    """motion or text, or either of them"""


@dataclass(frozen=True)
class Limits:
    """What the server allows one client. What a server of version 1.0 does not know is 0 here."""

    text_characters: Count
    """of a request's text"""
    seconds_least: float
    """the shortest motion that may be asked for"""
    seconds_most: float
    """the longest motion that is made, and the longest that may be sent"""
    requests: Count
    """requests of one client at a time"""
    queue: Count
    """requests waiting, of all clients together"""
    window: Count
    """the most frames of one request under way"""
    variations: Annotated[int, NEW] = 0
    """motions of one request"""
    streams: Annotated[int, NEW] = 0
    """live sessions of one client at a time"""
    agents: Annotated[int, NEW] = 0
    """in one live session"""
    replan_least: Annotated[int, NEW] = 0
    """the fewest frames of a live session that new orders leave as they are"""
    replan_most: Annotated[int, NEW] = 0
    """and the most"""
    speed_most: Annotated[float, NEW] = 0.0
    """of a live session; 1: as the model made it"""
    joints: Annotated[int, NEW] = 0
    """of a rig"""
    sessions: Annotated[int, NEW] = 0
    """connections of one client key"""
    messages_per_s: Annotated[int, NEW] = 0
    """of one client; 0: as many as it likes"""
    bytes_per_s: Annotated[int, NEW] = 0
    """of one client; 0: as many as it likes"""


@dataclass(frozen=True, eq=False)
class Welcome:
    """Who the server is and what it can do."""

    server: str
    bundle: str
    bundle_version: str
    licence: str
    tasks: tuple[Task, ...]
    fps: float
    limits: Limits
    skeleton: str
    joints: Annotated[tuple[str, ...], Shape("J")]
    parents: Annotated[tuple[int, ...], Shape("J")]
    offsets: Annotated[Float, Shape("J", 3)]
    capabilities: Annotated[tuple[str, ...], NEW] = ()
    """what it can do beyond version 1.0: variations, captions, rigs, deadlines, streams, watching"""
    heartbeat_s: Annotated[float, NEW] = 0.0
    """how often each side says something; 0: no such promise"""
    missed: Annotated[int, NEW] = 0
    """heartbeats after which the silent side is taken for gone"""
    watch_port: Annotated[int, NEW] = 0
    """where watchers connect, on the same host; 0: nowhere"""


@dataclass(frozen=True)
class Accepted:
    """The request is in; `position` requests are ahead of it. `seed` is the one it will use."""

    id: Id
    position: Count
    seed: Count


@dataclass(frozen=True)
class Progress:
    """Work that was really done: `done` of `total` steps of `stage` ("queued", "reading", "tokens", "caption")."""

    id: Id
    stage: str
    done: Count
    total: Count
    position: Count = 0


@dataclass(frozen=True)
class Steered:
    """New orders are taken: frames of `agent` from index `frame` on follow them."""

    id: Id
    agent: Count
    frame: Count


@dataclass(frozen=True, eq=False)
class Frames:
    """A run of finished frames, never to be rewritten."""

    id: Id
    sequence: Count
    first: Count
    fps: float
    clock: float
    root: Root
    rotations: Rotations
    contacts: Annotated[Float, Shape("T", 4)]
    variation: Annotated[int, NEW] = 0
    agent: Annotated[int, NEW] = 0
    lost: Annotated[int, NEW] = 0
    """frames of a live session that this client was too slow for, right before these"""


@dataclass(frozen=True)
class Text:
    """A piece of text, to be appended to those before it."""

    id: Id
    sequence: Count
    text: str
    variation: Annotated[int, NEW] = 0


@dataclass(frozen=True)
class Done:
    """The request is finished. Times count from its arrival at the server."""

    id: Id
    tokens: Count
    frames: Count
    text: str
    queued_s: float
    first_token_s: float
    first_output_s: float
    """until the first frames, or the first piece of text, were ready"""
    total_s: float
    realtime_factor: float
    """seconds of motion made per second of work, queueing not counted; 0 where no motion was made"""
    captions: Annotated[tuple[str, ...], NEW] = ()
    """what each variation shows, where that was asked for"""
    cached: Annotated[bool, NEW] = False
    """whether the same request had been answered before"""
    task: Annotated[str, NEW_2] = ""
    """what was done: the request's task, or what "auto" chose"""
    familiar: Annotated[float | None, NEW_2] = None
    """how near the sentence lies to what was learned, 0 to 1, where that is known"""
    nearest: Annotated[tuple[str, ...], NEW_2] = ()
    """up to three things that the bundle can do and that lie nearest to the sentence, in words"""


@dataclass(frozen=True)
class Error:
    """The request, or with id "" the message just sent, came to nothing."""

    id: str
    code: str
    message: str
    retry: bool
    retry_after_s: Annotated[float | None, NEW] = None


@dataclass(frozen=True)
class Pong:
    """I am here; `asked` is the clock of the Ping, `clock` one's own."""

    asked: float
    clock: float
    received: Annotated[float | None, NEW] = None
    """one's own clock when the Ping came; `clock` is that of the answer's leaving"""


@dataclass(frozen=True)
class Statistics:
    """Counters since the server started; what never shrinks is named in the past tense."""

    clock: float
    uptime_s: float
    sessions: Count
    waiting: Count
    running: Count
    accepted: Count
    finished: Count
    cancelled: Count
    failed: Count
    tokens: Count
    """language-model steps done"""
    frames: Count
    """frames made"""
    streams: Annotated[int, NEW] = 0
    watchers: Annotated[int, NEW] = 0
    refused: Annotated[int, NEW] = 0
    """messages that were none, or asked for what cannot be"""
    cached: Annotated[int, NEW] = 0
    """requests answered from the cache"""
    lost: Annotated[int, NEW] = 0
    """frames of live sessions that slow clients did not get"""
    restarts: Annotated[int, NEW] = 0
    """worker processes that had to be replaced"""


@dataclass(frozen=True)
class Peer:
    """One client that is connected."""

    client: str
    age_s: float
    idle_s: float
    """since it was last heard"""
    requests: Count
    streams: Count
    frames: Count
    bytes_in: Count
    bytes_out: Count
    refused: Count


@dataclass(frozen=True)
class Show:
    """One live session that is running."""

    publish: str
    client: str
    agents: Count
    fps: float
    frames: Count
    ahead: Count
    """frames made and not yet sent, of the agent that has fewest"""
    late_ms: float
    """by how much the last second's frames left late at most"""
    watchers: Count


@dataclass(frozen=True)
class Roster:
    """Who is there, and what can be watched."""

    clients: tuple[Peer, ...]
    streams: tuple[Show, ...]
