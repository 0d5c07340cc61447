"""Tests of motion/convert."""
