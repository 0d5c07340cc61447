"""Tests that run inside Blender; tests/blender/test_inside.py hands them to a Blender of each version."""
