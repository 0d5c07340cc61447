"""Blender's status bar: how far the take under way is, or for a while what went wrong."""

import time

import bpy

from blender_addon.talk.take import Take

_SAID_S = 10.0
"""how long it shows what went wrong"""


class StatusBar:
    """What the status bar says of us."""

    def __init__(self) -> None:
        self.words: str | None = None
        """what it shows; None: Blender's own"""
        self._fresh = 0.0

    def refresh(self) -> None:
        """Something has just gone wrong, and is shown for some seconds from now on."""
        self._fresh = time.monotonic()

    def show(self, busy: Take | None, error: str) -> None:
        """Show how far a take is, or the error while it is fresh."""
        words = f"Motus: {error}" if error and time.monotonic() - self._fresh < _SAID_S else None
        if busy is not None:
            words = f"Motus: {busy.title[:60]}  {busy.progress:.0%}   Esc: cancel"
        if words == self.words:
            return
        self.words = words
        manager = bpy.context.window_manager
        for window in manager.windows if manager else ():
            window.workspace.status_text_set(words)
