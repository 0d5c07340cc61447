"""How far language graphs are from the model that was trained: scores of codes after real sentences and real codes.

The reference is the trained model in torch: the backbone's weights as they were published, widened to float64, with the
adapter merged. Divergence is Kullback and Leibler's, of the scores at temperature 1, in nats a token.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch

from export.data import dataset
from export.data.messages import seconds
from export.recipe import Recipe
from export.training.adapters import weights
from models import checkpoint, code_table, compact, packing, tasks
from models import words as text_tokens
from models.checkpoint import NORMS, PROJECTIONS, Checkpoint
from models.multi_token import MultiTokenHead
from models.packing import GROUPS, Adapter, Experts, Plan, Precision
from models.vocabulary import FRAMES_PER_TOKEN, SPECIAL, Vocabulary
from motion.bundles.manifest import MULTI_TOKEN
from motion.errors import BadFile
from motion.quat import F32

MOST = {"fp32": 1e-3, "int8": 0.01, "int4": 0.01}
"""divergence that is let through, by precision"""
MOST_ERROR = 1e-4
"""relative error of scores that is let through in fp32"""
_ROOM = 128  # tokens: longest prompt and codes
_CODES = 24


@dataclass(frozen=True)
class Model:
    """A trained language model as its files hold it."""

    source: Checkpoint
    adapter: Adapter | Experts
    embeddings: F32
    head: F32
    bias: F32
    further: Mapping[str, np.ndarray] | None
    """the multi-token head's tensors"""
    rank: int = 0
    """of each expert"""

    @property
    def experts(self) -> F32:
        """Mixing weights (1, E) at which it is measured: one adapter's is 1, those of a mixture differ."""
        count = len(self.adapter.branch(0, "out")[0]) // self.rank if isinstance(self.adapter, Experts) else 1
        return (2 / count * np.arange(1, count + 1) / (count + 1))[None].astype(np.float32)

    @property
    def adapters(self) -> packing.Adapters:
        """As the graphs take them."""
        return self.adapter if isinstance(self.adapter, Experts) else [self.adapter]

    @property
    def vocabulary(self) -> Vocabulary:
        """Its tokens."""
        return Vocabulary(self.source.sizes.text, len(self.embeddings) - len(SPECIAL))

    def embed(self, ids: list[int]) -> F32:
        """Embeddings (N, width)."""
        at = np.array(ids)
        text = checkpoint.dense(self.source.table, np.minimum(at, self.source.sizes.text - 1))
        own = self.embeddings[np.maximum(at - self.source.sizes.text, 0)]
        return np.where((at >= self.source.sizes.text)[:, None], own, text).astype(np.float32)


def trained(recipe: Recipe, backbone: Path | None) -> Model:
    """What `export.train_llm` left. Raises BadFile without it."""
    paths = [recipe.run / name for name in weights(recipe)]
    for path in paths:
        if not path.exists():
            raise BadFile("is not there; run python -m export.train_llm with this recipe first", str(path))
    tensors, own = (compact.read(path) for path in paths[:2])
    kind = Experts if recipe.language.experts else Adapter
    adapter = kind(tensors, recipe.language.alpha / recipe.language.rank)
    tables = code_table.tables(own, recipe.tokenizer.levels)
    further = None if recipe.multi_token is None else compact.read(recipe.run / MULTI_TOKEN)
    return Model(checkpoint.read(backbone), adapter, *tables, further, recipe.language.rank)


def measure(
    recipe: Recipe, folder: Path, plans: dict[str, Plan], tokenizer: Any, backbone: Path | None, clips: int = 8
) -> dict[str, dict[str, float | bool]]:
    """For each graph in `folder`: relative error of scores, divergence, share of equal best codes, and whether these
    are let through. "torch float32" stands beside them."""
    model = trained(recipe, backbone)
    messages = _messages(recipe, tokenizer, model, clips)
    double = reference(model.source, model.adapters, torch.float64, model.experts[0])
    states = [_states(double, model, *message) for message in messages]
    exact = [_scores(model, state) for state in states]
    single = double.to(torch.float32)
    rows = {"torch float32": _compare([_by_torch(single, model, *message) for message in messages], exact)}
    sessions = {name: _session(folder / name, model, plan) for name, plan in plans.items()}
    for name, plan in plans.items():
        first = next(other for other, one in plans.items() if one == replace(plan, tokens=1))
        ours = [_by_graph(sessions[first], sessions[name], model, plan, *message) for message in messages]
        rows[name] = _judged(ours, [scores[:: plan.tokens] for scores in exact], plan.precision)
    if model.further is not None:
        exact = [_further_by_torch(model, codes, state) for (_, codes), state in zip(messages, states, strict=True)]
        heads: dict[str, Precision] = {
            packing.multi_token_graph(plan.precision): plan.precision for plan in plans.values()
        }
        for name, precision in heads.items():
            path = folder / name
            if not path.exists():
                raise BadFile("is not there; run python -m export.to_onnx with this recipe first", str(path))
            ours = [_further(path, model, precision, c, s) for (_, c), s in zip(messages, states, strict=True)]
            rows[path.name] = _judged(ours, exact, precision)
    return rows


def _judged(ours: list[F32], exact: list[F32], precision: Precision) -> dict[str, float | bool]:
    row = _compare(ours, exact)
    small = precision != "fp32" or row["relative_error"] <= MOST_ERROR
    return {**row, "passed": bool(row["divergence"] <= MOST[precision] and small)}


def reference(source: Checkpoint, adapters: packing.Adapters, dtype: torch.dtype, experts: F32 | None = None) -> Any:
    """The backbone's layers in transformers, adapters merged, those of a mixture with the weights `experts` (E,)."""
    from transformers import LlamaConfig, LlamaModel

    sizes = source.sizes
    config = LlamaConfig(
        vocab_size=1, hidden_size=sizes.width, intermediate_size=sizes.hidden, num_hidden_layers=sizes.layers,
        num_attention_heads=sizes.heads, num_key_value_heads=sizes.kv_heads, head_dim=sizes.head_width,
        rms_norm_eps=sizes.epsilon, rope_parameters={"rope_type": "default", "rope_theta": sizes.theta},
        pad_token_id=0, bos_token_id=0, eos_token_id=0,
    )  # fmt: skip
    trunk: Any = LlamaModel(config)
    weights: dict[str, F32] = {"norm.weight": source.norm}
    for layer in range(sizes.layers):
        for name in NORMS:
            weights[f"layers.{layer}.{name}.weight"] = source.vector(layer, name)
        for name in PROJECTIONS:
            matrix = checkpoint.dense(source.matrix(layer, name))
            if isinstance(adapters, Experts) and experts is not None:
                matrix = (matrix + _mixed(adapters, experts, layer, name, len(matrix), source)).astype(np.float32)
            for adapter in () if isinstance(adapters, Experts) else adapters:
                down, up = adapter.pair(layer, name)
                matrix = (matrix + up @ down).astype(np.float32)
            weights[f"layers.{layer}.{name}.weight"] = matrix
    missing, strange = trunk.load_state_dict({k: torch.from_numpy(v) for k, v in weights.items()}, strict=False)
    assert missing == ["embed_tokens.weight"]
    assert not strange
    return trunk.to(dtype).eval().requires_grad_(False)


def _mixed(adapters: Experts, experts: F32, layer: int, name: str, rows: int, source: Checkpoint) -> F32:
    """What a mixture adds to one matrix (rows, in)."""
    group = next(group for group, names in GROUPS.items() if name in names)
    before = GROUPS[group][: GROUPS[group].index(name)]
    at = sum(len(checkpoint.dense(source.matrix(layer, other))) for other in before)
    enter, leave = adapters.branch(layer, group)
    weighted = enter * np.repeat(experts, len(enter) // len(experts))[:, None]
    return (leave[at : at + rows] @ weighted).astype(np.float32)


def _messages(recipe: Recipe, tokenizer: Any, model: Model, count: int) -> list[tuple[list[int], list[int]]]:
    """Prompts and codes of test clips."""
    data = dataset.load(recipe.data, "test", recipe.corpora)
    told = [entry for entry in data.entries if entry.captions]
    fields = model.source.fields
    words = text_tokens.from_folder(model.source.path) if fields is None else text_tokens.from_gguf(fields)
    found: list[tuple[list[int], list[int]]] = []
    for i in np.random.default_rng(0).permutation(len(told))[:count]:
        frames = np.array(data.clip(told[i]))[: FRAMES_PER_TOKEN * _CODES]
        with torch.inference_mode():
            codes = tokenizer.encode(torch.from_numpy(frames[: dataset.whole(len(frames))])[None])[0].tolist()
        given = tasks.Conditions(told[i].captions[0], seconds(len(codes)))
        ids = tasks.prompt(tasks.find("text-to-motion"), given, model.vocabulary, words.encode).ids
        found.append((ids, [model.vocabulary.code(code) for code in codes]))
    return found


def _by_torch(trunk: Any, model: Model, prompt: list[int], codes: list[int]) -> F32:
    """Scores (codes, C) of the motion vocabulary, by the whole message at once."""
    return _scores(model, _states(trunk, model, prompt, codes))


def _states(trunk: Any, model: Model, prompt: list[int], codes: list[int]) -> torch.Tensor:
    """Hidden states (codes, W) from which the codes are drawn."""
    with torch.inference_mode():
        embeds = torch.from_numpy(model.embed([*prompt, *codes[:-1]]))[None].to(trunk.norm.weight.dtype)
        return trunk(inputs_embeds=embeds, use_cache=False).last_hidden_state[0, len(prompt) - 1 :]


def _scores(model: Model, states: torch.Tensor) -> F32:
    head, bias = (torch.from_numpy(one).to(states) for one in (model.head, model.bias))
    return (states @ head.T + bias).double().numpy()


def _further_by_torch(model: Model, codes: list[int], states: torch.Tensor) -> F32:
    """Scores (codes, C) of what follows each code, by the multi-token head."""
    assert model.further is not None
    head = MultiTokenHead.of(model.further).double()
    with torch.inference_mode():
        return _scores(model, head(states, torch.from_numpy(model.embed(codes)).to(states)))


def _further(path: Path, model: Model, precision: Precision, codes: list[int], states: torch.Tensor) -> F32:
    """The same scores by a graph of the head."""
    assert model.further is not None
    session = _opened(path, packing.multi_token(model.further, model.head, model.bias, precision))
    return session.run(["codes"], {"state": states.float().numpy(), "embeds": model.embed(codes)})[0]


def _session(path: Path, model: Model, plan: Plan) -> Any:
    return _opened(path, packing.pack(model.source, plan, model.adapters, model.head, model.bias))


def _opened(path: Path, weights: packing.Arrays) -> Any:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    values = [onnxruntime.OrtValue.ortvalue_from_numpy(array) for array in weights.values()]
    options.add_external_initializers(list(weights), values)
    return onnxruntime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])


def _by_graph(first: Any, session: Any, model: Model, plan: Plan, prompt: list[int], codes: list[int]) -> F32:
    """The same scores with keys and values kept: the prompt by `first`, then by `session` so many codes a run as its
    plan says, and scores after each run."""
    sizes = model.source.sizes
    shape = (1, sizes.kv_heads, _ROOM, sizes.head_width)
    kept = {
        f"{kind}.{layer}": np.zeros(shape, np.float32) for layer in range(sizes.layers) for kind in ("key", "value")
    }
    outputs = ["codes", *(f"{name}.out" for name in kept)]
    scores: list[F32] = []
    length, many = 0, plan.tokens
    for ids in [prompt, *(codes[at : at + many] for at in range(0, len(codes) - many, many))]:
        length += len(ids)
        inputs = {
            "embeds": model.embed(ids)[None],
            "lengths": np.array([length - 1], np.int32),
            "total": np.array([length], np.int32),
        }
        if plan.experts:
            inputs["experts"] = model.experts
        found, *values = (session if length > len(prompt) else first).run(outputs, inputs | kept)
        kept = dict(zip(kept, values, strict=True))
        scores.append(found[0])
    return np.array(scores)


def _compare(ours: list[F32], exact: list[F32]) -> dict[str, Any]:
    first = len(SPECIAL)
    errors = [np.linalg.norm(a - b) / np.linalg.norm(b) for a, b in zip(ours, exact, strict=True)]
    a, b = (np.concatenate([one[:, first:] for one in scores]).astype(np.float64) for scores in (ours, exact))
    p, q = _log_softmax(b), _log_softmax(a)
    return {
        "relative_error": float(np.max(errors)),
        "divergence": float((np.exp(p) * (p - q)).sum(-1).mean()),
        "best_code_equal": float((a.argmax(-1) == b.argmax(-1)).mean()),
    }


def _log_softmax(scores: np.ndarray) -> np.ndarray:
    shifted = scores - scores.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
