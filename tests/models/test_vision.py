"""Picture backbones: the small one, another maker's from a folder, and sampling at places."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
from transformers import ResNetBackbone, ResNetConfig

from models import vision
from motion.errors import BadConfig, MissingPart


def test_the_small_one_sees_at_a_quarter_of_the_size() -> None:
    small = vision.build("small")
    assert small(torch.rand(2, 3, 64, 48)).shape == (2, small.channels, 16, 12)
    assert all(parameter.requires_grad for parameter in small.parameters())


def test_one_of_transformers_comes_from_a_folder_frozen(tmp_path: Path) -> None:
    sizes = ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic")
    sizes.out_features = ["stage1", "stage2"]
    ResNetBackbone(sizes).save_pretrained(tmp_path)
    found = vision.build(f"transformers:{tmp_path}")
    found.train()
    maps = found(torch.rand(1, 3, 64, 64))
    assert maps.shape == (1, found.channels, 16, 16)
    assert found.channels == 24
    assert not any(parameter.requires_grad for parameter in found.parameters())
    assert not any(module.training for module in found.modules() if module is not found)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("resnet", "no backbone 'resnet'; choose small, timm:NAME or transformers:FOLDER"),
        ("transformers:nowhere", "'nowhere' holds none"),
    ],
)
def test_what_there_is_not_is_named(name: str, words: str) -> None:
    with pytest.raises(BadConfig, match=words):
        vision.build(name)


def test_one_of_timm_comes_by_name() -> None:
    pytest.importorskip("timm", reason="needs the extra vision")
    found = vision.build("timm:resnet10t")
    assert found(torch.rand(1, 3, 64, 64)).shape == (1, found.channels, 16, 16)
    with pytest.raises(BadConfig, match=r"choose one of timm\.list_models"):
        vision.build("timm:no_such_net")


def test_timm_that_cannot_be_loaded_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(MissingPart, match=r'pip install -e "\.\[vision\]"'):
        vision.build("timm:resnet10t")


def test_sampling_reads_the_map_between_its_cells() -> None:
    ramp = torch.arange(8.0).expand(1, 1, 8, 8)  # grows to the right
    centres = (torch.arange(8) + 0.5) / 8 * 2 - 1
    places = torch.stack([centres, torch.zeros(8)], dim=-1)[None]
    torch.testing.assert_close(vision.sampled(ramp, places)[0, :, 0], torch.arange(8.0))
    between = places + torch.tensor([1 / 8, 0.0])
    torch.testing.assert_close(vision.sampled(ramp, between)[0, :7, 0], torch.arange(7.0) + 0.5)
