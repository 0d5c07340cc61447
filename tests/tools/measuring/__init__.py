"""Tests of tools/measuring."""
