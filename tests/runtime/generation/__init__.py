"""Tests of runtime/generation."""
