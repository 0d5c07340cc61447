"""The language model in transformers: the reference for the ONNX graphs, and what runs any backbone they cannot.

The backbone stays as it was published; an adapter is merged into a copy of its layers that shares the embeddings.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from models.mixture import MixedTrunk, Mixture
from motion.errors import BadBundle
from runtime.engines.layers import F32, Outcome, Past, Rows
from runtime.engines.static_rows import StaticRows


class Causal:
    """A causal language model of transformers, loaded."""

    def __init__(self, model: Any, folder: Path) -> None:
        self._model = model
        self.folder = folder
        self.head = cast(Tensor, model.lm_head.weight)
        self._table = cast(Tensor, model.get_input_embeddings().weight)  # the head itself, where the two are tied
        self.text, self.width = self.head.shape
        self.about = f"{str(self.head.dtype).removeprefix('torch.')} on {self.head.device.type}"

    @classmethod
    def load(
        cls,
        folder: Path,
        threads: int,
        exact: bool = False,
        device: str = "cpu",
        weights: Mapping[str, NDArray[Any]] | None = None,
    ) -> Self:
        """The model that transformers saved in `folder`, in bfloat16, or in float32 with eager attention. `weights`, as
        transformers names them, take the place of what lies in the folder."""
        torch.set_num_threads(threads)
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
        import transformers

        untyped = cast(Any, transformers)
        untyped.utils.logging.disable_progress_bar()
        dtype, attention = (torch.float32, "eager") if exact else (torch.bfloat16, "sdpa")
        model = untyped.AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, attn_implementation=attention)
        if weights is not None:
            model.load_state_dict({name: _tensor(array).to(dtype) for name, array in weights.items()}, strict=False)
        return cls(model.to(device).eval().requires_grad_(False), folder)

    def embed(self, ids: NDArray[np.int64]) -> F32:
        """Embeddings (N, width) of text tokens."""
        with torch.inference_mode():
            return F.embedding(_tensor(ids).to(self._table.device), self._table).float().cpu().numpy()

    def layers(
        self,
        adapter: Mapping[str, Any],
        scale: float,
        head: F32,
        bias: F32,
        static: bool | None = None,
        several: Several | None = None,
        experts: int = 0,
    ) -> TorchLayers:
        """The layers with an adapter merged, or as they are; experts: of a mixture, which is not merged; `static`: in
        room that stays where it is (runtime/engines/static_rows.py), None for where that is faster, on a card. Raises
        BadBundle."""
        trunk = self._model.model
        if adapter:
            trunk = mixed(trunk, adapter, scale, experts) if experts else merged(trunk, adapter, scale)
        own = [_tensor(array).to(self.head.device) for array in (head, bias)]
        still = self.head.device.type == "cuda" if static is None else static
        trunk = trunk.eval().requires_grad_(False)
        return TorchLayers(trunk, self.head, own[0].to(self.head.dtype), own[1], still, several, experts)


@dataclass(frozen=True)
class Several:
    """What draws several codes at once."""

    tokens: int
    head: nn.Module
    """the multi-token head (models/multi_token.py)"""


class TorchLayers:
    """A language model's layers and motion head, loaded; mixing weights are of a mixture's experts alone."""

    def __init__(
        self,
        trunk: Any,
        text_head: Tensor,
        head: Tensor,
        bias: Tensor,
        static: bool = False,
        several: Several | None = None,
        experts: int = 0,
    ) -> None:
        """trunk: embeddings -> hidden states (a transformers base model), with experts given `weights` (B, 1, E) as
        well; head (codes, width), bias (codes,)."""
        self._trunk = trunk
        self._experts = experts
        self._static = static
        self._text_head = text_head
        self._head = head
        self._bias = bias
        self.width = head.shape[1]
        self.tokens = 1 if several is None else several.tokens
        self._further = None if several is None else several.head.to(head.device)

    def read(self, embeds: F32, past: Past | None, experts: F32) -> tuple[Outcome, Past]:
        """A sequence's next tokens (N, W) at once, after `past`: the outcome (1, ...) and the past they make."""
        before = 0 if past is None else past.length
        places = torch.arange(before, before + len(embeds), device=self._head.device)[None]
        kept = None if past is None else past.values
        outcome, values = self.run(embeds[None], None, places, kept, experts[None])
        return outcome, Past(before + len(embeds), values, sum(one.nbytes for pair in values for one in pair))

    def rows(self) -> Rows:
        """No sequences yet."""
        if self._static:
            return StaticRows(self._trunk, self._head, self._bias, self._experts)
        return TorchRows(self, self._head.device)

    def further(self, hidden: F32, embeds: F32) -> Outcome:
        """What the multi-token head makes of hidden states (B, W) and the codes' embeddings (B, W)."""
        assert self._further is not None, "one code a run"
        with torch.inference_mode():
            state = self._further(*(_tensor(one).to(self._head.device) for one in (hidden, embeds)))
            codes = F.linear(state.to(self._head.dtype), self._head).float() + self._bias
        return Outcome(state.cpu().numpy(), codes.cpu().numpy())

    def words(self, hidden: F32) -> F32:
        """Scores (B, text) of the text tokens, of hidden states (B, W)."""
        with torch.inference_mode():
            own = _tensor(hidden).to(self._text_head)
            return F.linear(own, self._text_head).float().cpu().numpy()

    def run(
        self,
        embeds: F32,
        mask: Tensor | None,
        places: Tensor,
        kept: Sequence[tuple[Tensor, Tensor]] | None,
        experts: F32,
    ) -> tuple[Outcome, list[tuple[Tensor, Tensor]]]:
        """One run of the layers on embeds (B, N, W) with mixing weights (B, E): the outcome, and keys and values of
        each layer."""
        from transformers import DynamicCache

        cache: Any = DynamicCache()
        for layer, (keys, values) in enumerate(kept or ()):
            cache.update(keys, values, layer)
        with torch.inference_mode():
            found = self._trunk(
                inputs_embeds=_tensor(embeds).to(self._head),
                attention_mask=mask,
                position_ids=places,
                past_key_values=cache,
                use_cache=True,
                **({"weights": _tensor(experts)[:, None].to(self._head.device)} if self._experts else {}),
            )
            hidden = found.last_hidden_state[:, -1]
            codes = F.linear(hidden, self._head).float() + self._bias
        layers = cast("list[Any]", found.past_key_values.layers)
        pairs = [(cast(Tensor, one.keys), cast(Tensor, one.values)) for one in layers]
        return Outcome(hidden.float().cpu().numpy(), codes.cpu().numpy()), pairs

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        del self._trunk


class TorchRows:
    """Sequences in one batch that end at the same place: shorter ones begin with padding."""

    def __init__(self, layers: TorchLayers, device: torch.device) -> None:
        self._layers = layers
        self._count = 0
        self._numbers: list[int] = []
        self._kept: list[tuple[Tensor, Tensor]] = []
        self._experts = np.zeros((0, 0), np.float32)
        self._mask = torch.zeros(0, 0, dtype=torch.int64, device=device)

    def add(self, pasts: Sequence[Past], experts: F32) -> list[int]:
        """More sequences, each with its mixing weights (B, E); their numbers."""
        self._experts = np.concatenate([self._experts, experts]) if self._numbers else experts
        for past in pasts:
            width = max(self._mask.shape[1], past.length)
            own = torch.ones(1, past.length, dtype=torch.int64, device=self._mask.device)
            self._mask = torch.cat([_padded(self._mask, width, -1), _padded(own, width, -1)])
            pairs = cast("Sequence[tuple[Tensor, Tensor]]", past.values)
            old = self._kept or [(keys[:0], values[:0]) for keys, values in pairs]
            self._kept = [
                (_joined(mine[0], theirs[0], width), _joined(mine[1], theirs[1], width))
                for mine, theirs in zip(old, pairs, strict=True)
            ]
        numbers = [self._count + i for i in range(len(pasts))]
        self._count += len(pasts)
        self._numbers += numbers
        return numbers

    def drop(self, numbers: Sequence[int]) -> None:
        """Sequences that have ended."""
        rows = [row for row, number in enumerate(self._numbers) if number not in numbers]
        self._numbers, self._experts = [self._numbers[row] for row in rows], self._experts[rows]
        used = self._mask[rows].any(0).nonzero()
        begin = int(used[0]) if len(used) else self._mask.shape[1]
        self._mask = self._mask[rows, begin:]
        self._kept = [(keys[rows, :, begin:], values[rows, :, begin:]) for keys, values in self._kept] if rows else []

    def step(self, numbers: Sequence[int], embeds: F32) -> Outcome:
        """The next tokens (B, N, W) of the sequences of these numbers; the others stay as they are."""
        rows = [self._numbers.index(number) for number in numbers]
        count = embeds.shape[1]
        everything = np.zeros((len(self._numbers), *embeds.shape[1:]), np.float32)
        everything[rows] = embeds
        moving = torch.zeros(len(self._numbers), count, dtype=torch.int64, device=self._mask.device)
        moving[rows] = 1
        places = self._mask.sum(-1, keepdim=True) + torch.arange(count, device=self._mask.device)
        self._mask = torch.cat([self._mask, moving], dim=-1)
        outcome, self._kept = self._layers.run(everything, self._mask, places, self._kept, self._experts)
        return Outcome(outcome.hidden[rows], outcome.codes[rows])


def on_card() -> bool:
    """Whether torch can compute on an NVIDIA card here."""
    return torch.cuda.is_available()


def merged(trunk: nn.Module, adapter: Mapping[str, Any], scale: float) -> nn.Module:
    """A copy of `trunk` with W + scale B A in place of each W that the LoRA `adapter` names, arrays or tensors as peft
    names them; embeddings are shared.

    Raises BadBundle where the adapter does not fit the backbone.
    """
    shared = {id(module.weight): module.weight for module in trunk.modules() if isinstance(module, nn.Embedding)}
    result = copy.deepcopy(trunk, dict(shared))
    modules = dict(cast("Iterator[tuple[str, nn.Module]]", result.named_modules()))
    for name, down in adapter.items():
        if not name.endswith("lora_A.weight"):
            continue
        path = name.removeprefix("base_model.model.").removesuffix(".lora_A.weight")
        up = adapter.get(name.replace("lora_A", "lora_B"))
        module = modules.get(path)
        if up is None or not isinstance(module, nn.Linear) or module.weight.shape != (up.shape[0], down.shape[1]):
            raise BadBundle(
                f"the adapter's {path} does not fit the backbone; serve the bundle on the backbone it names"
            )
        with torch.no_grad():
            wide = [torch.as_tensor(one).to(module.weight.device).float() for one in (up, down)]
            module.weight.copy_(module.weight.float() + scale * (wide[0] @ wide[1]))
    return result


def mixed(trunk: nn.Module, adapter: Mapping[str, Any], scale: float, experts: int) -> nn.Module:
    """A copy of `trunk` with a mixture of so many LoRA experts beside its matrices (models/mixture.py), called with
    `weights` (B, 1, E); what is not the mixture's is shared. Raises BadBundle where it does not fit the backbone."""
    kept = {id(one): one for one in (*trunk.parameters(), *trunk.buffers())}
    result: Any = copy.deepcopy(trunk, dict(kept))
    rank = next(len(values) for name, values in adapter.items() if name.endswith(".enter")) // experts
    mixture = Mixture(result, experts, rank, scale)
    try:
        mixture.load_state_dict({name: torch.as_tensor(values).float() for name, values in adapter.items()})
    except RuntimeError as error:
        raise BadBundle(f"the mixture does not fit the backbone ({error}); serve the one it names") from error
    return MixedTrunk(result, mixture.to(next(trunk.parameters()).device))


def _tensor(array: NDArray[Any]) -> Tensor:
    return torch.from_numpy(array)  # pyright: ignore[reportUnknownMemberType] (its stub names no type)


def _joined(rows: Tensor, more: Tensor, width: int) -> Tensor:
    return torch.cat([_padded(rows, width, -2), _padded(more, width, -2)])


def _padded(tensor: Tensor, length: int, axis: int) -> Tensor:
    """Zeros before the tensor, so that it has this length along an axis."""
    missing = length - tensor.shape[axis]
    if not missing:
        return tensor
    shape = list(tensor.shape)
    shape[axis] = missing
    return torch.cat([tensor.new_zeros(shape), tensor], dim=axis)
