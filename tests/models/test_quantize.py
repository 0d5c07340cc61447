"""Quantizers: codes, their digits, the latents they stand for, and what each learns by."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from models.backbone import code_digits
from models.quantize import FSQ, LFQ, RVQ, VQ, nearest
from motion.errors import BadConfig, MissingPart

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


def test_channels_that_say_the_same_are_less_even_than_channels_that_do_not() -> None:
    torch.manual_seed(0)
    quantizer = FSQ((7, 5, 5, 5, 5), 5)  # no projection: latents are the channels
    alone = torch.atanh(torch.rand(1, 2000, 5) * 1.998 - 0.999)
    alike = alone[..., :1].expand(-1, -1, 5)
    timid = alone * 0.2
    even, same, narrow = (float(quantizer.unevenness(latents)) for latents in (alone, alike, timid))
    assert even < 0.002
    assert same > 10 * even, "each channel fills its levels, but most codes stay unused"
    assert narrow > 10 * even


def test_descending_unevenness_brings_more_codes_into_use() -> None:
    torch.manual_seed(0)
    quantizer = FSQ((7, 5, 5, 5, 5), 5)
    latents = (torch.randn(1, 1000, 1) + 0.1 * torch.randn(1, 1000, 5)).requires_grad_()
    before = len(quantizer(latents)[1].unique())
    optimizer = torch.optim.Adam([latents], lr=0.05)
    for _ in range(100):
        optimizer.zero_grad()
        quantizer.unevenness(latents).backward()
        optimizer.step()
    assert len(quantizer(latents)[1].unique()) > 2 * before


def test_rounding_the_channels_is_quantizing_the_latents() -> None:
    torch.manual_seed(0)
    quantizer = FSQ((7, 5, 5, 5, 5), 16)
    latents = torch.randn(2, 9, 16)
    quantized, codes = quantizer.round(quantizer.channels(latents))
    torch.testing.assert_close(quantized, quantizer(latents)[0])
    assert torch.equal(codes, quantizer(latents)[1].long())


def made(name: str) -> FSQ | LFQ | RVQ | VQ:
    torch.manual_seed(0)
    if name == "fsq":
        return FSQ((4, 4, 4), 6)
    if name == "lfq":
        return LFQ(64, 6)
    if name in ("vq", "learned"):
        return VQ(64, 6, learned=name == "learned")
    return RVQ(64, 6, int(name.removeprefix("rvq")))


NAMES = ["fsq", "lfq", "vq", "learned", "rvq1", "rvq3", "rvq6"]


@pytest.mark.parametrize("name", NAMES)
def test_every_quantizer_gives_codes_that_give_the_quantized_latents_back(name: str) -> None:
    quantizer = made(name).eval()
    latents = torch.randn(2, 40, 6)
    quantized, codes = quantizer(latents)
    books = () if name not in ("rvq3", "rvq6") else (int(name[-1]),)
    assert codes.shape == (2, 40, *books)
    assert not codes.is_floating_point()
    assert 0 <= codes.min() <= codes.max() < quantizer.size
    assert len(codes.unique()) > 1
    torch.testing.assert_close(quantizer.lookup(codes), quantized)


@pytest.mark.parametrize("name", NAMES)
def test_learning_gives_the_same_codes_and_reaches_the_latents(name: str) -> None:
    quantizer = made(name).train()
    quantizer.learn(torch.randn(8, 100, 6))  # a book of averages begins with its first latents
    latents = torch.randn(2, 40, 6, requires_grad=True)
    with torch.no_grad():
        plain, codes = quantizer.eval()(latents)
    quantized, learned, terms = quantizer.train().learn(latents)
    assert torch.equal(codes.long(), learned.long())
    torch.testing.assert_close(quantized, plain)
    (quantized.sum() + sum(terms.values())).backward()
    assert latents.grad is not None
    assert latents.grad.abs().min() > 0


@pytest.mark.parametrize("name", ["rvq1", "rvq3", "vq", "learned"])
def test_the_library_chooses_the_same_entries(name: str) -> None:
    quantizer = made(name).train()
    assert isinstance(quantizer, RVQ | VQ)
    quantizer.learn(torch.randn(8, 100, 6))  # the library's begins with its first latents
    quantizer.eval()
    latents = torch.randn(2, 40, 6)
    theirs = quantizer.inner(latents)[1]
    assert torch.equal(quantizer(latents)[1], theirs[..., 0] if name == "rvq1" else theirs)


def test_more_books_leave_less() -> None:
    latents = torch.randn(4, 64, 6)
    left: list[float] = []
    for books in (1, 3, 6):
        quantizer = made(f"rvq{books}").train()
        for _ in range(20):  # entries nobody chose become latents of the batch
            quantizer.learn(latents)
        left.append(float((quantizer.eval()(latents)[0] - latents).square().mean()))
    assert left[0] > 1.5 * left[1] > 2 * left[2]


def test_the_terms_of_a_learned_book_are_the_formulas() -> None:
    quantizer = made("learned").train()
    assert isinstance(quantizer, VQ)
    book = quantizer.inner.codebook.detach().numpy().copy()
    latents = torch.randn(1, 30, 6, requires_grad=True)
    _, codes, terms = quantizer.learn(latents)
    z = latents.detach().numpy()[0]
    chosen = np.square(z[:, None] - book).sum(-1).argmin(1)
    np.testing.assert_array_equal(codes[0].numpy(), chosen)
    expected = np.square(z - book[chosen]).mean()
    assert terms["embed"].item() == pytest.approx(expected, rel=1e-5)
    assert terms["commit"].item() == pytest.approx(expected, rel=1e-5)
    (entries,) = quantizer.parameters()
    assert torch.autograd.grad(terms["embed"], latents, allow_unused=True, retain_graph=True)[0] is None
    assert torch.autograd.grad(terms["commit"], entries, allow_unused=True, retain_graph=True)[0] is None
    moved = torch.autograd.grad(terms["embed"], entries)[0]
    assert set(moved[0].abs().sum(-1).nonzero()[:, 0].tolist()) == set(chosen.tolist())


def test_the_nearest_entry_is_the_nearest() -> None:
    latents, entries = torch.randn(3, 5, 4), torch.randn(9, 4)
    assert torch.equal(nearest(latents, entries), torch.cdist(latents, entries[None]).argmin(-1))


def test_signs_come_in_powers_of_two() -> None:
    with pytest.raises(BadConfig, match="power of two"):
        LFQ(100, 6)


def test_a_book_of_averages_begins_from_the_latents_that_were_free() -> None:
    torch.manual_seed(0)
    quantizer = VQ(8, 6, free=3).train()
    groups = torch.randn(8, 6) * 3
    for step in range(8):
        latents = (groups[torch.arange(200) % 8] + 0.05 * torch.randn(200, 6))[None].requires_grad_()
        quantized, codes, terms = quantizer.learn(latents)
        if step < 3:
            assert quantized is latents
            assert terms["commit"] == 0
        else:
            assert len(codes.unique()) == 8
            assert terms["commit"] < 0.01
            quantized.sum().backward()
            assert latents.grad is not None
    held = quantizer.eval()(groups[None])[0][0]
    torch.testing.assert_close(held, groups, atol=0.1, rtol=0)


def test_without_the_library_quantizers_are_asked_for_in_a_sentence_and_programs_end_with_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "vector_quantize_pytorch", None)
    with pytest.raises(MissingPart, match="vector-quantize-pytorch's, which is not installed"):
        VQ(8, 4)
    made = "import sys; sys.modules['vector_quantize_pytorch'] = None; sys.argv = ['evaluate', 'reconstruction'];"
    root = Path(__file__).parents[2]
    (tmp_path / "tokenizer.safetensors").touch()
    made += f"sys.argv += ['--recipe', {str(_recipe(root, tmp_path))!r}]; from export import evaluate; "
    said = subprocess.run(
        [sys.executable, "-c", made + "sys.exit(evaluate.main())"], cwd=root, capture_output=True, text=True
    )
    assert said.returncode == 2, said.stderr
    assert 'pip install -e ".[train]"' in said.stderr
    assert "Traceback" not in said.stderr


def _recipe(root: Path, run: Path) -> Path:
    """The tiny recipe with a run of its own."""
    text = (root / "export/recipes/vermo-tiny.toml").read_text(encoding="utf-8")
    (run / "tiny.toml").write_text(text.replace('"runs/vermo-tiny"', f'"{run}"'), encoding="utf-8")
    return run / "tiny.toml"
