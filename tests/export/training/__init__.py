"""Tests of export/training."""
