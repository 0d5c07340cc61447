"""Pictures of scenes, by Mitsuba's path tracer on the CPU.

The same scene, seed and number of samples give the same picture bit for bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from export.scene.person import Person
from export.scene.place import Scene
from export.scene.shot import PIXELS, Crop
from export.scene.tracer import mitsuba
from motion.camera import Camera
from motion.quat import F32

U8 = NDArray[np.uint8]
_BRIGHT = 0.42  # mean of a picture's channels in sRGB that an exposure aims at


def light(
    place: Scene, camera: Camera, crop: Crop, person: Person, poses: Sequence[F32], samples: int, seed: int
) -> F32:
    """Linear light (PIXELS, PIXELS, 3) of a person in a place; poses: vertices (V, 3) at moments while the shutter is
    open; samples: rays a pixel in all."""
    mi = mitsuba()
    each = -(-samples // len(poses))
    total = np.zeros((PIXELS, PIXELS, 3), np.float32)
    for i, vertices in enumerate(poses):
        scene = mi.load_dict(
            {
                "type": "scene",
                "integrator": {"type": "path", "max_depth": 2},
                "sensor": sensor(camera, crop, each),
                **place,
                "person": _mesh(mi, person, vertices),
            },
            parallel=False,
            optimize=False,  # else lamps come in another order each time, and chance picks another
        )
        total += np.array(mi.render(scene, spp=each, seed=seed * 16 + i))[..., :3]
    return (total / len(poses)).astype(np.float32)


def exposure(pictures: Sequence[F32]) -> float:
    """By what to multiply light so that pictures are as bright as photographs are."""
    values = np.concatenate([picture.reshape(-1, 3) for picture in pictures]).mean(axis=1)
    factor = 1.0
    for _ in range(8):
        factor *= (_BRIGHT / float(_curve(values * factor).mean())) ** 2.2
    return factor


def developed(picture: F32, factor: float) -> U8:
    """Light -> sRGB (PIXELS, PIXELS, 3)."""
    return np.round(_curve(picture * factor) * 255).astype(np.uint8)


def _curve(value: F32) -> F32:
    """Linear light -> sRGB from 0 to 1; what is too bright runs into white, as on film."""
    value = np.where(value < 0.7, value, 1 - 0.3 * np.exp(-(np.maximum(value, 0.7) - 0.7) / 0.3))
    return np.where(value < 0.0031308, 12.92 * value, 1.055 * np.maximum(value, 1e-6) ** (1 / 2.4) - 0.055)


def sensor(camera: Camera, crop: Crop, samples: int) -> Scene:
    """The camera as Mitsuba takes it."""
    matrix = crop.intrinsics(camera)
    fov = np.degrees(2 * np.arctan(PIXELS / 2 / matrix[0, 0]))
    place = (
        mitsuba().ScalarTransform4f().look_at(origin=list(camera.position), target=list(camera.target), up=[0, 1, 0])
    )
    return {
        "type": "perspective",
        "fov": float(fov),
        "fov_axis": "x",
        "principal_point_offset_x": float(0.5 - matrix[0, 2] / PIXELS),
        "principal_point_offset_y": float(0.5 - matrix[1, 2] / PIXELS),
        "near_clip": 0.05,
        "to_world": place,
        "film": {
            "type": "hdrfilm",
            "width": PIXELS,
            "height": PIXELS,
            "rfilter": {"type": "box"},
            "pixel_format": "rgb",
            "component_format": "float32",
        },
        "sampler": {"type": "multijitter", "sample_count": samples},
    }


def _mesh(mi: Any, person: Person, vertices: F32) -> Any:
    surface = mi.Properties()
    surface["bsdf"] = mi.load_dict(
        {
            "type": "twosided",
            "bsdf": {"type": "diffuse", "reflectance": {"type": "mesh_attribute", "name": "vertex_color"}},
        }
    )
    mesh = mi.Mesh("person", len(vertices), len(person.triangles), has_vertex_normals=True, props=surface)
    mesh.add_attribute("vertex_color", 3, person.colours.ravel())
    parts = mi.traverse(mesh)
    parts["vertex_positions"] = vertices.ravel()
    parts["faces"] = person.triangles.ravel()
    parts.update()
    mesh.recompute_vertex_normals()
    return mesh
