"""Tests of runtime/engines/: every way of running a graph gives the same numbers."""
