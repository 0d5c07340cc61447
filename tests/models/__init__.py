"""Tests of the torch modules, most of them on random weights: shapes, parity, and what may follow what."""
