"""How near a sentence lies to what a bundle has learned, and what it can do that is nearest."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Familiarity:
    """Of one sentence."""

    share: float
    """0: like nothing that was learned; 1: like the sentences of training"""
    nearest: tuple[str, ...] = ()
    """at most three things that the bundle can do, the nearest first, such as "a person bows" """
