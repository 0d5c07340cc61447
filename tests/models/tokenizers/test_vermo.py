"""FlowVQ: shapes, what a token's window of context must be, and a refiner that cannot do worse than it knows."""

from __future__ import annotations

import copy
import dataclasses

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from models import flow
from models.tokenizers.contract import Batch
from models.tokenizers.vermo import FlowVQ, FlowVQConfig
from motion import clip as clips
from motion import features
from motion.errors import BadClip, BadConfig
from motion.features import LAYOUT, WIDTH, Statistics, pos
from tests.motion.clips import backflip, lie_down, stroll

SMALL = FlowVQConfig(width=24, depth=1, refiner_width=16, refiner_blocks=2, refiner_heads=2, refiner_hidden=32)
DEEP = dataclasses.replace(SMALL, depth=3)  # as deep as what ships: the field of view depends on depth alone
CONTEXT = 11  # tokens to either side that a token's frames depend on, at depth 3


def frames() -> Tensor:
    """Two pieces (2, 48, 201) of recorded motion."""
    return torch.from_numpy(np.stack([features.encode(clip())[:48] for clip in (backflip, lie_down)]))


def made(config: FlowVQConfig = SMALL) -> FlowVQ:
    torch.manual_seed(0)
    every = np.concatenate([features.encode(clip()) for clip in (backflip, lie_down, stroll)])
    tokenizer = FlowVQ(config, Statistics.measure(every)).eval()
    nn.init.normal_(tokenizer.refiner.leave.weight, std=0.02)  # it begins as zero: let it say something
    return tokenizer


def codes(count: int, batch: int = 1, seed: int = 0) -> Tensor:
    return torch.randint(0, 4375, (batch, count), generator=torch.Generator().manual_seed(seed))


@torch.inference_mode()
def test_four_frames_make_a_code_and_a_code_four_frames() -> None:
    tokenizer = made()
    found = tokenizer.encode(frames())
    assert found.shape == (2, 12)
    assert found.dtype == torch.int64
    assert 0 <= found.min() <= found.max() < tokenizer.config.codes == 4375
    assert len(found.unique()) > 8, "different motion gets different codes"
    decoded = tokenizer.decode(found)
    assert decoded.shape == (2, 48, WIDTH)
    noise = torch.randn(2, 48, WIDTH)
    assert tokenizer.refine(found, decoded, noise, flow.sampling_sigmas(2)).shape == (2, 48, WIDTH)


@torch.inference_mode()
def test_one_of_a_batch_is_coded_and_decoded_as_it_would_be_alone() -> None:
    tokenizer = made()
    found = tokenizer.encode(frames())
    for b in range(2):
        assert torch.equal(tokenizer.encode(frames()[b : b + 1])[0], found[b])
        torch.testing.assert_close(tokenizer.decode(found[b : b + 1])[0], tokenizer.decode(found)[b])
    noise, sigmas = torch.randn(2, 48, WIDTH), flow.sampling_sigmas(3)
    plain = tokenizer.decode(found)
    together = tokenizer.refine(found, plain, noise, sigmas)
    alone = tokenizer.refine(found[1:], plain[1:], noise[1:], sigmas)
    torch.testing.assert_close(alone[0], together[1], atol=1e-5, rtol=1e-4)


@torch.inference_mode()
def test_normalisation_is_inside_and_is_undone() -> None:
    tokenizer = made()
    normal = tokenizer.scale(frames())
    assert normal.abs().mean() < 3
    torch.testing.assert_close(tokenizer.scale.undo(normal), frames(), atol=1e-4, rtol=1e-4)
    assert torch.equal(made().scale.mean, torch.as_tensor(tokenizer.scale.mean))
    assert not torch.equal(tokenizer.scale.std, torch.ones(WIDTH))


@torch.inference_mode()
def _decoded(tokenizer: FlowVQ, found: Tensor) -> Tensor:
    """What the decoder makes of codes, in float64: the far ends of what a code reaches are faint."""
    quantized = tokenizer.quantizer.lookup(found).double()
    return copy.deepcopy(tokenizer.decoder).double()(quantized.transpose(1, 2))[0].T


def test_a_code_reaches_43_frames_beyond_its_own_four_to_either_side() -> None:
    tokenizer = made(DEEP)
    reached: set[int] = set()
    for seed in range(3):  # a dead unit may hide the outermost frame of one pair of codes
        one, other = codes(41, seed=seed), codes(41, seed=seed)
        other[0, 20] = (other[0, 20] + 1234) % 4375
        difference = (_decoded(tokenizer, one) - _decoded(tokenizer, other)).abs().amax(-1)
        reached |= set(difference.nonzero()[:, 0].tolist())
    assert (min(reached), max(reached)) == (20 * 4 - 43, 20 * 4 + 3 + 43)


def test_a_window_with_eleven_tokens_of_context_decodes_as_the_whole_does_and_one_with_ten_does_not() -> None:
    tokenizer = made(DEEP)
    whole = codes(60)
    offline = _decoded(tokenizer, whole)

    def worst(before: int, after: int) -> float:
        errors: list[float] = []
        for token in range(0, 60, 3):
            first, stop = max(0, token - before), min(60, token + 1 + after)
            piece = _decoded(tokenizer, whole[:, first:stop])
            at = (token - first) * 4
            errors.append(float((piece[at : at + 4] - offline[token * 4 : token * 4 + 4]).abs().max()))
        return max(errors)

    assert worst(CONTEXT, CONTEXT) < 1e-12
    assert worst(CONTEXT - 1, CONTEXT) > 1e-9
    assert worst(CONTEXT, CONTEXT - 1) > 1e-9


@torch.inference_mode()
def test_a_frame_is_seen_by_the_codes_around_it_and_no_others() -> None:
    tokenizer = made(DEEP)
    still = torch.zeros(1, 320, WIDTH)
    moved = still.clone()
    moved[0, 160] = 5
    latents = [tokenizer.encoder(tokenizer.scale(x).transpose(1, 2)) for x in (still, moved)]
    seen = (latents[0] - latents[1]).abs().amax(1)[0].nonzero()[:, 0].tolist()
    assert 40 - 12 <= seen[0] < 40 < seen[-1] <= 40 + 12


@torch.inference_mode()
def test_the_same_noise_gives_the_same_motion_and_other_noise_another() -> None:
    tokenizer = made()
    found = codes(12)
    plain, sigmas = tokenizer.decode(found), flow.sampling_sigmas(2)
    noise = torch.randn(2, 48, WIDTH, generator=torch.Generator().manual_seed(0))
    one, again, other = (tokenizer.refine(found, plain, n[None], sigmas) for n in (noise[0], noise[0], noise[1]))
    assert torch.equal(one, again)
    assert not torch.allclose(one, other)


@torch.inference_mode()
def test_a_fresh_refiner_gives_back_the_plain_decoders_motion() -> None:
    """Its last layer begins as zero: it then takes the plain reconstruction for the truth at every noise level."""
    torch.manual_seed(0)
    tokenizer = FlowVQ(SMALL).eval()
    found = codes(12)
    plain = tokenizer.decode(found)
    refined = tokenizer.refine(found, plain, torch.randn_like(plain), flow.sampling_sigmas(4))
    torch.testing.assert_close(refined, plain, atol=1e-4, rtol=1e-4)


@torch.inference_mode()
def test_refining_follows_the_velocity_by_eulers_steps() -> None:
    tokenizer = made()
    found = codes(12)
    plain, noise, sigmas = tokenizer.decode(found), torch.randn(1, 48, WIDTH), flow.sampling_sigmas(3)
    x, quantized = noise, tokenizer.quantizer.lookup(found)
    for i in range(3):
        velocity = tokenizer.refiner(x, tokenizer.scale(plain), torch.tensor([sigmas[i]]), quantized)
        x = x - (sigmas[i] - sigmas[i + 1]) * velocity
    torch.testing.assert_close(tokenizer.refine(found, plain, noise, sigmas), tokenizer.scale.undo(x))


@torch.inference_mode()
def test_smoothing_calms_poses_and_leaves_turns_and_steps_which_add_up() -> None:
    plain, calm = made(), made(dataclasses.replace(SMALL, smoothing=1.0))
    found = codes(12)
    decoded, noise, sigmas = plain.decode(found), torch.randn(1, 48, WIDTH), flow.sampling_sigmas(2)
    rough, smooth = (tokenizer.refine(found, decoded, noise, sigmas) for tokenizer in (plain, calm))
    for name, columns in LAYOUT.items():
        one, other = rough[..., columns], smooth[..., columns]
        if name in ("root_turn", "root_step"):
            assert torch.equal(one, other), name
        else:
            assert other.diff(n=3, dim=1).abs().mean() < 0.5 * one.diff(n=3, dim=1).abs().mean(), name
            torch.testing.assert_close(other.mean(), one.mean(), atol=0.02, rtol=0.1)


@torch.inference_mode()
def test_smoothing_leaves_what_does_not_move_alone() -> None:
    calm = made(dataclasses.replace(SMALL, smoothing=1.5))
    still = torch.randn(1, 1, WIDTH).expand(1, 20, WIDTH)
    torch.testing.assert_close(calm._smooth(still), still)


def test_training_the_refiner_leaves_encoder_codes_and_decoder_alone() -> None:
    tokenizer = made().train()
    sigma = torch.tensor([0.7, 0.2])
    estimate, clean = tokenizer.estimate(frames(), sigma, torch.randn(2, 48, WIDTH))
    assert torch.equal(clean, tokenizer.scale(frames()))
    (estimate - clean).square().mean().backward()
    touched = {name.split(".")[0] for name, p in tokenizer.named_parameters() if p.grad is not None and p.grad.any()}
    assert touched == {"refiner"}


@torch.inference_mode()
def test_the_refiner_looks_at_the_codes() -> None:
    tokenizer = made()
    plain, noise = tokenizer.decode(codes(12)), torch.randn(1, 48, WIDTH)
    sigmas = flow.sampling_sigmas(2)
    one, other = (tokenizer.refine(codes(12, seed=seed), plain, noise, sigmas) for seed in (1, 2))
    assert (one - other).abs().max() > 1e-4


def test_a_few_steps_of_training_bring_reconstructions_closer() -> None:
    tokenizer = made(dataclasses.replace(SMALL, width=48))
    parameters = [*tokenizer.encoder.parameters(), *tokenizer.quantizer.parameters(), *tokenizer.decoder.parameters()]
    optimizer = torch.optim.Adam(parameters, 2e-3)
    losses: list[float] = []
    for _ in range(40):
        quantized, _ = tokenizer.quantize(frames())
        loss = nn.functional.smooth_l1_loss(tokenizer.reconstruct(quantized), tokenizer.scale(frames()))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.5 * losses[0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"width": 0}, "must be positive"),
        ({"refiner_blocks": -1}, "must be positive"),
        ({"refiner_width": 30, "refiner_heads": 4}, "multiple of twice its 4 heads"),
        ({"smoothing": -1.0}, "smoothing must be 0 or a few frames"),
        ({"smoothing": float("nan")}, "smoothing must be 0 or a few frames"),
        ({"levels": ()}, "levels must be 3 or more"),
        ({"levels": (7, 2)}, "levels must be 3 or more"),
        ({"quantizer": "vq", "levels": (1,)}, "levels must make two codes or more"),
        ({"quantizer": "vq", "books": 3}, "books are of quantizer 'rvq'"),
        ({"quantizer": "rvq", "books": 0}, "books are of quantizer 'rvq'"),
    ],
)
def test_sizes_that_cannot_be_are_refused(change: dict[str, object], words: str) -> None:
    with pytest.raises(BadConfig, match=words):
        dataclasses.replace(SMALL, **change)  # type: ignore[arg-type]


@torch.inference_mode()
def test_a_refiner_of_bounded_sight_refines_a_window_as_it_refines_the_whole() -> None:
    """Two blocks that see six frames back and two ahead: twelve and four, beyond them nothing."""
    bounded = made(dataclasses.replace(SMALL, refiner_before=6, refiner_after=2, smoothing=0.0))
    found = codes(24)
    plain = bounded.decode(found)
    noise = torch.randn(1, 96, WIDTH, generator=torch.Generator().manual_seed(2))
    sigmas = flow.sampling_sigmas(1)
    whole = bounded.refine(found, plain, noise, sigmas)
    window = bounded.refine(found[:, 6:18], plain[:, 24:72], noise[:, 24:72], sigmas)
    far = slice(24 + 4 * 4, 72 - 4)  # a window's first and last frames lack what lies beyond it
    torch.testing.assert_close(window[:, 16:44], whole[:, far], atol=1e-4, rtol=1e-4)
    assert (window[:, :4] - whole[:, 24:28]).abs().max() > 1e-3
    unbounded = made()
    one = unbounded.refine(found, plain, noise, sigmas)[:, far]
    other = unbounded.refine(found[:, 6:18], plain[:, 24:72], noise[:, 24:72], sigmas)[:, 16:44]
    assert (one - other).abs().max() > 1e-2


QUANTIZERS = [
    {"quantizer": "fsq"},
    {"quantizer": "vq", "levels": (64,)},
    {"quantizer": "rvq", "levels": (64,), "books": 3},
    {"quantizer": "rvq", "levels": (64,), "books": 6},
    {"quantizer": "lfq", "levels": (2,) * 6},
]


@pytest.mark.parametrize("change", QUANTIZERS, ids=lambda c: f"{c['quantizer']}{c.get('books', '')}")
def test_every_quantizer_of_tables_17_and_18_learns_both_feature_layouts(change: dict[str, object]) -> None:
    layout = features.find("pos")
    frames = torch.from_numpy(np.stack([layout.encode(clip())[:48] for clip in (backflip, lie_down)]))
    config = dataclasses.replace(SMALL, width=48, features="pos", **change)  # type: ignore[arg-type]
    torch.manual_seed(0)
    tokenizer = FlowVQ(config, layout.measure(frames.flatten(0, 1).numpy()))
    parameters = [p for n, p in tokenizer.named_parameters() if n.startswith(tokenizer.stages["autoencoder"])]
    optimizer = torch.optim.Adam(parameters, 2e-3)
    for _ in range(30):
        optimizer.zero_grad()
        tokenizer.losses(Batch(frames), "autoencoder")["loss"].backward()
        optimizer.step()
    with torch.inference_mode():
        codes = tokenizer.eval().encode(frames)
        made = tokenizer.decode(codes)
    books = (config.books,) if config.books > 1 else ()
    assert codes.shape == (2, 12, *books)
    mean = frames.mean((0, 1), keepdim=True)
    assert (made - frames).square().mean() < 0.7 * (mean - frames).square().mean(), "better than the mean pose"


def test_the_refiners_loss_is_equation_five_over_all_noise_levels_alike() -> None:
    tokenizer = made()
    batch = Batch(frames(), generator=torch.Generator().manual_seed(3))
    found = tokenizer.losses(batch, "refiner")
    generator = torch.Generator().manual_seed(3)
    sigma = flow.training_sigmas(2, generator, torch.device("cpu"))
    noise = torch.randn(frames().shape, generator=generator)
    clean = tokenizer.scale(frames()).detach()
    with torch.no_grad():
        quantized, _ = tokenizer.quantize(frames())
        velocity = tokenizer.refiner(
            flow.noisy(clean, noise, sigma), tokenizer.reconstruct(quantized), sigma, quantized
        )
    off = (velocity - (noise - clean)).numpy() * sigma.clamp(min=1e-3).numpy()[:, None, None]
    assert found["flow"].item() == pytest.approx(float(np.square(off).mean()), rel=1e-3)


def test_several_agents_keep_their_places_to_each_other_in_one_world() -> None:
    """Two people three metres apart, face to face: coded as rows of a batch, they do not become one."""
    one = stroll()
    other = clips.move(clips.turn(one, np.pi), np.array([0.5, 0, 3], np.float32))
    together = pos.encode_together([one, other])
    apart = clips.positions(one) - clips.positions(other)
    joints = together.reshape(2, len(one), 22, 3)
    np.testing.assert_allclose(
        np.linalg.norm(joints[0] - joints[1], axis=-1), np.linalg.norm(apart, axis=-1), atol=1e-4
    )
    np.testing.assert_allclose(together[0], pos.encode(one), atol=1e-4)
    assert not np.allclose(together[1], pos.encode(other), atol=0.5)
    tokenizer = FlowVQ(dataclasses.replace(SMALL, features="pos")).eval()
    codes = tokenizer.encode(torch.from_numpy(together[:, :96]))
    assert codes.shape == (2, 24)
    assert not torch.equal(codes[0], codes[1])
    with pytest.raises(BadClip, match="share one clock"):
        pos.encode_together([one, clips.cut(one, 0, 20)])
