"""The Blender extension: a sidebar that turns sentences into animation on the user's own rig.

What talks to the server (link, desk, take, live) knows nothing of Blender and can be imported without it.
"""


def register() -> None:
    """Switch the extension on; called by Blender."""
    from blender_addon import parts

    parts.register()


def unregister() -> None:
    """Switch it off; called by Blender. Armatures are put back as their users had them."""
    from blender_addon import parts

    parts.unregister()
