"""Quantizers through vector-quantize-pytorch: continuous latents -> codes and back.

All alike: `module(latents)` gives quantized latents and codes and changes nothing; `learn(latents)` is the same while
training, with the terms that its training adds; `lookup(codes)` gives the quantized latents back. Latents are
(B, K, width), codes (B, K) int64, of a residual quantizer (B, K, books). Gradients pass straight through.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from motion.errors import BadConfig, MissingPart

if TYPE_CHECKING:
    from vector_quantize_pytorch import VectorQuantize

_SLICES = 64  # random directions along which `unevenness` compares
_DECAY = 0.99  # of the moving average of a book's entries (T2M-GPT, Zhang et al. 2023, section 3.2)
_DEAD = 0.125  # share of its even use below which an entry is replaced by a latent of the batch (T2M-GPT: 1 in 8)
_COMMIT = 0.02  # weight of the commitment in T2M-GPT, which MotionGPT and HMVLM take over
Learned = tuple[Tensor, Tensor, dict[str, Tensor]]
"""Quantized latents, codes, terms by name."""


def _library() -> Any:
    """vector-quantize-pytorch. Raises MissingPart."""
    try:
        return import_module("vector_quantize_pytorch")
    except ImportError as error:
        raise MissingPart(
            f"quantizers are vector-quantize-pytorch's, which is not installed ({error}); install it with: "
            'pip install -e ".[train]"'
        ) from error


class FSQ(nn.Module):
    """Finite scalar quantization (Mentzer et al. 2023): each channel is bounded and rounded to a few levels."""

    def __init__(self, levels: Sequence[int], width: int) -> None:
        super().__init__()
        self.levels = tuple(levels)
        self.size = math.prod(levels)
        with torch.device("cpu"):  # it computes its tables while it is made, which the meta device cannot
            self.inner = _library().FSQ(levels=list(levels), dim=width)

    def forward(self, latents: Tensor) -> tuple[Tensor, Tensor]:
        """Quantized latents (B, K, width), differentiable, and codes (B, K)."""
        quantized, codes = self.inner(latents)
        return quantized.to(latents.dtype), codes

    def learn(self, latents: Tensor) -> Learned:
        """Nothing is learned but to use all codes."""
        quantized, codes = self(latents)
        return quantized, codes, {"spread": self.unevenness(latents)}

    def channels(self, latents: Tensor) -> Tensor:
        """Latents (B, K, width) -> what is rounded, one number a channel and not yet bounded (B, K, C)."""
        return self.inner.project_in(latents)

    def round(self, channels: Tensor) -> tuple[Tensor, Tensor]:
        """Channels (B, K, C) -> quantized latents (B, K, width), differentiable, and codes (B, K) int64."""
        levels = self.inner.quantize(channels)
        return self.inner.project_out(levels), self.inner.codes_to_indices(levels.detach()).to(torch.int64)

    def unevenness(self, latents: Tensor) -> Tensor:
        """How far a batch of latents (B, K, width) is from using all codes alike: the sliced Wasserstein distance
        (Bonneel et al. 2015) between its bounded channels and as many points drawn evenly from the cube. Channels that
        say the same thing leave most codes unused, however well each of them fills its own levels."""
        points = torch.tanh(self.channels(latents.float())).flatten(0, -2)  # (N, C)
        slices = F.normalize(torch.randn(points.shape[1], _SLICES, device=points.device), dim=0)
        even = torch.rand_like(points) * 2 - 1
        ours, theirs = (points @ slices).sort(dim=0).values, (even @ slices).sort(dim=0).values
        return (ours - theirs).square().mean()

    def lookup(self, codes: Tensor) -> Tensor:
        """Quantized latents (B, K, width) of codes (B, K)."""
        return self.inner.indices_to_codes(codes)

    def digits(self, codes: Tensor) -> Tensor:
        """Codes (...,) as one level index a channel (..., channels)."""
        return self.inner.indices_to_level_indices(codes)


class LFQ(nn.Module):
    """Lookup-free quantization (Yu et al. 2023): the signs of a few channels. Codes are in [0, 2 ** channels)."""

    def __init__(self, size: int, width: int) -> None:
        super().__init__()
        if size < 2 or size & (size - 1):
            raise BadConfig(f"LFQ's codes are signs, so there must be a power of two of them, got {size}")
        self.size = size
        with torch.device("cpu"):  # tables, as FSQ's
            self.inner = _library().LFQ(dim=width, codebook_size=size, commitment_loss_weight=0.25)  # as in MAGVIT-v2

    def forward(self, latents: Tensor) -> tuple[Tensor, Tensor]:
        """Quantized latents (B, K, width), differentiable, and codes (B, K)."""
        channels = self.inner.project_in(latents)
        signs = torch.where(channels > 0, 1.0, -1.0)
        weights = 2 ** torch.arange(channels.shape[-1] - 1, -1, -1, device=channels.device)
        codes = ((signs > 0) * weights).sum(-1)
        return self.inner.project_out(channels + (signs - channels).detach()), codes

    def learn(self, latents: Tensor) -> Learned:
        """Terms: codes are to be sure one by one and spread together, and latents near their signs."""
        quantized, codes, loss = self.inner(latents)
        return quantized, codes.to(torch.int64), {"entropy": loss}

    def lookup(self, codes: Tensor) -> Tensor:
        """Quantized latents (B, K, width) of codes (B, K)."""
        return self.inner.indices_to_codes(codes)


class RVQ(nn.Module):
    """Residual vector quantization (Zeghidour et al. 2021): book after book, each for what those before it left, their
    entries moving averages of what chose them. One book is plain vector quantization, with codes (B, K)."""

    def __init__(self, size: int, width: int, books: int) -> None:
        super().__init__()
        self.size, self.count = size, books
        self.inner = _library().ResidualVQ(
            dim=width, codebook_size=size, num_quantizers=books,
            decay=_DECAY, threshold_ema_dead_code=1, commitment_weight=_COMMIT,
        )  # fmt: skip

    def forward(self, latents: Tensor) -> tuple[Tensor, Tensor]:
        """Quantized latents (B, K, width), differentiable, and codes (B, K) or (B, K, books)."""
        rest, codes = latents, list[Tensor]()
        for entries in self._entries():
            codes.append(nearest(rest, entries))
            rest = rest - entries[codes[-1]]
        return latents - rest.detach(), codes[0] if self.count == 1 else torch.stack(codes, dim=-1)

    def learn(self, latents: Tensor) -> Learned:
        """Term: the commitment of latents to the entries they chose."""
        quantized, codes, loss = self.inner(latents)
        return quantized, codes[..., 0] if self.count == 1 else codes, {"commit": loss.sum()}

    def lookup(self, codes: Tensor) -> Tensor:
        """Quantized latents (B, K, width) of codes."""
        books = codes[..., None] if self.count == 1 else codes
        found = [entries[books[..., i]] for i, entries in enumerate(self._entries())]
        return torch.stack(found).sum(0)

    def _entries(self) -> list[Tensor]:
        """Each book's entries (size, width)."""
        return [cast("VectorQuantize", layer).codebook for layer in self.inner.layers]


class VQ(nn.Module):
    """Vector quantization by one book: its entries are moving averages of the latents that chose them, as Jukebox and
    T2M-GPT have it, or with `learned` parameters that a term of the loss moves (van den Oord et al. 2017).

    free: steps of the training in which latents pass unquantized; a book of averages then begins from k-means of them,
    so that it need not run after an encoder that knows nothing yet.
    """

    seen: Tensor

    def __init__(self, size: int, width: int, learned: bool = False, free: int = 0) -> None:
        super().__init__()
        self.size, self.learned, self.free = size, learned, free
        self.inner: Any = _library().VectorQuantize(
            width, size, learnable_codebook=learned, ema_update=not learned, kmeans_init=not learned,
            decay=_DECAY, threshold_ema_dead_code=1, commitment_weight=0.0,
        )  # fmt: skip
        if not learned:
            self.inner.codebook = torch.randn(size, width)  # what an untrained book holds
        self.register_buffer("seen", torch.zeros((), dtype=torch.int64))  # steps of the training

    def forward(self, latents: Tensor) -> tuple[Tensor, Tensor]:
        """Quantized latents (B, K, width), differentiable, and codes (B, K)."""
        codes = nearest(latents, self.inner.codebook)
        return latents + (self.lookup(codes) - latents).detach(), codes

    def learn(self, latents: Tensor) -> Learned:
        """Terms: "embed", |sg(latents) - entries|^2, which moves a learned book alone, and "commit",
        |latents - sg(entries)|^2."""
        codes = nearest(latents, self.inner.codebook)
        if self.training:
            _keep_alive(self.inner, latents)
            self.seen += 1
            if self.seen <= self.free:
                nothing = torch.zeros((), device=latents.device)
                return latents, codes, {"embed": nothing, "commit": nothing}
        if self.training and not self.learned:  # moves the book, and replaces entries that nobody chooses
            entries, codes, _ = self.inner(latents.detach().float())
        else:
            entries = self.lookup(codes)
        terms = {
            "embed": F.mse_loss(entries, latents.detach()),
            "commit": F.mse_loss(latents, entries.detach()),
        }
        if self.training and self.learned:  # counts what is used, and replaces what is not
            self.inner.update_indices(latents.detach(), codes)
        return latents + (entries - latents).detach(), codes, terms

    def lookup(self, codes: Tensor) -> Tensor:
        """Entries (B, K, width) of codes (B, K)."""
        return self.inner.codebook[codes]


def _keep_alive(book: VectorQuantize, latents: Tensor) -> None:
    """Settles below how many uses a step an entry is replaced: the library knows nothing of the batch's size."""
    book._codebook.threshold_ema_dead_code = _DEAD * latents.shape[:-1].numel() / book.codebook_size


def nearest(latents: Tensor, entries: Tensor) -> Tensor:
    """Which of the entries (N, width) is nearest to each of latents (..., width): (...) int64."""
    distances = entries.square().sum(-1) - 2 * latents @ entries.T  # less the latents' own length
    return distances.argmin(dim=-1)
