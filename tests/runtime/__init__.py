"""Tests of runtime/: real servers on free ports, whatever comes in."""
