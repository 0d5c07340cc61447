"""The user's armature: its bones and curves, read and written."""
