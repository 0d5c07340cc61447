"""Tests of the motion tokenizers, one file a paper."""
