"""Ablations: variants are the recipe with their own changes, train once, and are measured alike."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from export import ablate
from export.training import stages
from models.tokenizers.hmvlm import BodyPartsConfig
from motion.errors import BadConfig
from tests.models.tokenizers import samples

FOLDER = samples.FOLDER.parent / "ablations"


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.toml")), ids=lambda path: path.stem)
def test_every_ablation_of_ours_is_read_and_its_variants_differ(path: Path) -> None:
    variants = ablate.recipes(ablate.load(path))
    assert len({str(one.tokenizer) for one in variants}) == len(variants)
    assert len({one.run for one in variants}) == len(variants)
    for one in variants:
        stages.made(one)


def _written(folder: Path, data: Path) -> Path:
    text = (samples.FOLDER / "hmvlm-tiny.toml").read_text(encoding="utf-8")
    text = text.replace('"runs/hmvlm-tiny"', f'"{folder / "run"}"').replace('data = "data"', f'data = "{data}"')
    (folder / "tiny.toml").write_text(text, encoding="utf-8")
    (folder / "ablation.toml").write_text(
        f"""paper = "HMVLM, table 5"
told = "parts are better"
recipe = "{folder / "tiny.toml"}"
[changes.tokenizer_training]
steps = 3
batch = 64
precision = "no"
[variants.parts]
[variants."whole body".tokenizer]
parts = false
""",
        encoding="utf-8",
    )
    return folder / "ablation.toml"


def test_variants_train_once_and_are_measured_alike(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _written(tmp_path, data)
    parts, whole = ablate.recipes(ablate.load(path))
    assert isinstance(parts.tokenizer, BodyPartsConfig)
    assert isinstance(whole.tokenizer, BodyPartsConfig)
    assert parts.tokenizer.parts
    assert not whole.tokenizer.parts
    assert parts.tokenizer_training == whole.tokenizer_training
    command = ["ablate", str(path), "--json", str(tmp_path / "figures.json"), "--clips-most", "2"]
    monkeypatch.setattr(sys, "argv", command)
    assert ablate.main() == 0
    figures = json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))
    assert list(figures["rows"]) == ["parts", "whole body"]
    assert figures["rows"]["parts"]["codes_per_s"] == 5 * figures["rows"]["whole body"]["codes_per_s"]
    assert figures["training"]["steps"] == 3
    began = (parts.run / "tokenizer.safetensors").stat().st_mtime_ns
    assert ablate.main() == 0
    assert (parts.run / "tokenizer.safetensors").stat().st_mtime_ns == began


def test_one_variant_and_an_unknown_setting_are_sentences(tmp_path: Path) -> None:
    (tmp_path / "one.toml").write_text('paper = "p"\ntold = "t"\nrecipe = "r.toml"\n[variants.one]\n')
    with pytest.raises(BadConfig, match="two variants or more"):
        ablate.load(tmp_path / "one.toml")
    (tmp_path / "odd.toml").write_text('paper = "p"\ntold = "t"\nrecipe = "r.toml"\nvariants = 3\n')
    with pytest.raises(BadConfig, match="'variants' must be a table"):
        ablate.load(tmp_path / "odd.toml")
