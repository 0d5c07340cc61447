"""Engines that run the bundle's graphs, behind one Protocol."""
