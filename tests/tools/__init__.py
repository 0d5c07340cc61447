"""Tests of tools/: the programs, run as people run them."""
