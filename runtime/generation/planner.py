"""The next frames of a live session: the prediction task, asked again and again with the past as context.

A plan begins at a resume point. The language model goes on from its codes until there are as many as the wanted frames
and the decoder's look-ahead take; one engine call decodes them; the frames are placed piece by piece, and after each
piece a new resume point is kept, so that orders given later can take effect there. Where a plan meets the frames of the
one before, it grows out of them over `FADE` tokens.

Shapes: codes (K,), features (T, D) with T = K * frames_per_token, root (T, 3), rotations (T, J, 4), contacts (T, 4).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

import numpy as np

from motion.errors import Cancelled
from motion.protocol.wire import Array
from motion.quat import F32
from runtime.generation.pipeline import Halted, Pipeline
from runtime.generation.placement import EASE, Placed, Placement, path_from
from runtime.generation.resume import Resume, from_arrays, to_arrays
from runtime.generation.rig import Fit, rig_of
from runtime.transport.orders import Plan, Planned

FADE: Final = 2
"""tokens over which new frames grow out of the old"""
PIECE: Final = 2
"""tokens from one resume point to the next"""
_PAST: Final = 24  # tokens that the language model is told of what was: 3.2 s in the shipped bundle
_HORIZON: Final = 30  # tokens it is told that there will be: the length of many clips it learned from
_TURN: Final = math.pi / 2  # radians a second that a path is bent by at most
_EAGER: Final = 2.5  # radians a second for each radian that is still to be turned
_NIMBLE: Final = 0.2  # share of the way to its new value that the rate of turning goes in a frame
_NEAR: Final = 0.3  # metres from a target at which it is reached


@dataclass(frozen=True, eq=False)
class Course:
    """What a plan comes to: frames, and the resume points after each piece of them."""

    planned: Planned
    resumes: Mapping[str, Array]


class Planner:
    """Makes plans with the models of a pipeline. May be used by several threads."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        packed = pipeline.manifest.motion
        self._layout = pipeline.layout
        self._rate = packed.frames_per_token
        self._fade = min(FADE, packed.lookahead)

    def plan(self, order: Plan, arrays: Mapping[str, Array], halted: Halted) -> Course:
        """The frames of `order`; `arrays` are those of its resume point, or none at the beginning. Raises Cancelled,
        and BadRequest where rig or past are none."""
        fit = None if order.rig is None else rig_of(self._pipeline.manifest.skeleton, order.rig)
        resume, placement = self._begin(order, arrays, halted)
        windows = self._pipeline.windows
        codes = list(resume.codes[: resume.out] if order.fresh else resume.codes)
        missing = resume.out + order.tokens + windows.lookahead - len(codes)
        written = self._write(order, codes, resume.index, missing, halted)
        start = max(0, resume.out - windows.context)
        stop = resume.out + order.tokens + windows.lookahead
        noise = self._noise(order.seed, resume.index + start, stop - start)
        decoded = self._pipeline.decode(np.array(codes[start:stop], np.int64), noise, halted)
        if order.past is not None and not arrays:
            placement.join(decoded[(resume.out - start) * self._rate - 1][None])
        features = _grown(resume.tail, decoded[(resume.out - start) * self._rate :])
        placed: list[Placed] = []
        kept: list[Resume] = []
        turning, arrived = resume.turning, False
        first = max(PIECE, -(-(EASE + 1) // self._rate)) if order.past is not None and not arrays else PIECE
        ends = [min(end, order.tokens) for end in range(first, order.tokens + PIECE, PIECE)]
        begin = 0
        for end in dict.fromkeys(ends):
            block = features[begin * self._rate : end * self._rate].copy()
            arrived = arrived or _reached(order, placement)
            wanted = None if arrived else _wanted(order, placement)
            turns = block[:, self._layout.layout["root_turn"]]
            turning = _bend(turns, wanted, placement.heading, turning, self._layout.fps)
            placed.append(placement.push(block))
            kept.append(self._resume(resume, codes, features, end, placement, turning))
            begin = end
        self._pipeline.count(frames=sum(map(len, placed)))
        return Course(_planned(fit, written, placed, arrived), to_arrays(kept))

    def _begin(self, order: Plan, arrays: Mapping[str, Array], halted: Halted) -> tuple[Resume, Placement]:
        pipeline = self._pipeline
        skeleton, hold = pipeline.manifest.skeleton, pipeline.hold_feet
        if arrays:
            resume = from_arrays(arrays)
            placement = Placement(skeleton, self._layout, None, hold)
            placement.resume(resume.stance)
            return resume, placement
        nothing = np.zeros((0, self._layout.width), np.float32)
        if order.past is not None:
            piece = pipeline.piece("past", order.past, order.rig)
            codes = pipeline.codes(piece, halted)
            assert piece is not None
            assert codes is not None
            begun = tuple(int(code) for code in codes)
            placement = Placement(skeleton, self._layout, piece, hold)
            return Resume(begun, len(begun), 0, nothing, np.zeros(0), 0.0), placement
        x, z, heading = (0.0, 0.0, 0.0) if order.place is None else (float(number) for number in order.place)
        placement = Placement(skeleton, self._layout, None, hold, path_from(self._layout, heading, x, z))
        return Resume((), 0, 0, nothing, np.zeros(0), 0.0), placement

    def _write(self, order: Plan, codes: list[int], index: int, missing: int, halted: Halted) -> int:
        """Let the language model add so many codes; how many it wrote."""
        if missing <= 0:
            return 0
        past = np.array(codes[-_PAST:], np.int64) if codes else None
        task = "prediction" if codes else "text-to-motion" if order.text else "unconditional"
        seed = (order.seed + 0x9E3779B9 * (index + len(codes))) % 2**32  # each plan draws anew
        horizon = max(missing, _HORIZON)
        wanted = len(codes) + missing
        with closing(self._pipeline.model.motion(task, order.text, horizon, past, None, seed)) as model:
            for code in model:
                if halted():
                    raise Cancelled("the live session has new orders, or is closed")
                codes.append(int(code))
                self._pipeline.count(tokens=1)
                if len(codes) == wanted:
                    break
        return missing

    def _noise(self, seed: int, first: int, count: int) -> F32:
        """The refiner's noise, which depends on the seed and the place of a token alone."""
        if not self._pipeline.refines:
            return np.zeros((count * self._rate, self._layout.width), np.float32)
        tokens = (np.random.default_rng((seed, first + i)) for i in range(count))
        return np.concatenate([token.standard_normal((self._rate, self._layout.width), np.float32) for token in tokens])

    def _resume(
        self, begun: Resume, codes: list[int], features: F32, end: int, placement: Placement, turning: float
    ) -> Resume:
        out = begun.out + end
        spare = max(0, out - max(_PAST, self._pipeline.windows.context))
        tail = features[end * self._rate : (end + self._fade) * self._rate]
        return Resume(tuple(codes[spare:]), out - spare, begun.index + spare, tail, placement.stance(), turning)


def _planned(fit: Fit | None, written: int, placed: list[Placed], arrived: bool) -> Planned:
    root = np.concatenate([block.root for block in placed])
    rotations = np.concatenate([block.rotations for block in placed])
    if fit is not None:
        root, rotations = fit.forth(root, rotations)
    return Planned(
        tokens=written,
        root=root,
        rotations=rotations,
        contacts=np.concatenate([block.contacts for block in placed]),
        ends=tuple(accumulate(map(len, placed))),
        arrived=arrived,
    )


def _grown(tail: F32, features: F32) -> F32:
    """New features whose beginning grows out of the old ones, level at both ends."""
    seam = min(len(tail), len(features))
    share = np.arange(1, seam + 1, dtype=np.float32)[:, None] / (seam + 1)
    weight = share * share * (3 - 2 * share)
    grown = features.copy()
    grown[:seam] = (1 - weight) * tail[:seam] + weight * features[:seam]
    return grown


def _wanted(order: Plan, placement: Placement) -> float | None:
    if order.target is not None:
        x, z = placement.place
        return math.atan2(order.target[0] - x, order.target[1] - z)
    return order.heading


def _reached(order: Plan, placement: Placement) -> bool:
    if order.target is None:
        return False
    x, z = placement.place
    return math.hypot(order.target[0] - x, order.target[1] - z) < _NEAR


def _bend(turns: F32, wanted: float | None, heading: float, turning: float, fps: float) -> float:
    """Add to the path's turns (T, 1), in place, so that it comes to head as wanted; the rate of turning after them."""
    for turn in turns:
        most = _TURN / fps
        goal = 0.0
        if wanted is not None:
            goal = max(-most, min(most, _EAGER / fps * math.remainder(wanted - heading, math.tau)))
        turning += _NIMBLE * (goal - turning)
        turn += np.float32(turning)
        heading += float(turn[0])
    return turning
