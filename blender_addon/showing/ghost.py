"""A stick figure beside the character: a take that is looked at without being put on anything.

It is drawn over the 3D view at the scene's current frame, and is in no file.
"""

from __future__ import annotations

from dataclasses import dataclass

import bpy
import numpy as np

from motion.quat import F32

COLOURS = ((1.0, 0.55, 0.1, 1.0), (0.2, 0.8, 1.0, 1.0), (0.6, 1.0, 0.3, 1.0), (1.0, 0.4, 0.8, 1.0))


@dataclass(frozen=True, eq=False)
class Ghost:
    """A motion as lines."""

    name: str
    """which take it is"""
    joints: F32
    """(T, J, 3) of Blender's world"""
    parents: tuple[int, ...]
    start: float
    """the scene's frame of the first"""
    step: float
    """frames of the scene from one to the next"""

    def lines(self, frame: float) -> F32:
        """Ends (2 * bones, 3) of its lines at a frame; before its first and after its last it stands still."""
        index = int(np.clip(round((frame - self.start) / self.step), 0, len(self.joints) - 1))
        at = self.joints[index]
        pairs = [(parent, joint) for joint, parent in enumerate(self.parents) if parent >= 0]
        return at[np.array(pairs).ravel()]


class Ghosts:
    """The stick figures that are drawn."""

    def __init__(self) -> None:
        self.shown: list[Ghost] = []
        self._handle: object | None = None

    def toggle(self, ghost: Ghost) -> bool:
        """Show one, or take it away where it is shown; whether it is shown now."""
        left = [one for one in self.shown if one.name != ghost.name]
        shown = len(left) == len(self.shown)
        self.shown = [*left, ghost] if shown else left
        self._listen()
        return shown

    def clear(self) -> None:
        """Take all away."""
        self.shown = []
        self._listen()

    def has(self, name: str) -> bool:
        """Whether one is shown."""
        return any(one.name == name for one in self.shown)

    def _listen(self) -> None:
        if self.shown and self._handle is None and not bpy.app.background:
            self._handle = bpy.types.SpaceView3D.draw_handler_add(self._draw, (), "WINDOW", "POST_VIEW")
        elif not self.shown and self._handle is not None:
            bpy.types.SpaceView3D.draw_handler_remove(self._handle, "WINDOW")
            self._handle = None

    def _draw(self) -> None:
        import gpu
        from gpu_extras.batch import batch_for_shader

        shader = gpu.shader.from_builtin("POLYLINE_UNIFORM_COLOR")
        shader.uniform_float("viewportSize", gpu.state.viewport_get()[2:])
        shader.uniform_float("lineWidth", 3.0)
        frame = bpy.context.scene.frame_current_final
        for index, ghost in enumerate(self.shown):
            shader.uniform_float("color", COLOURS[index % len(COLOURS)])
            batch_for_shader(shader, "LINES", {"pos": ghost.lines(frame).tolist()}).draw(shader)
