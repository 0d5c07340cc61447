"""Forward kinematics and root integration in torch, for losses on world positions.

Mirrors `motion.features`: tensors (B, T, ...) float32 in the layout `root+rot6d+pos`, metres and radians.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from motion.contacts import JOINTS
from motion.features import FPS, LAYOUT
from motion.skeleton import SMPLX22

_FEET = [SMPLX22.index(joint) for joint in JOINTS]
_ENDS = [SMPLX22.index(f"{side}_{joint}") for side in ("left", "right") for joint in ("wrist", "ankle", "foot")]


def matrices(rot6d: Tensor) -> Tensor:
    """Rotation matrices (..., 3, 3) from two columns (..., 6), by Gram-Schmidt (Zhou et al. 2019)."""
    a = torch.nn.functional.normalize(rot6d[..., :3], dim=-1)
    b = rot6d[..., 3:]
    b = torch.nn.functional.normalize(b - (a * b).sum(-1, keepdim=True) * a, dim=-1)
    return torch.stack([a, b, torch.linalg.cross(a, b)], dim=-1)


def heading_positions(frames: Tensor) -> Tensor:
    """Joint positions (B, T, 22, 3) in the heading frame, the root above the origin, by forward kinematics."""
    local = matrices(frames[..., LAYOUT["rot6d"]].unflatten(-1, (len(SMPLX22), 6)))  # (B, T, J, 3, 3)
    offsets = torch.as_tensor(SMPLX22.offsets, dtype=frames.dtype, device=frames.device)
    height = frames[..., LAYOUT["root_height"]]
    zero = torch.zeros_like(height)
    places = [torch.cat([zero, height, zero], dim=-1)]
    world = [local[..., 0, :, :]]
    for joint, parent in enumerate(SMPLX22.parents[1:], 1):
        places.append(places[parent] + world[parent] @ offsets[joint])
        world.append(world[parent] @ local[..., joint, :, :])
    return torch.stack(places, dim=-2)


def trajectory(frames: Tensor) -> tuple[Tensor, Tensor]:
    """Heading (B, T) and place on the floor (B, T, 2: x, z) of the root; the path begins over the origin along +Z."""
    turn = frames[..., LAYOUT["root_turn"]][..., 0]
    heading = torch.cumsum(turn[:, 1:], dim=1)
    heading = torch.nn.functional.pad(heading, (1, 0))  # (B, T), the first frame's own turn is not used
    step = frames[:, 1:, LAYOUT["root_step"]]
    sine, cosine = torch.sin(heading[:, :-1]), torch.cos(heading[:, :-1])
    x = cosine * step[..., 0] + sine * step[..., 1]
    z = cosine * step[..., 1] - sine * step[..., 0]
    path = torch.nn.functional.pad(torch.cumsum(torch.stack([x, z], dim=-1), dim=1), (0, 0, 1, 0))
    side, ahead = frames[..., LAYOUT["root_offset"]].unbind(-1)
    sine, cosine = torch.sin(heading), torch.cos(heading)
    return heading, path + torch.stack([cosine * side + sine * ahead, cosine * ahead - sine * side], dim=-1)


def world(joints: Tensor, heading: Tensor, place: Tensor) -> Tensor:
    """Joints (B, T, J, 3) in the heading frame -> in the world, by heading (B, T) and place (B, T, 2)."""
    sine, cosine = torch.sin(heading)[..., None], torch.cos(heading)[..., None]
    x = cosine * joints[..., 0] + sine * joints[..., 2] + place[..., None, 0]
    z = cosine * joints[..., 2] - sine * joints[..., 0] + place[..., None, 1]
    return torch.stack([x, joints[..., 1], z], dim=-1)


def world_positions(frames: Tensor) -> Tensor:
    """Joint positions (B, T, 22, 3) in the world of a clip whose path begins over the origin along +Z."""
    return world(heading_positions(frames), *trajectory(frames))


def errors(ours: Tensor, theirs: Tensor) -> dict[str, Tensor]:
    """Errors of raw features (B, T, D) as bodies: joints and their speed in the heading frame, place, heading and the
    speed of the feet in the world. In float32: positions add up over the clip."""
    with torch.autocast(ours.device.type, enabled=False):
        joints, joints_ = heading_positions(ours), heading_positions(theirs)
        velocity = (joints.diff(dim=1) - joints_.diff(dim=1)) * FPS
        (heading, place), (heading_, place_) = trajectory(ours), trajectory(theirs)
        feet = world(joints[..., _FEET, :], heading, place).diff(dim=1)
        feet_ = world(joints_[..., _FEET, :], heading_, place_).diff(dim=1)
        reach = torch.ones(len(SMPLX22), device=ours.device)
        reach[_ENDS] = 2.0  # hands and feet carry what is done: twice the rest
        apart = F.smooth_l1_loss(joints, joints_, beta=0.3, reduction="none").mean(-1)
        return {
            "joints": (reach * apart).mean(),
            "velocity": F.smooth_l1_loss(velocity, torch.zeros_like(velocity), beta=0.5),
            "place": F.smooth_l1_loss(place, place_, beta=0.03),
            "heading": F.smooth_l1_loss(heading, heading_, beta=0.03),
            "feet": F.smooth_l1_loss(FPS * feet, FPS * feet_, beta=0.1),
        }
