"""Tests of export/graphs."""
