"""Tests, mirroring the tree: one file per module, every test a sentence."""
