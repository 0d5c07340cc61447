"""Tests of models/bodies/: bodies that other people modelled."""
