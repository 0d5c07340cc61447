"""Tests of runtime/workers."""
