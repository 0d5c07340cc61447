"""Poses that must be met exactly: what a take misses at the user's own keys is taken out, fading from key to key.

A take is made on the server's skeleton, so that at a key it comes back near the user's pose and not upon it. The
difference is spread over the frames between two keys in a straight line, channel by channel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from blender_addon.armature import curves
from blender_addon.armature.channel import Channel
from blender_addon.armature.curves import Assigned
from motion import quat
from motion.quat import F32


def pinned(channels: Sequence[Channel], frames: F32, pins: Sequence[float], own: Assigned) -> list[Channel]:
    """Channels that have, at the frames `pins`, the values of the user's own curves where there are any."""
    mine = {(curve.data_path, curve.array_index): curve for curve in curves.curves(own)}
    result: list[Channel] = []
    for channel in channels:
        count = channel.values.shape[1]
        found = [mine.get((channel.path, index)) for index in range(count)]
        if any(curve is None for curve in found):
            result.append(channel)
            continue
        wanted = np.array([[curve.evaluate(pin) for curve in found if curve] for pin in pins], np.float32)
        result.append(replace(channel, values=_bent(channel, frames, np.array(pins, np.float32), wanted)))
    return result


def _bent(channel: Channel, frames: F32, pins: F32, wanted: F32) -> F32:
    values = channel.values
    there = np.stack([np.interp(pins, frames, column) for column in values.T], axis=-1).astype(np.float32)
    turning = channel.path.endswith("rotation_quaternion")
    if turning:  # both signs mean the same rotation
        wanted = quat.normalize(wanted) * np.where((wanted * there).sum(-1, keepdims=True) < 0, -1, 1)
    elif channel.path.endswith("rotation_euler"):
        wanted = there + (wanted - there + np.pi) % (2 * np.pi) - np.pi
    missing = np.stack([np.interp(frames, pins, column) for column in (wanted - there).T], axis=-1)
    bent = (values + missing).astype(np.float32)
    return quat.normalize(bent) if turning else bent
