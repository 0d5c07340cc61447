"""A channel: one property of a bone or of the object over time, as F-curves name and number it."""

from __future__ import annotations

from dataclasses import dataclass

from motion.quat import F32


@dataclass(frozen=True)
class Channel:
    """One property over time."""

    path: str
    """data path from the object"""
    values: F32
    """(T, C)"""
    group: str
    """what Blender lists its curves under"""
    kept: tuple[int, ...] = ()
    """indices that are locked, and get no keys"""
