"""Motion from any humanoid skeleton onto `smplx22`.

Every joint keeps the source's world rotation times a constant that aligns the two rest poses; limbs then swing by the
small rest so that each points exactly where the source's limb points. The root is scaled by leg length, the lowest
contact rests on the floor, and the first frame stands over the origin facing +Z.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from motion import contacts, quat
from motion.clip import Clip, canonicalise, move
from motion.joint_map import map_joints
from motion.quat import F32
from motion.skeleton import SMPLX22, TOE_HEIGHT, fk, to_local

# Limbs whose direction is exact: (joint that turns, joint at the far end).
LIMBS: tuple[tuple[str, str], ...] = tuple(
    (f"{side}_{a}", f"{side}_{b}")
    for side in ("left", "right")
    for a, b in (("collar", "shoulder"), ("hip", "knee"), ("knee", "ankle"), ("shoulder", "elbow"), ("elbow", "wrist"))
)
_UP = np.array([0, 1, 0], np.float32)
_LEFT = np.array([1, 0, 0], np.float32)
_ASKEW = float(np.cos(np.deg2rad(80) / 2))  # no head is held 80 degrees away from the chest on average


@dataclass(frozen=True)
class _Source:
    """A foreign clip in world space, by role, Y up."""

    positions: dict[str, F32]  # (T, 3)
    rotations: dict[str, F32]  # (T, 4)
    rest: dict[str, F32]  # (3,) in the world of the rest pose
    standing: bool  # the rest pose stands upright, so that it can be aligned limb by limb


def retarget(clip: Clip, lock_floor: bool = True) -> Clip:
    """The clip on `smplx22`, at its own frame rate, with contacts.

    lock_floor: lower or raise the clip so that its lowest contact rests on y = 0.
    Raises UnknownJoint where the skeleton is no humanoid that names can tell.
    """
    source = _read(clip)
    world = _rotations(source, len(clip))  # (T, 22, 4)
    result = replace(
        clip,
        skeleton=SMPLX22,
        rotations=quat.normalize(to_local(SMPLX22, world)),
        root=_root(source, world),
        offsets=None,
        contacts=None,
    )
    result = canonicalise(result)
    if lock_floor:
        feet = fk(SMPLX22, result.rotations, result.root)[0][:, [10, 11], 1]  # left and right foot joint
        lowest = float(np.percentile(feet.min(axis=1), 2)) - TOE_HEIGHT
        result = move(result, np.array([0, -lowest, 0]))
    return replace(result, contacts=contacts.detect(result))


def _read(clip: Clip) -> _Source:
    roles = dict(map_joints(clip.skeleton).roles)
    places, turns = fk(clip.skeleton, clip.rotations, clip.root, clip.offsets)
    rest_offsets = clip.skeleton.offsets if clip.offsets is None else np.median(clip.offsets, axis=0).astype(np.float32)
    rest = replace(clip.skeleton, offsets=rest_offsets).rest_positions()

    def upright(at: F32, up: F32) -> bool:
        """Whether positions (J, 3) stand along `up`: legs down, trunk up."""
        down = [_unit(at[roles[f"{s}_ankle"]] - at[roles[f"{s}_hip"]]) @ up for s in ("left", "right")]
        return bool(max(down) < -0.8) and float(_unit(at[roles["neck"]] - at[roles["pelvis"]]) @ up) > 0.8

    axes = (_UP, np.array([0, 0, 1], np.float32))
    standing = next((axis for axis in axes if upright(rest, axis)), None)
    if standing is not None:
        up = standing
    else:  # the rest pose tells nothing: the axis along which the head stands above the feet over the clip
        head = (places[:, roles["head"]] - places[:, roles["left_ankle"]]).mean(axis=0)
        up = axes[int(head[2] > head[1])]
    if up[2]:  # Z up, facing -Y: a quarter turn about X
        quarter = quat.from_axis_angle(_LEFT, np.array(-np.pi / 2, np.float32))
        places, rest = quat.rotate(quarter, places), quat.rotate(quarter, rest)
        turns = quat.mul(quat.mul(quarter, turns), quat.inv(quarter))
    return _Source(
        {role: places[:, i] for role, i in roles.items()},
        {role: turns[:, i] for role, i in roles.items()},
        {role: rest[i] for role, i in roles.items()},
        standing is not None,
    )


def _unit(v: F32) -> F32:
    return v / np.maximum(np.linalg.norm(v, axis=-1, keepdims=True), 1e-9)


def _frame(primary: F32, secondary: F32) -> F32:
    """The rotation (..., 4) whose X axis is `primary` and whose Y axis lies nearest to `secondary`, both (..., 3)."""
    x = _unit(primary)
    z = _unit(np.cross(x, np.broadcast_to(secondary, x.shape)))
    return quat.from_matrix(np.stack([x, np.cross(z, x), z], axis=-1).astype(np.float32))


def _target_rest(role: str) -> F32:
    return SMPLX22.rest_positions()[SMPLX22.index(role)]


def _calibration(source: _Source) -> dict[str, F32]:
    """For each role the constant rotation C (4,) such that (source's world rotation) C is `smplx22`'s."""
    return _from_rest(source) if source.standing else _from_motion(source)


def _from_rest(source: _Source) -> dict[str, F32]:
    """Both rest poses stand: turn `smplx22`'s until each limb points as the source's does."""
    rest = source.rest
    left = rest["left_hip"] - rest["right_hip"]
    heading = quat.from_yaw(np.arctan2(-left[2], left[0]).astype(np.float32))  # the source may not face +Z
    result = dict.fromkeys(source.rotations, heading)
    bones = [*LIMBS, ("left_ankle", "left_foot"), ("right_ankle", "right_foot")]
    for role, end in bones:
        if role in rest and end in rest:
            ours = quat.rotate(heading, _target_rest(end) - _target_rest(role))
            theirs = rest[end] - rest[role]
            if role.endswith("ankle"):  # the heights of ankles and toes differ between rigs: align the yaw alone
                ours, theirs = ours * np.array([1, 0, 1], np.float32), theirs * np.array([1, 0, 1], np.float32)
                if np.linalg.norm(theirs) < 0.1 * np.linalg.norm(rest[end] - rest[role]):
                    continue
            result[role] = quat.mul(quat.between(ours, theirs), heading)
    for side in ("left", "right"):
        result[f"{side}_wrist"] = result[f"{side}_elbow"]
        if f"{side}_foot" in result:
            result[f"{side}_foot"] = result[f"{side}_ankle"]
    return result


def _from_motion(source: _Source) -> dict[str, F32]:
    """The rest pose is no stance (bones all along one axis): build each bone's frame from its direction and from the
    axis about which the knee or elbow bends, both seen from the joint itself over the whole clip."""
    at, turns = source.positions, source.rotations

    def seen(role: str, vectors: F32) -> F32:
        """Mean of world vectors (T, 3) in the joint's own axes (3,)."""
        return quat.rotate(quat.inv(turns[role]), vectors).mean(axis=0)

    def align(role: str, primary: F32, secondary: F32, target_primary: F32, target_secondary: F32) -> F32:
        own = _frame(seen(role, primary), seen(role, secondary))
        return quat.mul(own, quat.inv(_frame(target_primary, target_secondary)))

    result: dict[str, F32] = {}
    hips = at["left_hip"] - at["right_hip"]
    trunk = at["neck"] - at["pelvis"]
    result["pelvis"] = align("pelvis", hips, trunk, _LEFT, _target_rest("neck"))
    shoulders = at["left_shoulder"] - at["right_shoulder"]
    if "left_collar" in at:
        width = at["left_collar"] - at["right_collar"]
        shoulders = width if np.linalg.norm(width[0]) > 1e-4 else shoulders
    chest_up = at["neck"] - at["spine3"]
    result["spine3"] = align("spine3", shoulders, chest_up, _LEFT, _target_rest("neck") - _target_rest("spine3"))
    for role in ("neck", "head"):
        # Such rigs share one set of axes along the spine: at zero rotation the head stands as the chest does. Where it
        # would then, over the whole clip, hang far to one side, its axes are others, and its average stands straight.
        straight = _carried(source, role, "spine3", result)
        shared = abs(float((straight * result["spine3"]).sum())) > _ASKEW
        result[role] = result["spine3"] if shared else straight
    for side in ("left", "right"):
        for root, middle, end, bend in (
            ("hip", "knee", "ankle", _LEFT),
            ("shoulder", "elbow", "wrist", _bend_axis(side)),
        ):
            upper = at[f"{side}_{middle}"] - at[f"{side}_{root}"]
            lower = at[f"{side}_{end}"] - at[f"{side}_{middle}"]
            axis = np.cross(_unit(upper), _unit(lower))  # longer the more the joint is bent
            for role, bone, tip in ((root, upper, middle), (middle, lower, end)):
                name, far = f"{side}_{role}", f"{side}_{tip}"
                result[name] = align(name, bone, axis, _target_rest(far) - _target_rest(name), bend)
        ankle, foot = f"{side}_ankle", f"{side}_foot"
        result[f"{side}_wrist"] = _carried(source, f"{side}_wrist", f"{side}_elbow", result)
        if foot in at:
            shin_left = quat.rotate(quat.mul(turns[f"{side}_knee"], result[f"{side}_knee"]), _LEFT)
            result[ankle] = align(
                ankle, at[foot] - at[ankle], shin_left, _target_rest(foot) - _target_rest(ankle), _LEFT
            )
            result[foot] = _carried(source, foot, ankle, result)
        else:
            result[ankle] = _carried(source, ankle, f"{side}_knee", result)
        if f"{side}_collar" in at:
            result[f"{side}_collar"] = _carried(source, f"{side}_collar", "spine3", result)
    return result


def _bend_axis(side: str) -> F32:
    """The axis about which an elbow bends forward from a T-pose: down for the left arm, up for the right."""
    return -_UP if side == "left" else _UP


def _carried(source: _Source, role: str, parent: str, known: dict[str, F32]) -> F32:
    """A calibration that makes `role` stand, on average, as its parent does."""
    relative = quat.mul(quat.inv(source.rotations[role]), source.rotations[parent])
    return quat.mul(quat.mean(relative), known[parent])


def _rotations(source: _Source, frames: int) -> F32:
    """World rotations (T, 22, 4) of `smplx22`."""
    constants = _calibration(source)
    world = np.zeros((frames, len(SMPLX22), 4), np.float32)
    at = source.positions

    def put(role: str, q: F32) -> None:
        world[:, SMPLX22.index(role)] = q

    def turned(role: str) -> F32:
        return quat.mul(source.rotations[role], constants[role])

    pelvis, chest = turned("pelvis"), turned("spine3")
    put("pelvis", pelvis)
    for role, fraction in (("spine1", 1 / 3), ("spine2", 2 / 3), ("spine3", 1.0)):
        put(role, quat.slerp(pelvis, chest, fraction))
    _aim_trunk(world, at["neck"] - _hip_centre(at))
    chest = world[:, SMPLX22.index("spine3")]
    head = turned("head")
    put("head", head)
    put("neck", quat.slerp(chest, head, 0.5))
    for side in ("left", "right"):
        for role in ("hip", "knee", "ankle", "shoulder", "elbow", "wrist"):
            put(f"{side}_{role}", turned(f"{side}_{role}"))
        collar, foot = f"{side}_collar", f"{side}_foot"
        put(collar, turned(collar) if collar in source.rotations else chest)
        real_toe = foot in source.rotations
        put(foot, turned(foot) if real_toe else turned(f"{side}_ankle"))
    for role, end in LIMBS:
        if role not in at:
            continue
        i = SMPLX22.index(role)
        now = quat.rotate(world[:, i], SMPLX22.offsets[SMPLX22.index(end)])
        world[:, i] = quat.mul(quat.between(now, at[end] - at[role]), world[:, i])
    return world


def _hip_centre(at: dict[str, F32]) -> F32:
    return (at["left_hip"] + at["right_hip"]) * np.float32(0.5)


def _aim_trunk(world: F32, direction: F32) -> None:
    """Swings the three spine joints in place until the line from the hips to the neck points along `direction`."""
    spine = [SMPLX22.index(role) for role in ("spine1", "spine2", "spine3")]
    offsets = SMPLX22.offsets
    hips = (offsets[1] + offsets[2]) / 2
    for _ in range(3):
        lift = quat.rotate(world[:, 0], offsets[3] - hips)
        trunk = (
            quat.rotate(world[:, 3], offsets[6])
            + quat.rotate(world[:, 6], offsets[9])
            + quat.rotate(world[:, 9], offsets[12])
        )
        # The trunk's own end should lie on the ray: swing it towards the point of the ray as far away as it is now.
        length: F32 = np.linalg.norm(lift + trunk, axis=-1, keepdims=True)
        swing = quat.between(trunk, _unit(direction) * length - lift)
        for i in spine:
            world[:, i] = quat.mul(swing, world[:, i])


def _root(source: _Source, world: F32) -> F32:
    """Pelvis positions (T, 3): the middle of the hips follows the source's, scaled by leg length."""
    at = source.positions

    def length(where: dict[str, F32]) -> float:
        bones = [
            np.linalg.norm(where[f"{s}_{b}"] - where[f"{s}_{a}"], axis=-1)
            for s in ("left", "right")
            for a, b in (("hip", "knee"), ("knee", "ankle"))
        ]
        return float(np.median(np.sum(bones, axis=0))) / 2

    ours = {role: _target_rest(role) for role in SMPLX22.joints}
    scale = length(ours) / max(length(at), 1e-9)
    hips = (SMPLX22.offsets[1] + SMPLX22.offsets[2]) / 2
    return (_hip_centre(at) * np.float32(scale) - quat.rotate(world[:, 0], hips)).astype(np.float32)


def limb_error_deg(source: Clip, result: Clip) -> dict[str, float]:
    """Mean angle in degrees between the limbs of a clip and of its retargeted copy, by limb, headings aligned at the
    first frame; the limbs are hip-knee, knee-ankle, shoulder-elbow, elbow-wrist and pelvis-neck."""
    theirs, ours = _read(source).positions, fk(SMPLX22, result.rotations, result.root)[0]
    neck = SMPLX22.index("neck")
    pairs = [("hip", "knee"), ("knee", "ankle"), ("shoulder", "elbow"), ("elbow", "wrist")]

    def angle(a: F32, b: F32) -> float:
        return float(np.degrees(np.arccos(np.clip((_unit(a) * _unit(b)).sum(-1), -1, 1))).mean())

    def ray(role: str, end: str) -> tuple[F32, F32]:
        return theirs[end] - theirs[role], ours[:, SMPLX22.index(end)] - ours[:, SMPLX22.index(role)]

    rays = {f"{near}-{far}": [ray(f"{s}_{near}", f"{s}_{far}") for s in ("left", "right")] for near, far in pairs}
    hips = _hip_centre({role: ours[:, SMPLX22.index(role)] for role in ("left_hip", "right_hip")})
    rays["pelvis-neck"] = [(theirs["neck"] - _hip_centre(theirs), ours[:, neck] - hips)]
    # The retargeted clip was turned to face +Z: undo the one turn about Y that fits all limbs best.
    a = np.concatenate([_unit(x) for both in rays.values() for x, _ in both])
    b = np.concatenate([_unit(y) for both in rays.values() for _, y in both])
    sine, cosine = (a[:, 2] * b[:, 0] - a[:, 0] * b[:, 2]).sum(), (a[:, 0] * b[:, 0] + a[:, 2] * b[:, 2]).sum()
    q = quat.from_yaw(np.arctan2(sine, cosine).astype(np.float32))
    return {limb: float(np.mean([angle(quat.rotate(q, x), y) for x, y in both])) for limb, both in rays.items()}
