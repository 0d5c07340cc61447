"""The exporter's options: what a recipe says counts, unless the command says otherwise."""

from __future__ import annotations

import pytest

from export import recipe, to_onnx
from models.tokenizers.vermo import FlowVQConfig
from motion.errors import BadConfig
from tests.models.tokenizers import samples


def test_the_refiners_steps_can_be_set_where_there_is_a_refiner() -> None:
    stepping = to_onnx._stepping(recipe.load(samples.FOLDER / "vermo-tiny.toml"), 7).tokenizer
    assert isinstance(stepping, FlowVQConfig)
    assert stepping.refiner_steps == 7
    with pytest.raises(BadConfig, match="'unimo-tiny' has no refiner"):
        to_onnx._stepping(recipe.load(samples.FOLDER / "unimo-tiny.toml"), 7)
