"""Tests of tools/render."""
