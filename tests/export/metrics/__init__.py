"""Tests of the measures, on errors whose size is known."""
