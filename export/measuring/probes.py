"""What only some tokenizers can be asked: how they see, what their book holds, whether they do what they are told.

Superman's (table 8, figure 7): its error with pictures and without, how often its codes occur in the test split (which
they tell without pictures), and how alike they are. UniMotion's (sections 3.3 and C.2): how far what motion tells is
from what motion and picture tell together, and the flow head's error when it is told the latents of the clip or those
of another clip, whole or damaged.

Pictures are those of clips outside the training split.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from export.data import dataset, pictures
from export.data.relaid import decoded, relaid
from export.metrics import joints, usage
from export.recipe import Recipe
from export.training import stages
from models import flow
from models.heads import degraded
from models.tokenizers.contract import Views, unit_frames
from models.tokenizers.superman import VisionGuided
from models.tokenizers.unimotion import CmaVae, divergence
from motion import clip as clips
from motion import features
from motion.errors import BadFile
from motion.quat import F32

_SIGMAS = flow.sampling_sigmas(10)  # of the flow head
_LENGTH = 48  # frames of the pieces that it makes
_CLIPS = 64


def probe(recipe: Recipe) -> dict[str, float]:
    """The figures of a trained recipe by name; none for a tokenizer that has nothing to be asked. Raises BadFile."""
    tokenizer = stages.trained(recipe)
    with torch.inference_mode():
        if isinstance(tokenizer, VisionGuided):
            return _seeing(recipe, tokenizer)
        if isinstance(tokenizer, CmaVae):
            return {**_drawn_together(recipe, tokenizer), **_told(recipe, tokenizer)}
    return {}


def _unseen(recipe: Recipe, tokenizer: Any, length: int) -> Iterator[tuple[Tensor, Views]]:
    """Clips (1, length, D) with their pictures, of the validation and the test split. Raises BadFile."""
    if recipe.pictures is None:
        raise BadFile("names no pictures, which this tokenizer is asked about", recipe.name)
    for split in ("val", "test"):
        data = relaid(dataset.load(recipe.data, split, recipe.corpora), tokenizer.features)
        try:
            shown = pictures.load(recipe.pictures.folder, data)
        except BadFile:
            continue  # few pictures: none of this split
        gallery = pictures.Gallery(
            data, shown, features.find(tokenizer.features).fps, 1, each_frame=tokenizer.view_each_frame
        )
        nothing = np.zeros((1, length, features.find(tokenizer.features).width), np.float32)
        for i, one in enumerate(shown):
            frames, views = replace(gallery, shown=(one,)).mixed(nothing, np.random.default_rng(i))
            if views is not None:
                yield torch.from_numpy(frames), views


def _seeing(recipe: Recipe, tokenizer: VisionGuided) -> dict[str, float]:
    errors: dict[str, list[float]] = {"error_by_pictures_mm": [], "error_by_skeleton_mm": []}
    for frames, views in _unseen(recipe, tokenizer, recipe.tokenizer_training.longest):
        given = {"error_by_pictures_mm": views if tokenizer.seeing else None, "error_by_skeleton_mm": None}
        for name, seen in given.items():
            if seen is None and tokenizer.config.streams == "visual":
                continue
            if name == "error_by_pictures_mm" and seen is None:
                continue
            found = tokenizer.encode(frames, seen)
            errors[name].append(_apart_mm(tokenizer.decode(found)[0].numpy(), frames[0].numpy()))
    if not any(errors.values()):
        raise BadFile("shows no clip outside the training split; render more", str(recipe.pictures))
    figures = {name: float(np.mean(values)) for name, values in errors.items() if values}
    figures["clips_with_pictures"] = max(len(values) for values in errors.values())
    if tokenizer.config.streams != "visual":
        codes = _coded(recipe, tokenizer)
        figures |= {f"codes_{name}": share for name, share in usage.bands(codes, tokenizer.config.codes).items()}
        figures["codes_counted"] = sum(one.size for one in codes)
    alike = usage.likeness(tokenizer.book.inner.codebook.numpy())
    return {**figures, "cosine_mean": float(alike.mean()), "cosine_95_percent_below": float(np.quantile(alike, 0.95))}


def _coded(recipe: Recipe, tokenizer: VisionGuided) -> list[Any]:
    """Codes of the test split's clips, told by their skeletons."""
    data = relaid(dataset.load(recipe.data, "test", recipe.corpora, mirrored=False), tokenizer.features)
    unit = unit_frames(tokenizer.graphs())
    whole = (np.array(data.clip(entry)) for entry in data.entries)
    return [tokenizer.encode(torch.from_numpy(one[: len(one) // unit * unit])[None]).numpy() for one in whole]


def _apart_mm(ours: F32, theirs: F32) -> float:
    """Error about the pelvis of `h36m17` features before a camera."""
    a, b = (clips.positions(decoded(one, "h36m17")) for one in (ours, theirs))
    return joints.root_relative(a, b) * 1000


def _drawn_together(recipe: Recipe, tokenizer: CmaVae) -> dict[str, float]:
    if recipe.pictures is None:
        return {}
    apart: list[float] = []
    for frames, views in _unseen(recipe, tokenizer, _LENGTH):
        apart.append(float(divergence(tokenizer.posterior(frames), tokenizer.fused_posterior(frames, views))))
    return {"kl_to_the_seeing_posterior": float(np.mean(apart))} if apart else {}


def _told(recipe: Recipe, tokenizer: CmaVae) -> dict[str, float]:
    data = relaid(dataset.load(recipe.data, "test", recipe.corpora, mirrored=False), tokenizer.features)
    rows = [np.array(piece) for entry in data.entries for piece in _pieces(data.clip(entry))]
    if len(rows) < 2:
        raise BadFile(f"has no two pieces of {_LENGTH} frames in its test split", str(recipe.data))
    rows = rows[:: -(-len(rows) // _CLIPS)]
    frames = torch.from_numpy(np.stack(rows))
    latents = tokenizer.encode(frames)
    generator = torch.Generator().manual_seed(1)
    noise = torch.randn(latents.shape, generator=generator)
    damaged, left = degraded(latents / tokenizer.spread, generator)
    made = {
        "decoded": latents,
        "told": tokenizer.realign(latents, noise, _SIGMAS),
        "told_another": tokenizer.realign(latents.roll(1, dims=0), noise, _SIGMAS),
        "told_damaged": _from_damaged(tokenizer, noise, damaged, left),
        "told_another_damaged": _from_damaged(tokenizer, noise, damaged.roll(1, dims=0), left.roll(1, dims=0)),
    }
    return {f"{name}_error_m": _apart_m(tokenizer.decode(one).numpy(), rows) for name, one in made.items()}


def _from_damaged(tokenizer: CmaVae, noise: Tensor, damaged: Tensor, left: Tensor) -> Tensor:
    return tokenizer.head.sample(noise, tokenizer.embedder(damaged, left), _SIGMAS) * tokenizer.spread


def _pieces(whole: F32) -> list[F32]:
    return [whole[start : start + _LENGTH] for start in range(0, len(whole) - _LENGTH + 1, _LENGTH)]


def _apart_m(ours: F32, theirs: Sequence[F32]) -> float:
    """Error of the joints about the root of `uni269` features."""
    layout = features.find("uni269")
    pairs = ((layout.decode(a), layout.decode(b)) for a, b in zip(ours, theirs, strict=True))
    return float(np.mean([joints.root_relative(clips.positions(a), clips.positions(b)) for a, b in pairs]))
