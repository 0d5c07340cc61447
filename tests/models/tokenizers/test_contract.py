"""What holds for every tokenizer of the folder, by the tiny recipe of each: shapes and gradients. What its graphs
compute, tests/export/graphs/test_coders.py says."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch

from export import recipe
from models.tokenizers import contract, kinds
from motion import features
from motion.errors import BadConfig
from tests.models.tokenizers import samples

TINY = sorted(path.stem for path in samples.FOLDER.glob("*-tiny.toml"))


def tokenizer(name: str) -> Any:
    kind = name.split("-")[0]
    return samples.made(recipe.load(samples.FOLDER / f"{name}.toml").tokenizer, kind)


def test_every_tokenizer_has_a_recipe_in_three_sizes_and_a_test() -> None:
    folder = Path(contract.__file__).parent
    files = {path.stem for path in folder.glob("*.py") if "\nKIND = " in path.read_text(encoding="utf-8")}
    assert files == set(kinds.KINDS), "each has its line"
    for kind in kinds.KINDS:
        for size in ("tiny", "base", "paper"):
            assert (samples.FOLDER / f"{kind}-{size}.toml").is_file(), f"{kind}-{size}"
        assert (Path(__file__).parent / f"test_{kind}.py").is_file()


def test_a_tokenizer_nobody_made_is_named_with_those_there_are() -> None:
    with pytest.raises(BadConfig, match=r"no tokenizer called 'magvit'; choose one of .*vermo"):
        kinds.find("magvit")


@pytest.mark.parametrize("name", TINY)
def test_clips_become_codes_and_codes_clips(name: str) -> None:
    made = tokenizer(name).eval()
    frames = samples.frames(made.features)
    with torch.inference_mode():
        codes = made.encode(frames)
        assert torch.equal(codes, made.encode(frames)), "always the same"
        back = made.decode(codes)
        seen, _ = made.quantize(frames)
    assert back.shape == frames.shape
    assert torch.isfinite(back).all()
    assert seen.shape[:2] == codes.shape[:2]
    if made.config.codes:
        assert codes.dtype in (torch.int32, torch.int64)
        assert 0 <= codes.min() <= codes.max() < made.config.codes == math.prod(made.config.levels)
        count = codes[0].numel()
    else:
        count = codes.shape[1]
    assert count == made.codes_per_frame * frames.shape[1]
    assert contract.codes_per_second(made) == count / frames.shape[1] * features.find(made.features).fps
    assert len(codes.unique(dim=0)) == len(frames), "other motion, other codes"


@pytest.mark.parametrize("name", TINY)
def test_gradients_reach_every_parameter_in_the_stage_that_trains_it(name: str) -> None:
    made = tokenizer(name).train()
    frames = samples.frames(made.features)
    views = samples.views(made, frames)
    with torch.no_grad():  # what begins as zero lets nothing through
        for parameter in made.parameters():
            if not parameter.any():
                parameter.normal_(std=0.05)
    reached: set[str] = set()
    for stage, parts in made.stages.items():
        made.zero_grad()
        for seed in range(4):  # what is dropped by chance is not dropped every time
            batch = contract.Batch(frames, views, 20_000, torch.Generator().manual_seed(seed))
            terms = made.losses(batch, stage)
            terms["loss"].backward()
            assert all(math.isfinite(float(value.detach())) for value in terms.values())
        for parameter, value in made.named_parameters():
            if value.grad is not None and value.grad.any() and parameter.startswith(parts):
                reached.add(parameter)
    missed = {n for n, p in made.named_parameters() if p.requires_grad} - reached
    assert not missed
