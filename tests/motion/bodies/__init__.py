"""Tests of motion/bodies."""
