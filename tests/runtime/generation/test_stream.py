"""Windows of codes give the frames that all codes at once would give, and meet without a jump where they cannot."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motion.errors import BadConfig
from runtime.generation.stream import Codes, CodeStream, Features, Windows

RATE, WIDTH, REACH = 4, 3, 2
TABLE = np.random.default_rng(0).standard_normal((50, RATE, WIDTH)).astype(np.float32)
KERNEL = np.random.default_rng(1).standard_normal(2 * REACH * RATE + 1).astype(np.float32)


def convolve(codes: Codes, noise: Features) -> Features:
    """A decoder that sees REACH tokens to either side: look-up, noise, and a convolution over time, zeros outside."""
    frames = TABLE[codes].reshape(-1, WIDTH) + 0.1 * noise
    padded = np.pad(frames, ((REACH * RATE, REACH * RATE), (0, 0)))
    return np.stack([np.convolve(column, KERNEL, "valid") for column in padded.T], -1).astype(np.float32)


def offline(codes: list[int], seed: int, before: list[int], after: list[int]) -> Features:
    noise = np.random.default_rng(seed).standard_normal(
        ((len(before) + len(codes) + len(after)) * RATE, WIDTH), np.float32
    )
    frames = convolve(np.array(before + codes + after, np.int64), noise)
    return frames[len(before) * RATE : (len(before) + len(codes)) * RATE]


def streamed(codes: list[int], windows: Windows, seed: int, before: list[int], after: list[int]) -> list[Features]:
    stream = CodeStream(convolve, windows, RATE, WIDTH, seed, before)
    blocks = [block for code in codes if (block := stream.push(code)) is not None]
    return [*blocks, stream.finish(after)]


codes_lists = st.lists(st.integers(0, 49), min_size=REACH, max_size=30)


@given(
    codes=codes_lists,
    before=st.lists(st.integers(0, 49), max_size=6),
    after=st.lists(st.integers(0, 49), max_size=6),
    context=st.integers(REACH, 3 * REACH),
    fade=st.integers(0, 2),
    spare=st.integers(0, 2),
    first=st.integers(1, 3),
    later=st.integers(1, 5),
    seed=st.integers(0, 2**32 - 1),
)
def test_windows_as_wide_as_the_decoder_sees_give_the_very_frames_of_decoding_at_once(
    codes: list[int],
    before: list[int],
    after: list[int],
    context: int,
    fade: int,
    spare: int,
    first: int,
    later: int,
    seed: int,
) -> None:
    blocks = streamed(codes, Windows(context, REACH + fade + spare, first, later, fade), seed, before, after)
    assert np.allclose(np.concatenate(blocks), offline(codes, seed, before, after), atol=1e-4)


@given(codes=codes_lists, seed=st.integers(0, 99))
def test_every_code_gives_its_frames_once(codes: list[int], seed: int) -> None:
    blocks = streamed(codes, Windows(1, 0, 1, 3), seed, [], [])
    assert sum(len(block) for block in blocks) == len(codes) * RATE


def test_the_first_frames_come_after_one_token_and_its_lookahead_and_windows_grow() -> None:
    stream = CodeStream(convolve, Windows(context=8, lookahead=3, first=1, later=4), RATE, WIDTH, 0)
    lengths = [0 if (block := stream.push(code)) is None else len(block) for code in range(12)]
    assert lengths == [0, 0, 0, 4, 0, 8, 0, 0, 0, 16, 0, 0]
    assert len(stream.finish()) == 20


def test_where_windows_disagree_the_frames_pass_from_one_to_the_other_in_even_steps() -> None:
    calls = iter([0.0, 5.0, 0.0])

    def level(_: Codes, noise: Features) -> Features:
        return np.full((len(noise), WIDTH), next(calls), np.float32)

    stream = CodeStream(level, Windows(context=4, lookahead=2, first=2, later=2, fade=2), RATE, WIDTH, 0)
    blocks = [block for code in range(6) if (block := stream.push(code)) is not None]
    assert np.allclose(blocks[0], 0)
    assert np.allclose(blocks[1][:, 0], np.arange(1, 9) * 5 / 9)  # two tokens to fade: eight frames
    assert np.abs(np.diff(np.concatenate(blocks)[:, 0])).max() < 0.6


def test_the_same_seed_refines_the_same_noise_and_another_seed_other_noise() -> None:
    one, same, other = (np.concatenate(streamed(list(range(9)), Windows(4, 2), seed, [], [])) for seed in (7, 7, 8))
    assert np.array_equal(one, same)
    assert not np.allclose(one, other)


@pytest.mark.parametrize("windows", [{"context": -1, "lookahead": 0}, {"context": 0, "lookahead": 0, "first": 0}])
def test_windows_that_cannot_be_are_refused(windows: dict[str, int]) -> None:
    with pytest.raises(BadConfig, match="windows need context, lookahead and fade from 0"):
        Windows(**windows)
