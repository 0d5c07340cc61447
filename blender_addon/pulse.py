"""The one app timer, and what Blender tells of files and undo.

The timer asks the session for a turn: often while something is under way, now and then otherwise. Before a file is
saved and before undo, armatures are put back as the user had them; the next turn shows the takes again.
"""

from __future__ import annotations

import bpy
from bpy.app.handlers import persistent

from blender_addon import defaults, session
from blender_addon.showing import preview

_BUSY_S = 1 / 60
_IDLE_S = 0.1


def step() -> float:
    """One turn; when the next is due, seconds."""
    current = session.current()
    heard = current.step()
    return _BUSY_S if heard or current.desk.busy else _IDLE_S


def _begin() -> None:
    defaults.put_in()
    session.current().begin()


@persistent
def _put_back(*_arguments: object) -> None:
    preview.hide_all()
    session.current().again()


@persistent
def _mend(*_arguments: object) -> None:
    session.current().repair()
    defaults.put_in()


@persistent
def _leave(*_arguments: object) -> None:
    session.current().leave()


HANDLERS = (
    (bpy.app.handlers.save_pre, _put_back),
    (bpy.app.handlers.undo_pre, _put_back),
    (bpy.app.handlers.redo_pre, _put_back),
    (bpy.app.handlers.undo_post, _mend),
    (bpy.app.handlers.redo_post, _mend),
    (bpy.app.handlers.load_pre, _leave),
    (bpy.app.handlers.load_post, _mend),
)


def register() -> None:
    """Start the timer and listen."""
    for handlers, function in HANDLERS:
        handlers.append(function)
    bpy.app.timers.register(step, first_interval=_IDLE_S, persistent=True)
    bpy.app.timers.register(_begin, first_interval=_IDLE_S)  # while extensions are switched on there is no scene yet


def unregister() -> None:
    """Stop both."""
    for timer in (step, _begin):
        if bpy.app.timers.is_registered(timer):
            bpy.app.timers.unregister(timer)
    for handlers, function in HANDLERS:
        if function in handlers:
            handlers.remove(function)
