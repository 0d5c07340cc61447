"""Tests of motion/, and the golden files of its protocol."""
