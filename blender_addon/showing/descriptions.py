"""What motions show, in words: a text block with a line for each, and a note on the action."""

import bpy

NAME = "Motus descriptions"


def write(words: str, action_uid: int, name: str) -> None:
    """Write down what an action, or what is called `name`, shows."""
    action = next((one for one in bpy.data.actions if one.session_uid == action_uid), None)
    if action is not None:
        action.motus.description = words
        name = action.name
    text = bpy.data.texts.get(NAME) or bpy.data.texts.new(NAME)
    text.write(f"{name}: {words}\n")
