"""Scenes that `export.render` shoots: a person in clothes, a room or a place outdoors, a camera, and the picture."""
