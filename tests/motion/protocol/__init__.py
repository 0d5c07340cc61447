"""Tests of motion/protocol."""
