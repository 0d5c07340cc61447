"""A course in numbered scripts: each shows one thing more than the one before."""
