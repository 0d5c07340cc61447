"""Where generated features stand in the world: continuing a past, meeting a future, feet on the ground.

Shapes: features (T, D) float32, root (T, 3) metres, rotations (T, J, 4) local, contacts (T, 4).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from motion import contacts, quat
from motion.features import Integrator
from motion.protocol import Pose
from motion.quat import F32
from motion.skeleton import Skeleton, fk


@dataclass(frozen=True, eq=False)
class Placed:
    """Frames in the world."""

    root: F32
    rotations: F32
    contacts: F32

    def __len__(self) -> int:
        return len(self.root)


class Placement:
    """Places features piece by piece. Without a past the first frame stands over the origin, facing +Z."""

    def __init__(self, skeleton: Skeleton, fps: float, past: Pose | None) -> None:
        self._skeleton = skeleton
        self._fps = fps
        self._feet = np.zeros((0, 4, 3), np.float32)
        self._columns = [skeleton.index(joint) for joint in contacts.JOINTS]
        self._integrator = Integrator()
        if past is not None:
            heading = float(quat.yaw(past.rotations[-1, 0]))
            self._integrator = Integrator(heading, float(past.root[-1, 0]), float(past.root[-1, 2]), started=True)
            self._feet = self._feet_of(past.root, past.rotations)

    def push(self, features: F32) -> Placed:
        """The next frames."""
        root, rotations = self._integrator.push(features)
        return Placed(root, rotations, self._touching(root, rotations))

    def meet(self, features: F32, future: Pose) -> Placed:
        """The next frames, bent on their way so that `future` can follow the last of them.

        What the heading and the place on the ground are off by at the end is made up for in equal steps. Poses are left
        as they are.
        """
        before = (self._integrator.x, self._integrator.z)
        root, rotations = self._integrator.push(features)
        share = (np.arange(1, len(root) + 1) / (len(root) + 1)).astype(np.float32)
        off = float(quat.yaw(quat.mul(future.rotations[0, 0], quat.inv(rotations[-1, 0]))))
        bend = quat.from_yaw(share * np.float32(off))
        rotations[:, 0] = quat.mul(bend, rotations[:, 0])
        track = np.concatenate([[(before[0], root[0, 1], before[1])], root]).astype(np.float32)
        steps = quat.rotate(bend, np.diff(track, axis=0))
        ground = np.array([before[0], 0, before[1]], np.float32) + np.cumsum(steps, axis=0)
        missing = future.root[0] - (ground[-1] + steps[-1])
        root[:, [0, 2]] = (ground + share[:, None] * missing)[:, [0, 2]]
        return Placed(root, rotations, self._touching(root, rotations))

    def _touching(self, root: F32, rotations: F32) -> F32:
        """Contacts of the newest frames. Contact has hysteresis, so it is read from the beginning each time."""
        self._feet = np.concatenate([self._feet, self._feet_of(root, rotations)])
        return contacts.detect_from(self._feet, self._fps)[-len(root) :]

    def _feet_of(self, root: F32, rotations: F32) -> F32:
        return fk(self._skeleton, rotations, root)[0][:, self._columns]
