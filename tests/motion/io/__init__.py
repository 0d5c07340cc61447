"""Tests of motion/io/: files of other makers, and our own read back."""
