"""Finite scalar quantization: codes, their digits, and the latents they stand for."""

from __future__ import annotations

import math

import pytest
import torch

from models.backbone import code_digits
from models.quantize import FSQ

LEVELS = [(7, 5, 5, 5, 5), (8, 6, 5), (3,), (4, 4)]


@pytest.mark.parametrize("levels", LEVELS)
def test_a_codes_digits_are_what_the_language_models_embedding_takes_them_for(levels: tuple[int, ...]) -> None:
    quantizer = FSQ(levels, 16)
    codes = torch.arange(quantizer.size)
    digits = quantizer.digits(codes)
    assert torch.equal(digits.long(), code_digits(levels))
    assert quantizer.size == math.prod(levels)
    assert len(set(map(tuple, digits.tolist()))) == quantizer.size


@pytest.mark.parametrize("levels", LEVELS)
def test_the_digits_give_the_code_back(levels: tuple[int, ...]) -> None:
    radix = torch.tensor([math.prod(levels[:i]) for i in range(len(levels))])
    assert torch.equal((code_digits(levels) * radix).sum(-1), torch.arange(math.prod(levels)))
    assert code_digits(levels).min() == 0
    assert torch.equal(code_digits(levels).amax(0), torch.tensor(levels) - 1)


def test_looking_a_code_up_gives_the_latents_that_were_quantized_to_it() -> None:
    torch.manual_seed(0)
    quantizer = FSQ((7, 5, 5, 5, 5), 16).eval()
    latents = torch.randn(4, 25, 16) * 3
    quantized, codes = quantizer(latents)
    assert codes.shape == (4, 25)
    assert len(codes.unique()) > 30, "different latents get different codes"
    assert torch.equal(quantizer.lookup(codes), quantized)
    assert 0 <= codes.min() <= codes.max() < quantizer.size


def test_codes_that_differ_by_one_digit_lie_on_a_line_in_one_channel() -> None:
    quantizer = FSQ((7, 5, 5, 5, 5), 16).eval()
    row = quantizer.lookup(torch.arange(7)[None])[0]  # the first digit runs fastest
    steps = row.diff(dim=0)
    torch.testing.assert_close(steps, steps[:1].expand_as(steps), atol=1e-5, rtol=1e-4)
    assert steps.norm(dim=-1).min() > 1e-3


def test_gradients_pass_straight_through() -> None:
    torch.manual_seed(0)
    quantizer = FSQ((7, 5, 5), 8)
    latents = (torch.randn(2, 5, 8) * 0.5).requires_grad_()
    quantizer(latents)[0].square().sum().backward()
    assert latents.grad is not None
    assert latents.grad.abs().sum() > 0


def test_half_precision_latents_give_half_precision_back() -> None:
    quantizer = FSQ((7, 5, 5), 8)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        quantized, _ = quantizer(torch.randn(1, 5, 8, dtype=torch.bfloat16))
    assert quantized.dtype == torch.bfloat16
