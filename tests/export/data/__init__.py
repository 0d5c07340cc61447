"""Tests of export/data."""
