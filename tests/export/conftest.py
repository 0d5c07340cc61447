"""Prepared clips and a trained tokenizer of the small studio, made once for all tests of the factory."""

from __future__ import annotations

from pathlib import Path

import pytest

from export.recipe import Recipe
from export.training import stages
from tests.export import studio


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of prepared clips; tests must not write into it."""
    return studio.prepared(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="session")
def trained(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    """A recipe whose tokenizer has been trained, uninterrupted."""
    made = studio.recipe(data, tmp_path_factory.mktemp("run") / "whole")
    stages.train(made)
    return made
