"""UniMotion's VAE: divergences, batches with and without pictures, and a flow head that learns from what it is told."""

from __future__ import annotations

import dataclasses
from itertools import pairwise

import numpy as np
import pytest
import torch

from models import flow
from models.tokenizers.contract import Batch, Views
from models.tokenizers.unimotion import CmaVae, CmaVaeConfig, Posterior, divergence
from motion.errors import BadConfig
from tests.models.tokenizers import samples

SMALL = CmaVaeConfig(
    width=24, heads=2, hidden=32, blocks=3, latent=8, embedder_width=32, embedder_layers=1,
    head_width=32, head_heads=2, head_blocks=2,
)  # fmt: skip


def made(config: CmaVaeConfig = SMALL) -> CmaVae:
    return samples.made(config, "unimotion").eval()


def _posterior(seed: int) -> Posterior:
    generator = torch.Generator().manual_seed(seed)
    return Posterior(torch.randn(3, 5, 4, generator=generator), torch.randn(3, 5, 4, generator=generator))


def _kl(one: Posterior, mean: np.ndarray, deviation: np.ndarray) -> float:
    """Equation 7 as it is printed."""
    mu1, s1 = one.mean.numpy(), np.exp(0.5 * one.log_variance.numpy())
    terms = np.log(deviation**2 / s1**2) + (s1**2 + (mu1 - mean) ** 2) / deviation**2 - 1
    return float(0.5 * terms.sum(-1).mean())


def test_the_divergence_is_equation_seven() -> None:
    one, other = _posterior(0), _posterior(1)
    expected = _kl(one, other.mean.numpy(), np.exp(0.5 * other.log_variance.numpy()))
    assert float(divergence(one, other)) == pytest.approx(expected, rel=1e-4)
    assert float(divergence(one)) == pytest.approx(_kl(one, np.zeros(4), np.ones(4)), rel=1e-4)
    assert float(divergence(one, one)) == pytest.approx(0, abs=1e-5)


def test_a_sample_has_the_posteriors_mean_and_deviation() -> None:
    one = Posterior(torch.full((1, 1, 1), 2.0).expand(4000, 1, 1), torch.full((4000, 1, 1), 2 * np.log(0.3)))
    drawn = one.sample(torch.Generator().manual_seed(0))
    assert float(drawn.mean()) == pytest.approx(2, abs=0.03)
    assert float(drawn.std()) == pytest.approx(0.3, abs=0.02)
    assert torch.equal(drawn, one.sample(torch.Generator().manual_seed(0)))


def _batch(step: int = 20_000, views: Views | None = None) -> Batch:
    return Batch(samples.frames("uni269"), views, step, torch.Generator().manual_seed(5))


def test_the_loss_is_equation_three_and_its_alignment_warms_up() -> None:
    tokenizer = made(dataclasses.replace(SMALL, alignment=0.5, kl=0.1))
    views = samples.views(tokenizer, samples.frames("uni269"))
    for step, weight in ((0, 0.0), (2_500, 0.125), (10_000, 0.5), (40_000, 0.5)):
        terms = {n: float(v.detach()) for n, v in tokenizer.losses(_batch(step, views), "autoencoder").items()}
        assert terms["loss"] == pytest.approx(
            terms["frames"] + 0.1 * terms["kl"] + weight * terms["alignment"], rel=1e-4
        )
    with torch.no_grad():
        frames = samples.frames("uni269")
        assert views is not None
        motion, fused = tokenizer.posterior(frames), tokenizer.fused_posterior(frames[:2], views)
    expected = _kl(motion.pick(torch.tensor([0, 1])), fused.mean.numpy(), np.exp(0.5 * fused.log_variance.numpy()))
    assert terms["alignment"] == pytest.approx(expected, rel=1e-3)
    assert terms["kl"] == pytest.approx(float(divergence(motion) + divergence(fused)), rel=1e-3)


def test_clips_with_pictures_are_decoded_from_what_the_fused_encoder_says() -> None:
    tokenizer = made(dataclasses.replace(SMALL, alignment=0.0, kl=0.0))
    views = samples.views(tokenizer, samples.frames("uni269"))
    assert views is not None

    def reached(given: Views | None) -> dict[str, bool]:
        tokenizer.zero_grad()
        tokenizer.losses(_batch(0, given), "autoencoder")["loss"].backward()
        first = {part: next(getattr(tokenizer, part).parameters()) for part in ("motion", "fused", "backbone")}
        return {part: p.grad is not None and bool(p.grad.any()) for part, p in first.items()}

    assert reached(None) == {"motion": True, "fused": False, "backbone": False}
    assert reached(views) == {"motion": True, "fused": True, "backbone": True}
    every = samples.views(tokenizer, samples.frames("uni269"), 4)
    assert reached(every) == {"motion": False, "fused": True, "backbone": True}


def test_the_alignment_moves_the_motion_encoder_and_never_its_teacher() -> None:
    tokenizer = made()
    frames = samples.frames("uni269")
    views = samples.views(tokenizer, frames, len(frames))
    assert views is not None
    divergence(tokenizer.posterior(frames), tokenizer.fused_posterior(frames, views).frozen()).backward()
    touched = {n.split(".")[0] for n, p in tokenizer.named_parameters() if p.grad is not None and p.grad.any()}
    assert touched == {"enter", "places", "motion"}


def test_pictures_are_looked_at_where_the_joints_are() -> None:
    tokenizer = made()
    frames = samples.frames("uni269")[:1]
    image = torch.zeros(1, 1, 3, 64, 64)
    marked = image.clone()
    marked[..., 8:16, 8:16] = 1.0
    at, elsewhere = (torch.full((1, 1, 22, 2), place) for place in (-0.62, 0.6))

    def difference(places: torch.Tensor) -> float:
        shown = torch.ones(1, dtype=torch.bool)
        one, other = (tokenizer.fused_posterior(frames, Views(i, places, shown)).mean for i in (image, marked))
        return float((one - other).abs().max())

    with torch.inference_mode():
        assert difference(at) > 3 * difference(elsewhere)


def test_a_few_steps_of_training_are_far_better_than_the_mean_pose() -> None:
    tokenizer = made(dataclasses.replace(SMALL, width=32))
    frames = samples.frames("uni269")
    losses = samples.learned(tokenizer, Batch(frames), 60, 5e-3)
    assert losses[-1] < 0.6 * losses[0]
    with torch.inference_mode():
        back = tokenizer.decode(tokenizer.encode(frames))
    assert samples.error(tokenizer, back, frames) < 0.6
    assert float(tokenizer.spread) != 1.0


def test_told_the_right_latents_the_head_comes_far_nearer_than_told_anothers() -> None:
    """The control of section C.2, in small: conditions shuffled, the error must be far larger."""
    tokenizer = made(dataclasses.replace(SMALL, latent=4, damage=False, dropout=0.1))
    torch.manual_seed(0)
    latents = torch.randn(4, 1, 4).expand(-1, 6, -1)
    parameters = [*tokenizer.embedder.parameters(), *tokenizer.head.parameters()]
    optimizer = torch.optim.Adam(parameters, 4e-3)
    generator = torch.Generator().manual_seed(0)
    several = latents.repeat(8, 1, 1)
    for _ in range(150):
        optimizer.zero_grad()
        tokenizer.head.loss(several, tokenizer.embedder(several), 0.1, generator).backward()
        optimizer.step()
    noise = torch.randn(latents.shape, generator=generator)
    with torch.inference_mode():
        matched = (tokenizer.realign(latents, noise, flow.sampling_sigmas(8)) - latents).square().mean()
        shuffled = (tokenizer.realign(latents.roll(1, 0), noise, flow.sampling_sigmas(8)) - latents).square().mean()
    assert float(matched) < 0.25 * float(shuffled)


@pytest.mark.parametrize("guidance", [1.0, 2.5])
def test_the_heads_graph_is_its_steps_one_after_the_other(guidance: float) -> None:
    tokenizer = made(dataclasses.replace(SMALL, head_steps=4, guidance=guidance))
    torch.manual_seed(0)
    torch.nn.init.normal_(tokenizer.head.leave.weight, std=0.1)  # a fresh head moves nothing
    tokenizer.spread.fill_(0.5)
    graphs = {graph.name: graph.module for graph in tokenizer.graphs()}
    told, noise = torch.randn(2, 6, 8), torch.randn(2, 6, 8)
    with torch.inference_mode():
        drawn, state = graphs["head"](told, noise), noise
        for now, after in pairwise(flow.sampling_sigmas(4)):
            state = graphs["head-step"](told, state, torch.full((2,), now), torch.full((2,), after))
    torch.testing.assert_close(drawn, state * 0.5, atol=1e-5, rtol=1e-5)
    assert not torch.allclose(drawn, noise * 0.5, atol=0.05), "it moves"


def test_sizes_that_cannot_be_are_refused() -> None:
    for change, words in (({"blocks": 4}, "odd number"), ({"heads": 5}, "multiple of twice"), ({"latent": 0}, "posit")):
        with pytest.raises(BadConfig, match=words):
            dataclasses.replace(SMALL, **change)  # type: ignore[arg-type]
