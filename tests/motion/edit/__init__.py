"""Tests of motion/edit/: seams that nobody sees."""
