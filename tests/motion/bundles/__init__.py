"""Tests of motion/bundles."""
