"""Takes on an armature: previews, ghosts, what is kept and what is undone."""
