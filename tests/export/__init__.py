"""Tests of export/: the corpora as they are, and training small enough for a test."""
