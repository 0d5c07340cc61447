"""Tests of motion/retargeting."""
