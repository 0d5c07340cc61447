"""Places: a floor, walls or a sky, things that stand about, lamps, and what stands between camera and person.

A place is a description of shapes and lights for Mitsuba, as nested dictionaries without the camera and the person.
Metres, Y up; radiance is linear.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from export.scene.tracer import mitsuba
from motion.camera import Camera
from motion.quat import F32

Scene = dict[str, Any]
Array = NDArray[Any]


def draw(rng: np.random.Generator, camera: Camera, middle: F32, reach: float) -> Scene:
    """A place by chance for a person who moves within `reach` metres of `middle` (3,)."""
    scene = _indoors(rng, camera, middle, reach) if rng.random() < 0.65 else _outdoors(rng, camera, middle, reach)
    for i in range(int(rng.integers(0, 6))):
        scene[f"thing{i}"] = _thing(rng, camera, middle, reach)
    if rng.random() < 0.3:
        scene["between"] = _between(rng, camera, middle)
    return scene


def _up(height: float) -> Array:
    return np.array([0, height, 0])


def _transform() -> Any:
    return mitsuba().ScalarTransform4f()


def _indoors(rng: np.random.Generator, camera: Camera, middle: F32, reach: float) -> Scene:
    behind = _away(camera, middle)
    angle = np.arctan2(-behind[0], -behind[1]) + rng.normal(0, 0.35)  # a wall faces the camera, more or less
    facing = np.array([np.sin(angle), 0, np.cos(angle)])
    gap = reach + rng.uniform(0.9, 3.0)
    at = middle * [1, 0, 1] - facing * gap
    wall = _sheet(at + _up(2.5), facing, 14, 2.5, _surface(rng, 28.0, 5.0, "wall"))
    aside = np.array([facing[2], 0, -facing[0]]) * rng.choice([-1, 1])
    beside = [float((at - point) @ aside) for point in (np.array(camera.position), middle - aside * reach)]
    corner = at - aside * max(rng.uniform(1.5, 4.5), *(far + 0.4 for far in beside)) + facing * 10  # behind nobody
    other = _sheet(corner + _up(2.5), aside, 14, 2.5, _surface(rng, 28.0, 5.0, "wall"))
    scene: Scene = {"floor": _floor(rng, middle, "floor"), "wall": wall, "other": other}
    scene["air"] = _even(_warmth(rng) * rng.uniform(0.25, 0.7))
    for i in range(int(rng.integers(1, 4))):
        turn, far = rng.uniform(0, 2 * np.pi), rng.uniform(0.8, 3.0)
        place = middle * [1, 0, 1] + [far * np.sin(turn), rng.uniform(2.6, 3.6), far * np.cos(turn)]
        size = rng.uniform(0.2, 0.7)
        light = _warmth(rng) * rng.uniform(2.5, 7.0) / size**1.2
        scene[f"lamp{i}"] = _lamp(place, middle, size, light)
    if rng.random() < 0.5:  # a picture or a window on the wall
        hung = at + facing * 0.02 + aside * rng.uniform(-2, 2) + [0, rng.uniform(1.2, 2.0), 0]
        scene["hung"] = _sheet(hung, facing, rng.uniform(0.3, 1.0), rng.uniform(0.3, 0.7), _surface(rng, 2, 2, "any"))
    return scene


def _outdoors(rng: np.random.Generator, camera: Camera, middle: F32, reach: float) -> Scene:
    sky = _sky(rng)
    turn, high = rng.uniform(0, 2 * np.pi), rng.uniform(0.45, 1.3)
    down = [-np.sin(turn) * np.cos(high), -np.sin(high), -np.cos(turn) * np.cos(high)]
    sun = _warmth(rng) * rng.choice([0.3, 1.5, 2.5, 3.5])
    scene: Scene = {
        "floor": _floor(rng, middle, "ground"),
        "sky": {"type": "envmap", "bitmap": _bitmap(sky), "scale": float(rng.uniform(0.7, 1.2))},
        "sun": {"type": "directional", "direction": list(map(float, down)), "irradiance": _rgb(sun)},
    }
    behind = _away(camera, middle)
    for i in range(int(rng.integers(2, 7))):  # houses and hedges far behind
        far, aside = reach + rng.uniform(6, 20), rng.uniform(-14, 14)
        at = middle[[0, 2]] + behind * far + np.array([behind[1], -behind[0]]) * aside
        size = np.array([rng.uniform(1, 5), rng.uniform(0.7, 5), rng.uniform(0.5, 3)])
        scene[f"house{i}"] = _box(
            np.array([at[0], size[1] * 0.9, at[1]]), size, rng.uniform(0, np.pi), _surface(rng, 6, 6, "wall")
        )
    return scene


def _thing(rng: np.random.Generator, camera: Camera, middle: F32, reach: float) -> Scene:
    behind = _away(camera, middle)
    turn = np.arctan2(behind[0], behind[1]) + rng.uniform(-1.6, 1.6)
    far = reach + rng.uniform(0.7, 2.6)
    at = middle[[0, 2]] + far * np.array([np.sin(turn), np.cos(turn)])
    return _solid(rng, np.array([at[0], 0, at[1]]), rng.uniform(0.12, 0.5, 3) * [1, rng.uniform(0.6, 2.4), 1])


def _between(rng: np.random.Generator, camera: Camera, middle: F32) -> Scene:
    """Something between the lens and the person that hides a part: beside the line of sight, or low before it."""
    eye = np.array(camera.position)
    share = rng.uniform(0.35, 0.65)  # of the way from the person to the lens
    at = middle + (eye - middle) * share
    behind = _away(camera, middle)
    aside = np.array([behind[1], 0, -behind[0]])
    if rng.random() < 0.5:  # a pillar at one side
        at = at + aside * rng.choice([-1, 1]) * rng.uniform(0.12, 0.35)
        return _solid(rng, at * [1, 0, 1], np.array([rng.uniform(0.04, 0.12), 1.6, rng.uniform(0.04, 0.12)]))
    top = at[1] - rng.uniform(0.15, 0.5)  # a table, a bush: its top hides the legs
    return _solid(
        rng,
        at * [1, 0, 1] + aside * rng.uniform(-0.3, 0.3),
        np.array([rng.uniform(0.15, 0.5), max(top / 2, 0.1), 0.15]),
    )


def _solid(rng: np.random.Generator, at: Array, size: Array) -> Scene:
    """A box, a cylinder or a ball of half sizes `size` that stands on the floor at `at`."""
    kind = rng.choice(["box", "cylinder", "ball"])
    surface = _surface(rng, 1.5, 1.5, "any")
    if kind == "box":
        return _box(at + _up(size[1]), size, rng.uniform(0, np.pi), surface)
    if kind == "ball":
        radius = float(size.min())
        return {"type": "sphere", "center": list(map(float, at + _up(radius))), "radius": radius, "bsdf": surface}
    foot, head = list(map(float, at)), list(map(float, at + _up(2 * size[1])))
    return {
        "type": "cylinder",
        "p0": foot,
        "p1": head,
        "radius": float(min(size[0], size[2])),
        "bsdf": {"type": "twosided", "bsdf": surface},
    }


def _away(camera: Camera, middle: F32) -> Array:
    """The way (2,) over the floor from the camera on past the person, length one."""
    way = (np.asarray(middle) - camera.position)[[0, 2]]
    return way / max(float(np.linalg.norm(way)), 1e-6)


def _box(at: Array, size: Array, turn: float, surface: Scene) -> Scene:
    place = _transform().translate(list(map(float, at))).rotate([0, 1, 0], float(np.degrees(turn)))
    return {"type": "cube", "to_world": place.scale(list(map(float, size))), "bsdf": surface}


def _sheet(at: Array, facing: Array, wide: float, high: float, surface: Scene) -> Scene:
    """A rectangle of half sizes `wide` and `high`, upright, that faces a way."""
    target = list(map(float, at + facing))
    place = _transform().look_at(origin=list(map(float, at)), target=target, up=[0, 1, 0])
    return {
        "type": "rectangle",
        "to_world": place.scale([float(wide), float(high), 1]),
        "bsdf": {"type": "twosided", "bsdf": surface},
    }


def _floor(rng: np.random.Generator, middle: F32, kind: str) -> Scene:
    place = _transform().translate([float(middle[0]), 0, float(middle[2])])
    place = place.rotate([0, 1, 0], float(rng.uniform(0, 360))).rotate([1, 0, 0], -90).scale(30)
    return {"type": "rectangle", "to_world": place, "bsdf": _surface(rng, 60.0, 60.0, kind)}


def _lamp(at: Array, middle: F32, size: float, light: Array) -> Scene:
    place = _transform().look_at(origin=list(map(float, at)), target=list(map(float, middle)), up=[1, 0, 0])
    return {
        "type": "rectangle",
        "to_world": place.scale(float(size)),
        "emitter": {"type": "area", "radiance": _rgb(light)},
    }


def _even(light: Array) -> Scene:
    return {"type": "constant", "radiance": _rgb(light)}


def _rgb(value: Array) -> Scene:
    return {"type": "rgb", "value": [float(v) for v in value]}


def _warmth(rng: np.random.Generator) -> Array:
    """White from that of a candle to that of an overcast sky."""
    warm = rng.uniform(-1, 1)
    return np.array([1 + 0.15 * warm, 1.0, 1 - 0.18 * warm])


def _surface(rng: np.random.Generator, wide: float, high: float, kind: str) -> Scene:
    """A matt surface of wide x high metres with a pattern of a size that such things have."""
    base = _tone(rng, kind)
    pattern = str(
        rng.choice(
            {"floor": ["boards", "tiles", "noise"], "ground": ["noise", "noise", "tiles"]}.get(
                kind, ["plain", "noise", "boards", "tiles"]
            )
        )
    )
    if pattern == "plain":
        return {"type": "diffuse", "reflectance": _rgb(base)}
    image = _pattern(rng, base, pattern)
    across = rng.uniform(1.2, 3.0)  # metres that one copy of the picture covers
    scale = _transform().scale([wide / across, high / across, 1])
    return {"type": "diffuse", "reflectance": {"type": "bitmap", "bitmap": _bitmap(image), "raw": True, "to_uv": scale}}


def _tone(rng: np.random.Generator, kind: str) -> Array:
    light = {"wall": rng.uniform(0.25, 0.8), "floor": rng.uniform(0.08, 0.45), "ground": rng.uniform(0.08, 0.3)}.get(
        kind, rng.uniform(0.05, 0.7)
    )
    tint = rng.uniform(-1, 1, 3) * (0.1 if kind == "wall" else 0.25 if kind != "any" else 0.6)
    if kind == "ground" and rng.random() < 0.4:
        tint = np.array([-0.15, 0.25, -0.5])  # grass
    return np.clip(light * (1 + tint), 0.02, 0.9)


def _pattern(rng: np.random.Generator, base: Array, pattern: str) -> Array:
    """A picture (128, 128, 3) that repeats without a seam."""
    size = 128
    y, x = np.mgrid[:size, :size] / size
    grain = np.zeros((size, size))
    for _ in range(24):
        u, v = rng.integers(-12, 13, 2)
        grain += np.cos(2 * np.pi * (u * x + v * y) + rng.uniform(0, 2 * np.pi)) / (1 + np.hypot(u, v)) ** 0.7
    shade = 1 + 0.12 * grain + rng.normal(0, 0.05, grain.shape)
    if pattern == "boards":
        rows = int(rng.choice([4, 8, 16]))
        each = rng.uniform(0.8, 1.15, rows)
        at = y * rows
        shade = (1 + 0.05 * np.cos(2 * np.pi * (8 * y + 0.4 * grain))) * each[at.astype(int)]
        shade *= np.where(at % 1 < 0.06, 0.6, 1)
    elif pattern == "tiles":
        count = int(rng.choice([2, 4, 8]))
        each = (
            rng.uniform(0.85, 1.1, (count, count))
            if rng.random() < 0.6
            else 0.75 + 0.4 * (np.indices((count, count)).sum(0) % 2)
        )
        shade = (1 + 0.05 * grain) * each[(y * count).astype(int), (x * count).astype(int)]
        shade *= np.where(((x * count) % 1 < 0.05) | ((y * count) % 1 < 0.05), 0.7, 1)
    return np.clip(base * shade[..., None], 0.01, 0.95)


def _sky(rng: np.random.Generator) -> Array:
    """What surrounds a place outdoors (32, 64, 3): brighter above, with clouds."""
    y, x = np.mgrid[:32, :64] / np.array([32, 64])[:, None, None]
    clouds = sum(
        np.cos(2 * np.pi * (u * x + v * y + rng.uniform())) / (u + v) for u, v in ((1, 1), (2, 1), (3, 4), (5, 2))
    )
    blue, grey = np.array([0.35, 0.55, 0.95]), np.array([0.8, 0.82, 0.85])
    share = np.clip(rng.uniform(0.1, 0.9) + 0.35 * clouds, 0, 1)[..., None]
    above = np.clip(1 - y / 0.55, 0, 1)[..., None]
    return (blue * (1 - share) + grey * share) * (0.55 + 0.5 * above)


def _bitmap(image: Array) -> Any:
    return mitsuba().Bitmap(np.ascontiguousarray(image, np.float32))
