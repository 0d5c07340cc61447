"""People: Anny's body in a shape of its own, with skin, hair, clothes and shoes, as a mesh with a colour a vertex.

Clothes and hair are painted, and stand off the skin by a few millimetres to centimetres, so that they have an outline
of their own. V vertices, F triangles, J joints of Anny's, metres; colours are linear, from 0 to 1.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from models.bodies import anny
from motion import quat
from motion.bodies import body as bodies
from motion.bodies import loft
from motion.bodies.body import Body
from motion.bodies.loft import I32
from motion.clip import Clip
from motion.quat import F32
from motion.skeleton import fk

# sRGB, from Fitzpatrick's six types of skin; hair as it is and as it is dyed.
_SKINS = ((244, 208, 177), (231, 180, 143), (210, 158, 124), (186, 120, 81), (135, 85, 54), (80, 50, 38), (58, 38, 30))
_HAIRS = ((18, 15, 14), (42, 28, 20), (74, 46, 28), (112, 74, 44), (168, 122, 70), (120, 50, 28), (150, 148, 146))
_EYES = ((60, 38, 22), (40, 26, 18), (70, 96, 120), (74, 92, 60))


@dataclass(frozen=True)
class Person:
    """A body that can be posed, and what colour it is where."""

    body: Body
    colours: F32
    """(V, 3)"""

    @property
    def triangles(self) -> I32:
        """(F, 3)"""
        return self.body.triangles

    def posed(self, clip: Clip, frame: int) -> F32:
        """Vertices (V, 3) in the world at a frame of a clip on Anny's bones."""
        places, turns = fk(clip.skeleton, clip.rotations[frame : frame + 1], clip.root[frame : frame + 1])
        return bodies.pose(self.body, places[0], turns[0])[0]


def draw(rng: np.random.Generator) -> tuple[dict[str, float], Person]:
    """A person by chance: the numbers of her body for `anny.body`, and the person."""
    shape = {
        "gender": float(np.clip(rng.choice([0.1, 0.9]) + rng.normal(0, 0.12), 0, 1)),
        "age": float(rng.uniform(0.55, 0.95)),
        "muscle": float(rng.uniform(0.35, 0.8)),
        "weight": float(rng.uniform(0.3, 0.75)),
        "height": float(rng.uniform(0.3, 0.7)),
        "proportions": float(rng.uniform(0.4, 0.7)),
    }
    shape = {name: round(value, 3) for name, value in shape.items()}
    return shape, _dressed(_finer(anny.body(shape)), rng)


def linear(rgb: object) -> F32:
    """sRGB from 0 to 255 -> linear light from 0 to 1."""
    return ((np.asarray(rgb, np.float32) / 255) ** np.float32(2.2)).astype(np.float32)


def _finer(body: Body) -> Body:
    """Each triangle in four, so that what is painted has sharper borders."""
    edges = np.sort(body.triangles[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    pairs, which = np.unique(edges, axis=0, return_inverse=True)
    a, b, c = (which.reshape(-1, 3)[:, i] + len(body.vertices) for i in range(3))  # in the middle of each edge
    p, q, r = body.triangles.T
    triangles = np.concatenate([np.stack(corner, axis=1) for corner in ((p, a, c), (a, q, b), (c, b, r), (a, b, c))])
    full = np.zeros((len(body.vertices), len(body.skeleton)), np.float32)
    np.add.at(full, (np.arange(len(full))[:, None], body.joints), body.weights)
    middle = (full[pairs[:, 0]] + full[pairs[:, 1]]) / 2
    order = np.argsort(-middle, axis=1, kind="stable")[:, :4]
    weights = np.take_along_axis(middle, order, axis=1)
    weights /= weights.sum(axis=1, keepdims=True)
    vertices = np.concatenate([body.vertices, body.vertices[pairs].mean(axis=1)]).astype(np.float32)
    return replace(
        body,
        vertices=vertices,
        normals=loft.normals(vertices, triangles.astype(np.int32)),
        triangles=triangles.astype(np.int32),
        paints=np.tile(body.paints, 4),
        joints=np.concatenate([body.joints, np.where(weights > 0, order, 0).astype(np.int32)]),
        weights=np.concatenate([body.weights, weights]).astype(np.float32),
    )


class _Parts:
    """Where on a body in its bind pose each vertex lies."""

    def __init__(self, body: Body) -> None:
        names = np.array(body.skeleton.joints)[body.joints[:, 0]]
        self.at = body.vertices
        self.heads = dict(zip(body.skeleton.joints, body.bind_positions, strict=True))
        self.face = np.isin(names, ("head", "neck03"))
        self.neck = np.char.startswith(names, "neck") | (names == "head")
        self.eyes = np.char.startswith(names, "eye")
        self.hands = np.char.startswith(names, ("wrist")) | np.char.startswith(names, "finger")
        self.hands |= np.char.startswith(names, "metacarpal")
        self.feet = np.char.startswith(names, "foot") | np.char.startswith(names, "toe")
        self.arms = np.char.startswith(names, "upperarm") | np.char.startswith(names, "lowerarm") | self.hands
        self.legs = np.char.startswith(names, "upperleg") | np.char.startswith(names, "lowerleg") | self.feet
        self.trunk = ~(self.neck | self.eyes | self.arms | self.legs)

    def along(self, first: str, last: str) -> F32:
        """How far along a limb (V,): 0 at its first joint, 1 at its last, of the side that a vertex is on."""
        found = np.zeros(len(self.at), np.float32)
        for side, mine in (("L", self.at[:, 0] > 0), ("R", self.at[:, 0] <= 0)):
            start, stop = self.heads[f"{first}.{side}"], self.heads[f"{last}.{side}"]
            way = stop - start
            found[mine] = (self.at[mine] - start) @ way / (way @ way)
        return found


def _dressed(body: Body, rng: np.random.Generator) -> Person:
    body = _shod(body, _Parts(body).feet)
    parts = _Parts(body)
    at = body.vertices
    skin = cast(F32, linear(_SKINS[rng.integers(len(_SKINS))]) * np.float32(rng.uniform(0.9, 1.1)))
    grain = 1 + np.float32(0.04) * _grain(at, rng, 14.0)
    colours = cast(F32, np.tile(skin, (len(at), 1)) * grain[:, None])
    out = np.zeros(len(at), np.float32)
    waist = parts.heads["root"][1] + rng.uniform(0.02, 0.09)
    arm, leg = parts.along("upperarm01", "wrist"), parts.along("upperleg01", "foot")

    trousers = (parts.legs & (leg < rng.choice([0.45, 0.55, 0.97, 0.98, 0.99, 1.0]))) | (
        parts.trunk & (at[:, 1] < waist)
    )
    _wear(colours, out, trousers & ~parts.feet, _cloth(at, rng, dark=True), rng.uniform(0.006, 0.014))
    shoe = parts.feet | (parts.legs & (leg > rng.uniform(0.93, 0.98)))
    _wear(colours, out, shoe, _cloth(at, rng, plain=True), 0.010)
    sole = at[:, 1] < 0.022
    colours[sole] = linear(rng.choice([[235, 235, 230], [30, 30, 32], [150, 110, 70]]))

    sleeve = rng.choice([-0.05, 0.28, 0.32, 0.55, 0.95, 0.97])
    collar = parts.heads["neck01"][1] + rng.uniform(-0.035, 0.025) - 0.25 * np.maximum(at[:, 2] - at[:, 2].mean(), 0)
    shirt = (parts.trunk & (at[:, 1] > waist - rng.uniform(0.0, 0.10)) & (at[:, 1] < collar)) | (
        parts.arms & (arm < sleeve)
    )
    _wear(colours, out, shirt & ~parts.hands, _cloth(at, rng), rng.uniform(0.008, 0.020))
    if rng.random() < 0.35:
        belt = parts.trunk & (np.abs(at[:, 1] - waist) < 0.02)
        colours[belt] = linear(rng.choice([[25, 20, 18], [90, 55, 30]]))

    _head(parts, body, colours, out, skin, rng)
    out = _settled(out, body.triangles)
    folds = 0.5 + 0.5 * _grain(at, rng, 22.0)
    moved = at + body.normals * (out * (0.75 + 0.5 * folds * (out > 0.004)))[:, None]
    return Person(replace(body, vertices=moved.astype(np.float32)), np.clip(colours, 0, 1).astype(np.float32))


def _shod(body: Body, feet: NDArray[np.bool_]) -> Body:
    """The body with toes run together, as a shoe has them."""
    at, pairs = body.vertices.copy(), body.triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
    pairs = pairs[feet[pairs].all(axis=1)]
    count = np.maximum(np.bincount(pairs[:, 0], minlength=len(at)), 1)[:, None]
    for _ in range(30):
        total = np.zeros_like(at)
        np.add.at(total, pairs[:, 0], at[pairs[:, 1]])
        mean = total / count
        at[feet] = 0.4 * at[feet] + 0.6 * mean[feet]
    return replace(body, vertices=at, normals=loft.normals(at, body.triangles))


def _wear(colours: F32, out: F32, where: NDArray[np.bool_], cloth: F32, thick: float) -> None:
    colours[where] = cloth[where]
    out[where] = np.maximum(out[where], thick)


def _head(parts: _Parts, body: Body, colours: F32, out: F32, skin: F32, rng: np.random.Generator) -> None:
    at = body.vertices
    eyes = {side: at[np.array(body.skeleton.joints)[body.joints[:, 0]] == f"eye.{side}"] for side in "LR"}
    level = float(np.concatenate(list(eyes.values()))[:, 1].mean())
    front = float(at[parts.face][:, 2].max())
    middle = np.array([0, level, front - 0.11], np.float32)
    for eye in eyes.values():
        centre, ahead = eye.mean(axis=0), eye[:, 2].max()
        iris = parts.eyes & (np.linalg.norm((at - [*centre[:2], ahead])[:, :2], axis=1) < 0.0065)
        white = parts.eyes & (np.abs(at[:, 0] - centre[0]) < 0.03)
        colours[white & ~iris] = linear((225, 220, 215))
        colours[iris] = linear(_EYES[rng.integers(len(_EYES))])
        brow = parts.face & (np.abs(at[:, 1] - level - 0.021) < 0.005) & (np.abs(at[:, 0] - centre[0]) < 0.024)
        colours[brow & (at[:, 2] > front - 0.06)] = skin * 0.25
    lips = (
        parts.face & (np.abs(at[:, 1] - level + 0.071) < 0.009) & (np.abs(at[:, 0]) < 0.025) & (at[:, 2] > front - 0.05)
    )
    colours[lips] = skin * [0.85, 0.5, 0.5]
    if rng.random() < 0.93:
        hair = linear(_HAIRS[rng.integers(len(_HAIRS))])
        away = at - middle
        fringe, nape = rng.uniform(0.045, 0.06), rng.uniform(-0.12, -0.05)
        ahead = np.clip((away[:, 2] + 0.015) / 0.07, 0, 1)  # 0 at the ears and behind, 1 at the forehead
        lowest = nape + (fringe - nape) * ahead**0.6
        scalp = parts.face & (away[:, 1] > lowest)
        ears = (np.abs(at[:, 0]) > 0.068) & (away[:, 1] < 0.03) & (away[:, 2] < 0.03) & (away[:, 2] > -0.04)
        scalp &= ~ears
        colours[scalp] = hair * (1 + 0.35 * _grain(at * [4, 0.6, 4], rng, 30.0))[scalp, None]
        thick = rng.uniform(0.008, 0.022)
        out[scalp] = thick * np.clip((away[:, 1] - lowest)[scalp] / 0.03, 0.3, 1)


def _cloth(at: F32, rng: np.random.Generator, dark: bool = False, plain: bool = False) -> F32:
    """Colours (V, 3) of cloth that fills space: plain, in rings, in stripes, checked, in blotches, or in two halves."""
    main, second = (_dye(rng, dark) for _ in range(2))
    kind = "plain" if plain else str(rng.choice(["plain", "plain", "rings", "stripes", "checks", "blotches", "halves"]))
    if dark and kind not in ("plain", "blotches", "checks"):
        kind = "plain"
    size = rng.uniform(0.03, 0.09)
    x, y = np.floor(at[:, 0] / size + 100).astype(int), np.floor(at[:, 1] / size).astype(int)
    share = {
        "plain": np.zeros(len(at)),
        "rings": y % 2,
        "stripes": x % 2,
        "checks": 0.5 * (x % 2) + 0.5 * (y % 2),
        "blotches": _grain(at, rng, 9.0) > 0.2,
        "halves": at[:, 1] > np.median(at[:, 1]) * 1.25,
    }[kind].astype(np.float32)[:, None]
    wear = (1 + 0.08 * _grain(at, rng, 25.0))[:, None]
    return ((main * (1 - share) + second * share) * wear).astype(np.float32)


def _dye(rng: np.random.Generator, dark: bool) -> F32:
    """A colour for cloth: dull ones more often than bright."""
    if rng.random() < 0.45:
        return linear(np.full(3, rng.uniform(20, 110 if dark else 235)) + rng.uniform(-8, 8, 3))
    hue = rng.uniform(0, 1)
    wheel = np.clip(np.abs((hue * 6 + np.array([0, 4, 2])) % 6 - 3) - 1, 0, 1)
    light, strength = rng.uniform(50, 120 if dark else 220), rng.uniform(0.25, 0.85)
    return linear(light * (1 - strength + strength * wheel))


def _grain(at: F32, rng: np.random.Generator, rate: float) -> F32:
    """Noise (V,) of about -1 to 1 that changes over about 1 / rate metres, as a sum of waves."""
    total = np.zeros(len(at))
    for i in range(8):
        wave = quat.rotate(_turn(rng), np.array([1, 0, 0], np.float32)) * rate * 1.35**i
        total += np.sin(at @ wave * 2 + rng.uniform(0, 2 * np.pi)) / 1.2**i
    return (total / 2.5).astype(np.float32)


def _turn(rng: np.random.Generator) -> F32:
    q = rng.standard_normal(4)
    return (q / np.linalg.norm(q)).astype(np.float32)


def _settled(out: F32, triangles: I32) -> F32:
    """Thickness (V,) evened out a little over neighbours, so that hems do not stand off like shelves."""
    for _ in range(2):
        total, count = np.zeros_like(out), np.zeros_like(out)
        for i in range(3):
            np.add.at(total, triangles[:, i], out[triangles].mean(axis=1))
            np.add.at(count, triangles[:, i], 1)
        out = (0.5 * out + 0.5 * total / np.maximum(count, 1)).astype(np.float32)
    return out
