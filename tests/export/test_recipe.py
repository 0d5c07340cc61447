"""Recipes: the three sizes load, the paper's is the paper's, and what does not fit is named."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from export import recipe
from export.recipe import Recipe
from models.backbone import MotionVocabularyLayers
from models.tokenizers.vermo import FlowVQ, FlowVQConfig
from motion.errors import BadConfig

FOLDER = Path(recipe.__file__).parent / "recipes"
RECIPES = sorted(FOLDER.glob("*.toml"))


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_every_recipe_loads_and_is_called_what_its_file_is_called(path: Path) -> None:
    loaded = recipe.load(path)
    assert path.stem in (loaded.name, f"vermo-{loaded.name}")
    assert loaded.run.name == path.stem
    further = {"cmu-actions", "game", "emotes", "aist", "composed-free"}
    assert set(loaded.corpora) <= {"bandai", "cmu", "dance", "hdm05", "misc", "cc0", "composed", *further}
    assert loaded.tokenizer.codes == math.prod(loaded.tokenizer.levels or (0,))
    if path.stem.startswith("vermo"):
        assert loaded.tokenizer.codes == 4375


def test_there_are_three_sizes() -> None:
    assert {"vermo-tiny", "vermo-base", "vermo-paper"} <= {path.stem for path in RECIPES}


def _millions(module: torch.nn.Module) -> float:
    return sum(parameter.numel() for parameter in module.parameters()) / 1e6


@pytest.mark.parametrize(
    ("name", "autoencoder", "refiner"), [("tiny", 0.113, 0.036), ("base", 8.12, 4.04), ("paper", 31.84, 26.33)]
)
def test_a_tokenizer_of_each_size_can_be_made_without_memory_for_it(
    name: str, autoencoder: float, refiner: float
) -> None:
    loaded = recipe.load(FOLDER / f"vermo-{name}.toml")
    assert isinstance(loaded.tokenizer, FlowVQConfig)
    with torch.device("meta"):
        made = FlowVQ(loaded.tokenizer)
    assert {name.split(".")[0] for name, p in made.named_parameters() if not p.is_meta} == {"quantizer"}  # 5 channels
    found = _millions(made) - _millions(made.refiner), _millions(made.refiner)
    print(f"{name}: {found[0]:.2f} million parameters in the autoencoder, {found[1]:.2f} in the refiner")
    assert found == (pytest.approx(autoencoder, rel=0.01), pytest.approx(refiner, rel=0.02))


def test_the_papers_language_model_can_be_made_without_memory_for_it() -> None:
    """VerMo stands on LLaMA 3.2 1B: its sizes are in appendix A.2, its key and value heads in the model's card."""
    loaded = recipe.load(FOLDER / "vermo-paper.toml")
    sizes = LlamaConfig(
        vocab_size=128_256, hidden_size=2048, intermediate_size=8192, num_hidden_layers=16, num_attention_heads=32,
        num_key_value_heads=8, tie_word_embeddings=True,
    )  # fmt: skip
    with torch.device("meta"):
        causal = LlamaForCausalLM(sizes)
    layers = MotionVocabularyLayers(loaded.tokenizer.levels, 2048)
    print(f"paper: {_millions(causal):.0f} million parameters in the backbone, {_millions(layers):.1f} beside it")
    assert _millions(causal) == pytest.approx(1236, rel=0.01)
    assert layers.embeddings().shape == (4375 + 29, 2048)


def _written(tmp_path: Path, old: str, new: str) -> Path:
    text = (FOLDER / "vermo-tiny.toml").read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "changed.toml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("depth = 1", "depht = 1", r"unknown setting 'tokenizer\.depht'; known here: width, depth"),
        ('name = "tiny"', 'nmae = "tiny"', "unknown setting 'nmae'"),
        ("rank = 2", "rank = 2.5", r"'language\.rank' must be int"),
        ("steps = 30\n", "", r"'tokenizer_training\.steps' is missing"),
        ("steps = 30", "steps = 0", "must be positive"),
        ("learning_rate = 1e-3", "learning_rate = -1e-3", "must be positive"),
        ("width = 32", "width = 0", "must be positive"),
        ("warmup = 5", 'warmup = 5\nprecision = "fp8"', r"'tokenizer_training\.precision' must be one of 'no', 'bf16'"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path: Path, old: str, new: str, words: str) -> None:
    with pytest.raises(BadConfig, match=words):
        recipe.load(_written(tmp_path, old, new))


def test_a_task_nobody_knows_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match="no task 'dance'; the tasks are text-to-motion"):
        recipe.load(_written(tmp_path, 'name = "tiny"', 'name = "tiny"\ntasks = ["text-to-motion", "dance"]'))


def test_a_task_without_a_share_is_named(tmp_path: Path) -> None:
    shares = "[curriculum]\nshares = { text-to-motion = 1.0, motion-to-text = 1 }\n[language]"
    with pytest.raises(BadConfig, match=r"trains 'prediction'; give it a share in curriculum\.shares"):
        recipe.load(_written(tmp_path, "[language]", shares))


@pytest.mark.parametrize("setting", ["rivals = 1.5", "common = 0", "actions = { kick = -1.0 }"])
def test_a_curriculum_that_cannot_be_is_refused(tmp_path: Path, setting: str) -> None:
    with pytest.raises(BadConfig, match="curriculum's"):
        recipe.load(_written(tmp_path, "[language]", f"[curriculum]\n{setting}\n[language]"))


def test_a_recipe_without_corpora_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match="at least one corpus"):
        recipe.load(_written(tmp_path, 'corpora = ["misc", "cc0"]', "corpora = []"))


def test_a_change_is_read(tmp_path: Path) -> None:
    loaded: Recipe = recipe.load(_written(tmp_path, "refiner_steps = 2", "refiner_steps = 9"))
    assert isinstance(loaded.tokenizer, FlowVQConfig)
    assert loaded.tokenizer.refiner_steps == 9
