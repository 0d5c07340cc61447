"""Tests of runtime/language."""
