"""Feature layouts by name: the columns a model sees. Only the files in here know where a column lies.

`find(name)` gives a layout's `encode`, `decode`, `joints` and `measure`; `docs/features.md` tells each column. What
stands here without a layout's name is of `root+rot6d+pos`, which the shipped tokenizer uses.
"""

from __future__ import annotations

from motion.errors import BadConfig
from motion.features import h36m17, hml263, pos, root_rot6d_pos, smplx, uni269
from motion.features.layout import Layout, PathIntegrator
from motion.features.root_rot6d_pos import FPS, LAYOUT, NAME, WIDTH, Integrator, decode, encode
from motion.features.statistics import Statistics
from motion.smoothing import smooth

__all__ = [
    "FPS",
    "LAYOUT",
    "LAYOUTS",
    "NAME",
    "WIDTH",
    "Integrator",
    "Layout",
    "PathIntegrator",
    "Statistics",
    "decode",
    "encode",
    "find",
    "smooth",
]

LAYOUTS: tuple[Layout, ...] = (
    Layout(pos.NAME, pos.FPS, pos.LAYOUT, "positions", pos.encode, pos.decode, pos.joints),
    Layout(hml263.NAME, hml263.FPS, hml263.LAYOUT, "positions", hml263.encode, hml263.decode, hml263.joints),
    Layout(uni269.NAME, uni269.FPS, uni269.LAYOUT, "positions", uni269.encode, uni269.decode, uni269.joints),
    Layout(
        h36m17.NAME, h36m17.FPS, h36m17.LAYOUT, "picture", h36m17.encode, h36m17.decode, h36m17.joints, h36m17.SKELETON
    ),
    Layout(smplx.NAME, smplx.FPS, smplx.LAYOUT, "rotations", smplx.encode, smplx.decode, smplx.joints),
    Layout(NAME, FPS, LAYOUT, "rotations", encode, decode, root_rot6d_pos.joints, integrator=Integrator),
)


def find(name: str) -> Layout:
    """The layout of a name. Raises BadConfig, listing the names there are."""
    for layout in LAYOUTS:
        if layout.name == name:
            return layout
    known = ", ".join(layout.name for layout in LAYOUTS)
    raise BadConfig(f"there are no features called {name!r}; choose one of {known}")
