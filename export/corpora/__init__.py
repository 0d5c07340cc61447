"""Data sets: one file each, from the raw archive to clips and captions."""
