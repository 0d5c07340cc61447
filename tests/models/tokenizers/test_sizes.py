"""The papers' sizes, made without memory for them: how many parameters they have, beside what the papers count."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import torch
from torch import nn

from export import recipe
from models.tokenizers import kinds
from models.tokenizers.unimo import SmplxConfig
from tests.models.tokenizers import samples


def made(kind: str, config: Any) -> nn.Module:
    with torch.device("meta"):
        return kinds.find(kind).make(config, None)


def millions(module: nn.Module, *parts: str) -> float:
    """Parameters whose names begin with one of `parts`; of all when none is given."""
    return sum(p.numel() for name, p in module.named_parameters() if name.startswith(parts or ("",))) / 1e6


def paper(kind: str, **change: Any) -> nn.Module:
    config: Any = recipe.load(samples.FOLDER / f"{kind}-paper.toml").tokenizer
    return made(kind.split("-")[0], dataclasses.replace(config, **change))


def show(what: str, ours: float, theirs: str) -> None:
    print(f"{what}: {ours:.2f} million parameters; the paper: {theirs}")


def test_vermo_as_its_appendix_tells_it() -> None:
    """A.1 tells every size and no count."""
    found = paper("vermo")
    show("VerMo, autoencoder", millions(found, "encoder.", "quantizer.", "decoder."), "not told")
    show("VerMo, refiner", millions(found, "refiner."), "not told")
    assert millions(found) == pytest.approx(58.17, rel=0.01)


def test_hmvlm_as_its_appendix_tells_it() -> None:
    """S, K, l and the parts are told, no count."""
    show("HMVLM, motion tokenizer", millions(paper("hmvlm")), "not told")
    show("HMVLM, pose tokenizer", millions(paper("hmvlm-pose")), "not told")
    assert millions(paper("hmvlm")) == pytest.approx(27.3, rel=0.01)  # books aside, which are averages
    assert millions(paper("hmvlm-pose")) == pytest.approx(6.04, rel=0.01)
    assert millions(paper("hmvlm", parts=False, codes=5 * 512)) < millions(paper("hmvlm")), "table 5"


@pytest.mark.parametrize(
    ("strides", "counted"),
    [((3, 3, 2, 2), 123.13), ((3, 2, 2, 2), 101.63), ((2, 2, 2, 1), 95.31), ((1, 1, 1, 1), 90.49)],
)
def test_unimo_is_near_what_table_5_counts_at_every_expansion(strides: tuple[int, ...], counted: float) -> None:
    found = millions(made("unimo", SmplxConfig(strides=strides)))
    show(f"UniMo, s = 1/{SmplxConfig(strides=strides).expansion}", found, f"{counted} (table 5)")
    assert found == pytest.approx(counted, rel=0.12)


def test_unimotions_vae_is_near_the_papers_45_million() -> None:
    found = paper("unimotion")
    vae = millions(found, "enter.", "places", "motion.", "look.", "join.", "fused.", "decoder.")
    show("UniMotion, VAE without what sees pictures", vae, "45 (table 15)")
    show("UniMotion, flow head", millions(found, "head."), "not told")
    assert vae == pytest.approx(45, rel=0.1)


def test_supermans_visual_encoder_is_near_what_table_5_counts() -> None:
    """The backbone is left out: HRNet comes by name, with the user's weights."""
    found = paper("superman", backbone="small")
    encoder = millions(found, "visual.")
    show("Superman, visual encoder", encoder, "17.12 (table 5)")
    show("Superman, visual-skeleton attention at 48 channels", millions(found, "attention."), "0.11 (table 5)")
    show("Superman, hybrid book", millions(found, "book."), "16.78 (8192 entries of 2048)")
    assert encoder == pytest.approx(17.12, rel=0.12)
    assert millions(found, "book.") == pytest.approx(8192 * 2048 / 1e6)
