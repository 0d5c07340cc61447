"""Tests of tools/pages."""
