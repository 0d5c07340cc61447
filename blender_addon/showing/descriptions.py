"""What motions show, in words: a text block with a line for each, and a note on the action."""

import bpy

from blender_addon.talk.take import Take

NAME = "Motus descriptions"


class Descriptions:
    """Takes whose words are waited for, and the actions that these belong to."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Take, int, str]] = []

    def expect(self, take: Take, action: bpy.types.Action | None, name: str) -> None:
        """The words of `take` belong to an action, or to what is called `name`."""
        self._waiting.append((take, action.session_uid if action else 0, name))

    def write(self) -> list[Take]:
        """Write down the words that have come; the takes that ended since the last call."""
        ended = [one for one in self._waiting if one[0].ended]
        self._waiting = [one for one in self._waiting if not one[0].ended]
        for take, action, name in ended:
            if take.text:
                _write(take.text.strip(), action, name)
        return [take for take, _, _ in ended]


def _write(words: str, action_uid: int, name: str) -> None:
    action = next((one for one in bpy.data.actions if one.session_uid == action_uid), None)
    if action is not None:
        action.motus.description = words
        name = action.name
    text = bpy.data.texts.get(NAME) or bpy.data.texts.new(NAME)
    text.write(f"{name}: {words}\n")
