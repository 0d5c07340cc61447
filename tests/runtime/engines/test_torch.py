"""The adapter in torch: merged as peft merges it, and refused where it is another backbone's."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from motion.errors import BadBundle
from runtime.engines.torch import merged
from tests.runtime.language_models import Parts, make


@pytest.fixture(scope="module", params=[True, False], ids=["tied", "untied"])
def parts(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Parts:
    return make(tmp_path_factory.mktemp("backbone"), tied=request.param)


@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing. is deprecated:FutureWarning")
def test_the_merged_adapter_is_pefts_own_merge(parts: Parts) -> None:
    from peft import LoraConfig, get_peft_model, set_peft_model_state_dict

    causal: Any = AutoModelForCausalLM.from_pretrained(parts.folder, dtype=torch.float32)
    config: Any = LoraConfig(r=2, lora_alpha=6, target_modules="all-linear")
    adapted: Any = get_peft_model(copy.deepcopy(causal.model), config)
    set_peft_model_state_dict(adapted, {name: torch.from_numpy(v).float() for name, v in parts.adapter.tensors.items()})
    theirs = adapted.merge_and_unload().state_dict()
    before = {name: value.clone() for name, value in causal.state_dict().items()}
    trunk: Any = merged(causal.model, parts.adapter.tensors, parts.adapter.scale)
    ours = trunk.state_dict()
    assert set(ours) == set(theirs)
    for name, value in ours.items():
        torch.testing.assert_close(value, theirs[name], atol=1e-6, rtol=1e-5)
    for name, value in causal.state_dict().items():
        assert torch.equal(value, before[name]), name
    assert trunk.embed_tokens.weight is causal.model.embed_tokens.weight


@pytest.mark.parametrize("damage", ["a name nobody has", "another width", "half of a pair"])
def test_an_adapter_of_another_backbone_is_refused_in_torch(parts: Parts, damage: str) -> None:
    tensors = dict(parts.adapter.tensors)
    name = next(name for name in tensors if name.endswith("q_proj.lora_A.weight"))
    if damage == "a name nobody has":
        tensors[name.replace("q_proj", "r_proj")] = tensors.pop(name)
    elif damage == "another width":
        tensors[name] = tensors[name][:, :-1]
    else:
        del tensors[name.replace("lora_A", "lora_B")]
    causal: Any = AutoModelForCausalLM.from_pretrained(parts.folder, dtype=torch.float32)
    with pytest.raises(BadBundle, match="does not fit the backbone; serve the bundle on the backbone it names"):
        merged(causal.model, tensors, 1.0)
