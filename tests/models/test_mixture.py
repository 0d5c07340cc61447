"""A mixture of LoRA experts beside a frozen backbone: what it begins as, and what its weights do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from transformers import AutoModelForCausalLM

from models import checkpoint
from models.mixture import Mixture
from models.packing import Adapter
from runtime.engines.torch import merged
from tests.models.test_packing import adapter
from tests.models.tiny import save_backbone

EXPERTS, RANK = 4, 2


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_backbone(tmp_path_factory.mktemp("backbone"))


@pytest.fixture(scope="module")
def lora(folder: Path) -> Adapter:
    return adapter(checkpoint.read(folder).sizes)


def trunk(folder: Path) -> Any:
    causal: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")
    return causal.model.eval().requires_grad_(False)


def tensors(lora: Adapter) -> dict[str, Tensor]:
    return {name: torch.from_numpy(value) for name, value in lora.tensors.items()}


def mixed(folder: Path, scale: float = 5.0) -> tuple[Any, Mixture]:
    """A backbone with experts that matter."""
    torch.manual_seed(0)
    own = trunk(folder)
    mixture = Mixture(own, EXPERTS, RANK, scale)
    for branch in mixture.branches.values():
        nn.init.normal_(branch.leave, std=0.05)  # type: ignore[arg-type]
    return own, mixture


def embeds(count: int, length: int = 7) -> Tensor:
    return 0.3 * torch.randn(count, length, 32, generator=torch.Generator().manual_seed(count))


def states(own: Any, mixture: Mixture, x: Tensor, weights: Tensor | None) -> Tensor:
    return mixture.run(own, weights, inputs_embeds=x, use_cache=False).last_hidden_state


@torch.inference_mode()
def test_a_mixture_begun_from_one_lora_computes_with_all_experts_alike_what_that_did(
    folder: Path, lora: Adapter
) -> None:
    """Four experts of rank 2 hold what three matrices of rank 2 do: nothing is left out."""
    own, mixture = mixed(folder)
    mixture.begin(tensors(lora), lora.scale)
    x = embeds(2)
    theirs: Any = merged(trunk(folder), lora.tensors, lora.scale)
    wanted = theirs(inputs_embeds=x, use_cache=False).last_hidden_state
    even = torch.full((2, 1, EXPERTS), 1 / (EXPERTS + 1))
    torch.testing.assert_close(states(own, mixture, x, even), wanted, atol=2e-4, rtol=2e-4)
    assert (trunk(folder)(inputs_embeds=x, use_cache=False).last_hidden_state - wanted).abs().max() > 0.1


@torch.inference_mode()
def test_weights_of_zero_and_no_weights_are_the_backbone_bit_for_bit(folder: Path) -> None:
    own, mixture = mixed(folder)
    x = embeds(2)
    plain = trunk(folder)(inputs_embeds=x, use_cache=False).last_hidden_state
    assert torch.equal(states(own, mixture, x, torch.zeros(2, 1, EXPERTS)), plain)
    assert torch.equal(states(own, mixture, x, None), plain)
    assert (states(own, mixture, x, torch.full((2, 1, EXPERTS), 0.2)) - plain).abs().max() > 0.1


@torch.inference_mode()
def test_messages_with_different_weights_in_one_batch_get_what_each_gets_alone(folder: Path) -> None:
    own, mixture = mixed(folder)
    x = embeds(3)
    weights = torch.tensor([[[0.7, 0.1, 0, 0.1]], [[0.0, 0, 0, 0]], [[0.05, 0.05, 0.3, 0.6]]])
    together = states(own, mixture, x, weights)
    for row in range(3):
        alone = states(own, mixture, x[row : row + 1], weights[row : row + 1])[0]
        torch.testing.assert_close(together[row], alone, atol=1e-5, rtol=1e-5)
    assert (together - states(own, mixture, x, weights.flip(0))).abs().amax((1, 2)).min() < 1e-4, "the middle one's"
    assert (together[0] - states(own, mixture, x, weights.flip(0))[0]).abs().max() > 0.05


@torch.inference_mode()
def test_weights_may_be_each_tokens_own(folder: Path) -> None:
    """What stands before a message's conditions is read with other weights than the rest."""
    own, mixture = mixed(folder)
    x = embeds(1)
    weights = torch.zeros(1, 7, EXPERTS)
    weights[:, 4:] = 0.25
    plain, ours = (states(own, mixture, x, one) for one in (None, weights))
    torch.testing.assert_close(ours[:, :4], plain[:, :4])
    assert (ours[:, 4:] - plain[:, 4:]).abs().max() > 0.05


def test_the_experts_alone_learn(folder: Path) -> None:
    own, mixture = mixed(folder)
    states(own, mixture, embeds(2), torch.full((2, 1, EXPERTS), 0.2)).square().mean().backward()
    assert all(parameter.grad is not None for parameter in mixture.parameters())
    assert all(parameter.grad is None for name, parameter in own.named_parameters())
    assert len(mixture.branches) == 2 * 4, "four groups of matrices in each of two layers"
