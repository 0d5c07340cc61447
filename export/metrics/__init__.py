"""Measures of a trained model, one family a file."""
