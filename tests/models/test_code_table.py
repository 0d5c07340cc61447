"""The motion vocabulary's tables in numpy are those of the network that was trained."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from models import code_table
from models.backbone import MotionVocabularyLayers
from motion.errors import BadBundle

LEVELS = (7, 5, 3)


@pytest.fixture(scope="module")
def layers() -> MotionVocabularyLayers:
    torch.manual_seed(0)
    made = MotionVocabularyLayers(LEVELS, 24, hidden=40)
    for parameter in made.parameters():
        nn.init.normal_(parameter, std=0.7)
    return made.requires_grad_(False)


def weights(layers: MotionVocabularyLayers) -> dict[str, np.ndarray]:
    return {name: value.numpy() for name, value in layers.state_dict().items()}


def test_embeddings_head_and_bias_are_torchs_to_a_millionth(layers: MotionVocabularyLayers) -> None:
    embeddings, head, bias = code_table.tables(weights(layers), LEVELS)
    for ours, theirs in zip((embeddings, head, bias), (layers.embeddings(), *layers.head()), strict=True):
        assert ours.dtype == np.float32
        np.testing.assert_allclose(ours, theirs.numpy(), atol=2e-6 * float(theirs.abs().max()))


def test_weights_may_lie_in_half_precision(layers: MotionVocabularyLayers) -> None:
    half = {name: value.astype(np.float16) for name, value in weights(layers).items()}
    np.testing.assert_allclose(
        code_table.tables(half, LEVELS)[0], code_table.tables(weights(layers), LEVELS)[0], atol=0.05
    )


@pytest.mark.parametrize("damage", ["levels", "a part", "a row"])
def test_tables_that_do_not_fit_are_refused(layers: MotionVocabularyLayers, damage: str) -> None:
    found = weights(layers)
    if damage == "a part":
        del found["special_head"]
    if damage == "a row":
        found["bias"] = found["bias"][:-1]
    with pytest.raises(BadBundle, match="the motion vocabulary does not fit levels"):
        code_table.tables(found, (7, 5) if damage == "levels" else LEVELS)
