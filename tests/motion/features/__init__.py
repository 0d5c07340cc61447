"""Tests of motion/features/: one file a layout, and one for what all layouts promise."""
