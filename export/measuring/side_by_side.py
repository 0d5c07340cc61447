"""Tokenizers of every kind beside each other: the same recordings through the codes of each, measured alike.

Each clip is laid out as a tokenizer wants it, at its own rate, goes through codes and back, and is compared at 30
frames a second with the recording, from where that begins; joints are the recording's 22, for tokenizers of pictures
the 17 of Human3.6M. Nothing but motion is given: a tokenizer that may look at pictures does without.
"""

from __future__ import annotations

import logging
import math
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from export.data import dataset
from export.data.relaid import camera_of, decoded, encoded
from export.metrics import joints, spectrum, usage
from export.recipe import Recipe
from export.training import stages
from models.bodies import anny
from models.tokenizers.contract import codes_per_second, served, unit_frames
from motion import clip as clips
from motion import contacts, features
from motion.clip import Clip
from motion.errors import MissingPart
from motion.features import h36m17
from motion.quat import F32

log = logging.getLogger(__name__)
_SEGMENT = 256  # frames of a clip at 30 a second, as VerMo's are (appendix A.1)
_WRISTS = ("left_wrist", "right_wrist")
_SKINNED = 15  # frames between two whose skins are compared


@dataclass
class Measured:
    """What a tokenizer did to the clips."""

    row: dict[str, float | int | str | None]
    """Means over the clips; metres, seconds, Hz."""
    errors: list[float] = field(default_factory=list[float])
    """Root-relative error of each clip, metres."""
    joint_errors: F32 = field(default_factory=lambda: np.zeros(0, np.float32))
    """(J,) root-relative, metres."""
    joint_names: tuple[str, ...] = ()
    residual: tuple[F32, F32] = field(default_factory=lambda: (np.zeros(0, np.float32), np.zeros(0, np.float32)))
    """Frequencies and power of the error."""
    wrists: tuple[F32, F32] = field(default_factory=lambda: (np.zeros(0, np.float32), np.zeros(0, np.float32)))
    """Size of the wrists' accelerations (N,) as recorded and as they come back, m/s2."""
    swing: tuple[F32, F32] = field(default_factory=lambda: (np.zeros(0, np.float32), np.zeros(0, np.float32)))
    """The same of the right wrist, frame by frame (T,), in the recording whose right wrist is the fastest."""


@dataclass(frozen=True)
class _Trip:
    """A clip that went through codes and back."""

    made: Clip
    """At 30 frames a second."""
    codes: NDArray[np.int64]
    given: F32
    """(N, D) features as the tokenizer got them."""
    back: F32
    """(N, D) as it gave them back."""
    encode_s: float
    decode_s: float


def measure(
    recipes: Sequence[Recipe],
    split: str,
    most: int | None = None,
    skins: bool = True,
    corpora: Sequence[str] | None = None,
) -> dict[str, Measured]:
    """Every recipe's tokenizer on the same unmirrored clips of a split: of `corpora`, or of what all recipes train on;
    `most` clips of it. Raises BadFile where one is not trained."""
    shared = tuple(corpora or sorted(set.intersection(*(set(recipe.corpora) for recipe in recipes))))
    data = dataset.load(recipes[0].data, split, shared, mirrored=False)
    picks = np.random.default_rng(0).permutation(len(data.entries))[:most]
    sources = [
        (data.entries[i].name, features.decode(np.array(data.clip(data.entries[i]))[:_SEGMENT])) for i in sorted(picks)
    ]
    fastest = max(sources, key=lambda source: _speed(source[1]))[0]
    found: dict[str, Measured] = {}
    for recipe in recipes:
        found[recipe.name] = _one(recipe, sources, skins, fastest)
        log.info("%s: %s", recipe.name, " ".join(_told(name, value) for name, value in found[recipe.name].row.items()))
    return found


def _told(name: str, value: float | int | str | None) -> str:
    return f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}"


@torch.inference_mode()
def _one(recipe: Recipe, sources: Sequence[tuple[str, Clip]], skins: bool, fastest: str) -> Measured:
    tokenizer = stages.trained(recipe)
    layout, unit = features.find(tokenizer.features), unit_frames(tokenizer.graphs())
    sums: dict[str, list[float]] = defaultdict(list)
    per_joint: list[F32] = []
    spectra: list[tuple[F32, F32]] = []
    codes: list[np.ndarray] = []
    wrists: tuple[list[F32], list[F32]] = ([], [])
    swing: tuple[F32, F32] = (np.zeros(0, np.float32), np.zeros(0, np.float32))
    trips: list[tuple[F32, F32]] = []
    seconds = 0.0
    names: tuple[str, ...] = ()
    for name, source in sources:
        given = clips.resample(source, layout.fps)
        if len(given) < 2 * unit:
            continue
        given = clips.cut(given, 0, len(given) // unit * unit)
        trip = _there_and_back(tokenizer, given, name)
        sums["encode_s"].append(trip.encode_s)
        sums["decode_s"].append(trip.decode_s)
        seconds += given.seconds
        codes.append(trip.codes)
        trips.append((trip.given, trip.back))
        real = clips.cut(source, 0, min(len(trip.made), len(source)))
        made = clips.cut(trip.made, 0, len(real))
        if len(real) < 8:
            continue
        if layout.name == h36m17.NAME:
            a, b, names = clips.positions(made), h36m17.marks(real), made.skeleton.joints
        else:
            made = clips.placed_as(made, real)
            a, b, names = clips.positions(made), clips.positions(real), made.skeleton.joints
            for key, value in _feet(a, b, real).items():
                sums[key].append(value)
            if skins:
                sums["pve_m"].append(_skin_error(made, real))
        for key, value in _compared(a, b).items():
            sums[key].append(value)
        per_joint.append(np.linalg.norm((a - a[:, :1]) - (b - b[:, :1]), axis=-1).mean(axis=0))
        spectra.append(spectrum.residual(a, b, features.FPS))
        for held, at in zip(wrists, (b, a), strict=True):
            held.append(_accelerations(at, names, _WRISTS).reshape(-1))
        if name == fastest:
            recorded, back = (_accelerations(at, names, _WRISTS[1:])[:, 0] for at in (b, a))
            swing = (recorded, back)
    row: dict[str, float | int | str | None] = {"kind": type(tokenizer).__name__, "clips": len(per_joint)}
    row |= {key: float(np.mean(values)) for key, values in sums.items() if key not in ("encode_s", "decode_s")}
    row |= {f"{key}_per_s": float(np.sum(sums[key])) / seconds for key in ("encode_s", "decode_s")}
    sent, received = (np.concatenate(side) for side in zip(*trips, strict=True))
    row["feature_mse"] = joints.feature_mse(received, sent)
    size, rate = recipe.tokenizer.codes, codes_per_second(tokenizer)
    row |= {"codes": size, "codes_per_s": rate, "bits_per_s": rate * math.log2(size) if size else None}
    if size:
        own = getattr(tokenizer, "parts", 1) > 1
        row["codes_used"], row["perplexity"] = usage.usage(codes, size, shared=not own)
    row["parameters"] = sum(parameter.numel() for parameter in tokenizer.parameters())
    longest = max(spectra, key=lambda one: len(one[0]))[0]
    same = [power for rate_hz, power in spectra if len(rate_hz) == len(longest)]
    return Measured(
        row, sums["root_relative_m"], np.mean(per_joint, axis=0).astype(np.float32), names,
        (longest, np.mean(same, axis=0).astype(np.float32)),
        (np.concatenate(wrists[0]), np.concatenate(wrists[1])), swing,
    )  # fmt: skip


def _there_and_back(tokenizer: Any, given: Clip, name: str) -> _Trip:
    layout = tokenizer.features
    camera = camera_of(given, name) if layout == h36m17.NAME else h36m17.FRONT
    frames = torch.from_numpy(encoded(given, layout, name))[None]
    began = time.perf_counter()
    code = tokenizer.encode(frames)
    between = time.perf_counter()
    back = served(tokenizer, code, torch.Generator().manual_seed(1))
    ended = time.perf_counter()
    made = clips.resample(decoded(back[0].numpy(), layout, camera), features.FPS)
    return _Trip(made, code[0].numpy(), frames[0].numpy(), back[0].numpy(), between - began, ended - between)


def _compared(a: F32, b: F32) -> dict[str, float]:
    ade, fde = joints.root_errors(a, b)
    low, middle, high = spectrum.bands(a, b, features.FPS)
    return {
        "mpjpe_m": joints.mpjpe(a, b),
        "root_relative_m": joints.root_relative(a, b),
        "pa_mpjpe_m": joints.pa_mpjpe(a, b),
        "n_mpjpe_m": joints.n_mpjpe(a, b),
        "velocity_error_m_s": joints.velocity_error(a, b, features.FPS),
        "acceleration_error_m_s2": joints.acceleration_error(a, b, features.FPS),
        "root_ade_m": ade,
        "root_fde_m": fde,
        "ape_m": joints.ape(a, b),
        "ave_m2": joints.ave(a, b),
        "jitter_m_s3": joints.jitter(a, features.FPS),
        "jitter_of_source_m_s3": joints.jitter(b, features.FPS),
        "error_0_2_hz_m": low,
        "error_2_6_hz_m": middle,
        "error_6_10_hz_m": high,
    }


def _feet(a: F32, b: F32, real: Clip) -> dict[str, float]:
    feet = [real.skeleton.index(joint) for joint in contacts.JOINTS]
    assert real.contacts is not None
    return {
        "foot_skate_cm_s": joints.foot_skate(a[:, feet], real.contacts, features.FPS),
        "foot_skate_of_source_cm_s": joints.foot_skate(b[:, feet], real.contacts, features.FPS),
    }


def _skin_error(made: Clip, real: Clip) -> float:
    """Mean distance between the skins of two clips as Anny wears them, roots brought together, metres."""
    shown = np.arange(0, len(real), _SKINNED)
    few = [replace(one, rotations=one.rotations[shown], root=one.root[shown], contacts=None) for one in (made, real)]
    ours, theirs = (anny.pose(one).vertices - one.root[:, None] for one in few)
    return float(np.linalg.norm(ours - theirs, axis=-1).mean())


def _accelerations(at: F32, names: Sequence[str], of: Sequence[str]) -> F32:
    """Size of the named joints' accelerations (T - 2, J), m/s2."""
    picked = [names.index(name) for name in of]
    return np.linalg.norm(np.diff(at[:, picked], n=2, axis=0) * features.FPS**2, axis=-1).astype(np.float32)


def _speed(source: Clip) -> float:
    """How fast the right wrist is in all but its fastest twentieth of the frames, m/s."""
    at = clips.positions(source)[:, source.skeleton.index(_WRISTS[1])]
    return float(np.quantile(np.linalg.norm(np.diff(at, axis=0), axis=-1), 0.95) * features.FPS)


def skins_here() -> bool:
    """Whether Anny can be worn here."""
    try:
        anny.body()
    except MissingPart as error:
        log.warning("the error of the skin is left out: %s", error)
        return False
    return True
