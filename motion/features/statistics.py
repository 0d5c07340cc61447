"""What features are normalised by: VerMo's avg-std (appendix B.2).

A mean for every column, one standard deviation for every group of columns: the mean of its columns' deviations. Within
a group the columns keep their sizes to each other, so that a wrist, which moves much, counts for more than a hip.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from motion.features.root_rot6d_pos import LAYOUT
from motion.quat import F32


@dataclass(frozen=True)
class Statistics:
    """Mean and deviation of each column."""

    mean: F32
    """(D,)"""
    std: F32
    """(D,) above zero, equal within a group."""

    @staticmethod
    def measure(frames: F32, layout: Mapping[str, slice] = LAYOUT) -> Statistics:
        """Over features (N, D) whose groups are those of `layout`; of `root+rot6d+pos` when none is given."""
        deviations = frames.std(axis=0, dtype=np.float64)
        std = np.ones(frames.shape[1])
        for columns in layout.values():
            std[columns] = max(float(deviations[columns].mean()), 1e-6)
        return Statistics(frames.mean(axis=0, dtype=np.float64).astype(np.float32), std.astype(np.float32))
