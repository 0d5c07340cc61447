"""Tests of runtime/front."""
