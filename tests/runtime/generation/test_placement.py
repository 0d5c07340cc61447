"""Generated features stand where their past left off, and arrive where their future begins."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from motion import clip as clips
from motion import contacts, features, quat
from motion.bundles.bundle import Bundle
from motion.clip import Clip
from motion.errors import BadBundle
from motion.features import h36m17
from motion.quat import F32
from runtime.generation.placement import EASE, Piece, Placed, Placement, layout_of
from tests.runtime.recorded import SERVED, walk


def turned(clip: Clip, heading: float, place: tuple[float, float]) -> Clip:
    """The clip elsewhere in the world."""
    turn = quat.from_yaw(np.full(len(clip.root), heading, np.float32))
    rotations = clip.rotations.copy()
    rotations[:, 0] = quat.mul(turn, rotations[:, 0])
    root = quat.rotate(turn, clip.root) + np.array([place[0], 0, place[1]], np.float32)
    return Clip(clip.skeleton, clip.fps, rotations, root.astype(np.float32))


def cut(clip: Clip, start: int, end: int) -> Clip:
    return Clip(clip.skeleton, clip.fps, clip.rotations[start:end], clip.root[start:end])


def whole(*parts: Clip | Placed) -> tuple[F32, F32]:
    """Root and rotations of pieces one after the other."""
    return np.concatenate([part.root for part in parts]), np.concatenate([part.rotations for part in parts])


def largest_turn(rotations: F32) -> float:
    """The most that a joint turns from one frame to the next, radians."""
    alike = np.abs((rotations[1:] * rotations[:-1]).sum(-1))
    return float(2 * np.arccos(np.clip(alike, 0, 1)).max())


def largest_step(root: F32) -> float:
    return float(np.linalg.norm(np.diff(root, axis=0), axis=-1).max())


def worn(clip: Clip) -> F32:
    """Features of the clip as a poor tokenizer gives them back: lower, knees bent more, tilted, beside the path."""
    bend = quat.from_axis_angle(np.array([1, 0, 0], np.float32), np.array(0.3, np.float32))
    rotations = clip.rotations.copy()
    for joint in ("left_knee", "right_knee", "pelvis"):
        column = clip.skeleton.index(joint)
        rotations[:, column] = quat.mul(rotations[:, column], np.broadcast_to(bend, rotations[:, column].shape))
    lower = clip.root - np.array([0, 0.03, 0], np.float32)
    decoded = features.encode(Clip(clip.skeleton, clip.fps, rotations, lower))
    decoded[:, features.LAYOUT["root_offset"]] += 0.05
    return decoded


def test_pieces_give_the_clip_that_features_give_at_once() -> None:
    clip = walk()
    encoded = features.encode(clip)
    once = features.decode(encoded)
    placement = Placement(clip.skeleton, SERVED)
    placed = [placement.push(encoded[start : start + 16]) for start in range(0, len(encoded), 16)]
    root, rotations = whole(*placed)
    assert np.allclose(root, once.root, atol=1e-5)
    assert np.allclose(rotations, once.rotations, atol=1e-5)
    assert once.contacts is not None
    assert np.array_equal(np.concatenate([part.contacts for part in placed]), once.contacts)


@pytest.mark.parametrize("frame", [0, 1, 40, 255])
def test_a_piece_knows_where_its_path_is_in_the_world(frame: int) -> None:
    clip = turned(walk(), 2.0, (3.0, -7.0))
    encoded = features.encode(clip)
    placed = Piece.of(clip, SERVED).at(frame)
    still = encoded[frame : frame + 1].copy()
    still[:, features.LAYOUT["root_turn"]] = 0
    still[:, features.LAYOUT["root_step"]] = 0
    root, rotations = placed.push(still)
    assert np.allclose(root[0], clip.root[frame], atol=1e-4)
    assert np.abs((rotations[0] * clip.rotations[frame]).sum(-1)).min() > 1 - 1e-5


@pytest.mark.parametrize("decode", [features.encode, worn])
def test_frames_go_on_where_the_past_stopped_wherever_in_the_world_that_is(decode: object) -> None:
    clip = turned(walk(), 2.0, (3.0, -7.0))
    past = cut(clip, 0, 100)
    decoded = decode(clip)  # type: ignore[operator]
    placement = Placement(clip.skeleton, SERVED, Piece.of(past, SERVED))
    placement.join(decoded[99:100])
    root, rotations = whole(past, placement.push(decoded[100:104]), placement.push(decoded[104:160]))
    assert largest_turn(rotations) < largest_turn(clip.rotations) + 0.05, "a worn pose, joined on, jumps by 0.3 rad"
    assert largest_step(root) < largest_step(clip.root) + 0.012, "a worn place, joined on, jumps by 6 cm"
    assert np.linalg.norm(root[-1] - clip.root[159]) < 0.12
    assert np.degrees(np.abs(quat.yaw(quat.mul(rotations[-1, 0], quat.inv(clip.rotations[159, 0]))))) < 5


def test_what_a_tokenizer_changed_at_the_seam_is_gone_after_a_third_of_a_second() -> None:
    clip = walk()
    decoded = worn(clip)
    placement = Placement(clip.skeleton, SERVED, Piece.of(cut(clip, 0, 100), SERVED))
    placement.join(decoded[99:100])
    placed = placement.push(decoded[100:140])
    generated = features.Integrator().push(decoded)[1][100:140]
    assert np.abs((placed.rotations[0, 1:] * generated[0, 1:]).sum(-1)).min() < 0.99
    assert np.allclose(placed.rotations[EASE:, 1:], generated[EASE:, 1:], atol=1e-5)


def test_contacts_of_the_next_frames_know_the_past() -> None:
    clip = features.decode(features.encode(walk()))
    placement = Placement(clip.skeleton, SERVED, Piece.of(cut(clip, 0, 100), SERVED))
    contacts = placement.push(features.encode(clip)[100:160]).contacts
    assert clip.contacts is not None
    assert (contacts == clip.contacts[100:160]).mean() > 0.9


@pytest.mark.parametrize("decode", [features.encode, worn])
@pytest.mark.parametrize("detour", [(0.0, (0.0, 0.0)), (0.8, (0.6, 0.3)), (-0.5, (-0.4, 0.0))])
def test_frames_between_lead_to_the_future_without_a_jump(
    decode: object, detour: tuple[float, tuple[float, float]]
) -> None:
    clip = turned(walk(), -1.0, (1.0, 1.0))
    here = clip.root[140, [0, 2]]
    away = turned(
        Clip(clip.skeleton, clip.fps, clip.rotations, clip.root - np.array([here[0], 0, here[1]], np.float32)),
        detour[0],
        (0, 0),
    )
    moved = away.root + np.array([here[0] + detour[1][0], 0, here[1] + detour[1][1]], np.float32)
    future = cut(Clip(clip.skeleton, clip.fps, away.rotations, moved), 140, 180)
    past = cut(clip, 0, 80)
    decoded = decode(clip)  # type: ignore[operator]
    placement = Placement(clip.skeleton, SERVED, Piece.of(past, SERVED))
    placement.join(decoded[79:80])
    placed = placement.meet(decoded[80:140], Piece.of(future, SERVED), decoded[140:141])
    root, rotations = whole(past, placed, future)
    assert largest_turn(rotations) < largest_turn(clip.rotations) + 0.06
    assert largest_step(root) < largest_step(clip.root) + 0.03, "a detour of 0.7 m in 2 s, at 1 m/s"


def sliding(clip: Clip) -> F32:
    """Features of the clip whose path goes a fifth farther than its legs do."""
    decoded = features.encode(clip)
    decoded[:, features.LAYOUT["root_step"]] *= 1.2
    return decoded


def slide(clip: Clip, source: Clip) -> float:
    """Metres a second that feet move over the floor while they rest in the source."""
    feet = [clip.skeleton.index(joint) for joint in contacts.JOINTS]
    moves = np.diff(clips.positions(clip)[:, feet], axis=0)[..., [0, 2]]
    rest = contacts.detect(source)[1:] > 0
    return float(np.linalg.norm(moves, axis=-1)[rest].mean() * clip.fps)


def test_feet_are_held_while_the_path_stays_where_the_features_say() -> None:
    clip = walk()
    free, held = Placement(clip.skeleton, SERVED), Placement(clip.skeleton, SERVED, hold_feet=True)
    loose = free.push(sliding(clip))
    root, rotations = whole(held.push(sliding(clip)), held.finish())
    assert root.shape == loose.root.shape
    before = slide(Clip(clip.skeleton, clip.fps, loose.rotations, loose.root), clip)
    after = slide(Clip(clip.skeleton, clip.fps, rotations, root), clip)
    own = slide(clip, clip)
    assert after - own < 0.4 * (before - own)
    assert np.abs(root[:, [0, 2]] - loose.root[:, [0, 2]]).max() < 1e-5


@pytest.mark.parametrize("pieces", [(8,), (4, 8, 20), (1, 2)])
def test_held_feet_come_out_the_same_in_pieces_and_after_a_stance_was_handed_on(pieces: tuple[int, ...]) -> None:
    clip = walk()
    decoded = sliding(clip)
    once = Placement(clip.skeleton, SERVED, hold_feet=True)
    root, rotations = whole(once.push(decoded), once.finish())
    placement, placed, at = Placement(clip.skeleton, SERVED, hold_feet=True), [], 0
    while at < len(decoded):
        count = pieces[len(placed) % len(pieces)]
        placed.append(placement.push(decoded[at : at + count]))
        at += count
        stance = placement.stance()
        placement = Placement(clip.skeleton, SERVED, hold_feet=True)
        placement.resume(stance)
    placed.append(placement.finish())
    again = whole(*placed)
    np.testing.assert_allclose(again[0], root, atol=1e-5)
    np.testing.assert_allclose(again[1], rotations, atol=1e-5)
    assert sum(len(one.contacts) for one in placed) == len(decoded)


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        (
            {"layout": "pos"},
            r"'recorded' tells motion in the layout 'pos', which cannot be served; give a bundle of root",
        ),
        ({"layout": "unheard of"}, "in the layout 'unheard of', which cannot be served"),
        ({"fps": 20.0}, r"is at 20 frames a second on 'smplx22', and its layout 'root\+rot6d\+pos' at 30 on 'smplx22'"),
        ({"skeleton": h36m17.SKELETON}, "30 frames a second on 'h36m17', and its layout .* at 30 on 'smplx22'"),
    ],
)
def test_a_bundle_whose_layout_cannot_be_served_is_refused(
    recorded_bundle: Bundle, facts: dict[str, Any], sentence: str
) -> None:
    told = recorded_bundle.manifest
    assert layout_of(told) is SERVED
    with pytest.raises(BadBundle, match=sentence):
        layout_of(replace(told, tokenizers=(replace(told.motion, **facts),)))
