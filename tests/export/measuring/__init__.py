"""Tests of export/measuring."""
