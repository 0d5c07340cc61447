"""Tests of models/sentences."""
