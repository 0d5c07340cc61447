"""Weights in blocks of whole numbers stand for the matrices they were made of."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import checkpoint, packing
from models.checkpoint import Q4, Q8, Checkpoint, Sizes
from models.packing import GROUPS, Adapter, Experts, Plan
from motion.errors import BadBundle
from tests.models.tiny import save_backbone

RANK = 2


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    return checkpoint.read(save_backbone(tmp_path_factory.mktemp("backbone")))


def adapter(sizes: Sizes, seed: int = 0, scale: float = 3.0) -> Adapter:
    """A LoRA with random numbers, as peft names them."""
    rng = np.random.default_rng(seed)
    kv, heads = sizes.kv_heads * sizes.head_width, sizes.heads * sizes.head_width
    outs = {"q": heads, "k": kv, "v": kv, "o": sizes.width}
    shapes = {f"self_attn.{name}_proj": (out, sizes.width if name != "o" else heads) for name, out in outs.items()}
    shapes |= {"mlp.gate_proj": (sizes.hidden, sizes.width), "mlp.up_proj": (sizes.hidden, sizes.width)}
    shapes |= {"mlp.down_proj": (sizes.width, sizes.hidden)}
    tensors: dict[str, Any] = {}
    for layer in range(sizes.layers):
        for name, (out, inside) in shapes.items():
            place = f"base_model.model.layers.{layer}.{name}"
            tensors[f"{place}.lora_A.weight"] = rng.standard_normal((RANK, inside)).astype(np.float16)
            tensors[f"{place}.lora_B.weight"] = (0.05 * rng.standard_normal((out, RANK))).astype(np.float16)
    return Adapter(tensors, scale)


def experts(sizes: Sizes, count: int, seed: int = 0, scale: float = 3.0) -> Experts:
    """A mixture with random numbers, as `models.mixture.Mixture` names them."""
    rng = np.random.default_rng(seed)
    tensors: dict[str, Any] = {}
    for layer in range(sizes.layers):
        for group, (inputs, outputs) in packing.shapes(sizes).items():
            place, inside = f"branches.{layer}-{group}", count * RANK
            tensors[f"{place}.enter"] = rng.standard_normal((inside, inputs)).astype(np.float16)
            tensors[f"{place}.leave"] = (0.05 * rng.standard_normal((outputs, inside))).astype(np.float16)
    return Experts(tensors, scale)


def pack(source: Checkpoint, plan: Plan, *adapters: Adapter) -> packing.Arrays:
    rng = np.random.default_rng(9)
    head = rng.standard_normal((plan.codes, source.sizes.width)).astype(np.float32)
    return packing.pack(source, plan, adapters, head, rng.standard_normal(plan.codes).astype(np.float32), threads=2)


def int8(arrays: packing.Arrays, name: str, inputs: int) -> np.ndarray:
    """What MatMulNBits takes the blocks for."""
    weight, scale = arrays[f"{name}.weight"], arrays[f"{name}.scale"]
    rows, blocks, _ = weight.shape
    return ((weight.astype(np.float32) - 128) * scale.reshape(rows, blocks, 1)).reshape(rows, -1)[:, :inputs]


def int4(arrays: packing.Arrays, name: str) -> np.ndarray:
    weight, scale, zero = (arrays[f"{name}.{part}"] for part in ("weight", "scale", "zero"))
    rows, blocks, _ = weight.shape
    numbers = np.stack([weight & 15, weight >> 4], -1).reshape(rows, blocks, 32).astype(np.float32)
    zero = zero.reshape(rows, -1)
    zeros = np.stack([zero & 15, zero >> 4], -1).reshape(rows, -1)[:, :blocks]
    return ((numbers - zeros[..., None]) * scale.reshape(rows, blocks, 1)).reshape(rows, -1)


def whole(source: Checkpoint, layer: int, group: str, *adapters: Adapter) -> np.ndarray:
    """The group's matrix with adapters merged."""
    rows = []
    for name in GROUPS[group]:
        matrix = checkpoint.dense(source.matrix(layer, name)).copy()
        for one in adapters:
            down, up = one.pair(layer, name)
            matrix += up @ down
        rows.append(matrix)
    return np.concatenate(rows)


@pytest.mark.parametrize("group", GROUPS)
def test_int8_is_the_merged_matrix_to_half_a_step(source: Checkpoint, group: str) -> None:
    lora = adapter(source.sizes)
    arrays = pack(source, Plan("int8", 40, RANK, block=16), lora)
    expected = whole(source, 1, group, lora)
    found = int8(arrays, f"1.{group}", expected.shape[1])
    step = arrays[f"1.{group}.scale"].reshape(len(expected), -1).repeat(16, axis=1)
    assert (np.abs(found - expected) <= step / 2 + 1e-6).all()
    assert np.abs(found - whole(source, 1, group)).max() > 0.05, "the adapter is in it"


@pytest.mark.parametrize("group", GROUPS)
def test_fp32_is_the_merged_matrix(source: Checkpoint, group: str) -> None:
    lora = adapter(source.sizes)
    arrays = pack(source, Plan("fp32", 40, RANK), lora)
    np.testing.assert_allclose(arrays[f"0.{group}.weight"].T, whole(source, 0, group, lora), atol=1e-6)


@pytest.mark.parametrize("group", GROUPS)
def test_int4_and_its_side_branch_are_the_backbones_numbers_and_the_adapters(source: Checkpoint, group: str) -> None:
    """Blocks of 4 bits with whole zero points, plus leave times enter, to the 8 bits of the side branch."""
    loras = [adapter(source.sizes, seed) for seed in (0, 1)]
    plan = Plan("int4", 40, RANK, experts=2)
    arrays = pack(source, plan, *loras)
    expected = whole(source, 1, group, *loras)
    rank = packing.side(plan, group, source.sizes)
    enter = int8(arrays, f"1.{group}.enter", expected.shape[1])
    leave = int8(arrays, f"1.{group}.leave", rank)
    assert enter.shape[0] == rank
    for mixture in ([1.0, 1.0], [1.0, 0.0], [0.25, -1.0], [0.0, 0.0]):
        spread, offset = packing.mixing(plan, group, source.sizes)
        factor = np.array(mixture, np.float32) @ spread + offset
        found = int4(arrays, f"1.{group}") + leave @ (factor[:, None] * enter)
        target = sum(
            (
                g * (whole(source, 1, group, one) - whole(source, 1, group))
                for g, one in zip(mixture, loras, strict=True)
            ),
            _as_q4(source, 1, group),
        )
        np.testing.assert_allclose(found, target, atol=0.02 * float(np.abs(expected).max()))
    without = int4(arrays, f"1.{group}")
    assert np.abs(without - _as_q4(source, 1, group)).max() > 0.02, "whole zero points leave something"


def _as_q4(source: Checkpoint, layer: int, group: str) -> np.ndarray:
    return np.concatenate([checkpoint.dense(packing._fit4(whole)) for whole in _dense(source, layer, group)])


def _dense(source: Checkpoint, layer: int, group: str) -> list[np.ndarray]:
    return [checkpoint.dense(source.matrix(layer, name)) for name in GROUPS[group]]


@given(st.integers(0, 2**32 - 1), st.floats(1e-4, 1e3), st.floats(-3, 3))
def test_numbers_published_in_four_bits_are_kept_to_the_last(seed: int, scale: float, offset: float) -> None:
    rng = np.random.default_rng(seed)
    scales = (scale * rng.uniform(0.5, 2, (4, 3))).astype(np.float32)
    least = (scales * rng.uniform(-15, 2, (4, 3)) + scale * offset).astype(np.float32)
    matrix = Q4(scales, least, rng.integers(0, 16, (4, 3, 32)).astype(np.uint8))
    arrays, rest = packing._int4("m", [matrix])
    found = int4(arrays, "m") + rest.repeat(32, axis=1)
    np.testing.assert_allclose(
        found, checkpoint.dense(matrix), atol=1e-5 * float(np.abs(checkpoint.dense(matrix)).max())
    )


def test_the_text_heads_own_numbers_are_kept(source: Checkpoint) -> None:
    rng = np.random.default_rng(0)
    head = Q8(rng.uniform(0.1, 1, (7, 2)).astype(np.float32), rng.integers(-127, 128, (7, 2, 32)).astype(np.int8))
    packed = packing.text_head(Checkpoint(**{**vars(source), "head": head}))
    np.testing.assert_allclose(int8(packed, "words", 64), checkpoint.dense(head), atol=1e-6)


@pytest.mark.parametrize("damage", ["a name nobody has", "another width", "half of a pair", "a layer too many"])
def test_an_adapter_of_another_backbone_is_refused(source: Checkpoint, damage: str) -> None:
    tensors = dict(adapter(source.sizes).tensors)
    name = next(name for name in tensors if name.endswith("q_proj.lora_A.weight"))
    if damage == "a name nobody has":
        tensors[name.replace("q_proj", "r_proj")] = tensors[name]
    elif damage == "another width":
        tensors[name] = tensors[name][:, :-1]
    elif damage == "half of a pair":
        del tensors[name.replace("lora_A", "lora_B")]
    else:
        tensors[name.replace("layers.0", "layers.2")] = tensors[name]
    with pytest.raises(BadBundle, match="does not fit the backbone; serve the bundle on the backbone it names"):
        pack(source, Plan("int8", 40, RANK), Adapter(tensors, 1.0))


def test_as_many_adapters_as_the_graph_takes(source: Checkpoint) -> None:
    lora = adapter(source.sizes)
    for plan, loras in ((Plan("int8", 40, RANK), [lora, lora]), (Plan("int4", 40, RANK, experts=2), [lora])):
        with pytest.raises(BadBundle, match="adapters in its side branch and there are"):
            pack(source, plan, *loras)
    with pytest.raises(BadBundle, match="int4 keeps adapters in the side branch"):
        Plan("int4", 40, RANK)


# A mixture


@pytest.mark.parametrize("group", GROUPS)
def test_a_mixtures_side_branch_is_its_experts_with_their_weights(source: Checkpoint, group: str) -> None:
    mixture = experts(source.sizes, 4)
    plan = Plan("fp32", 40, RANK, experts=4, shared=True)
    arrays = packing.pack(source, plan, mixture, np.zeros((40, 32), np.float32), np.zeros(40, np.float32))
    np.testing.assert_array_equal(arrays[f"1.{group}.weight"].T, whole(source, 1, group), "the backbone's own")
    enter, leave = (arrays[f"1.{group}.{side}.weight"].T for side in ("enter", "leave"))
    assert len(enter) == packing.side(plan, group, source.sizes) == 4 * RANK
    weights = np.array([0.5, 0, 0.2, 0.1], np.float32)
    spread, offset = packing.mixing(plan, group, source.sizes)
    ours = leave @ ((weights @ spread + offset)[:, None] * enter)
    theirs = sum(
        3.0 * weight * leave_ @ enter_
        for weight, enter_, leave_ in zip(
            weights,
            np.split(mixture.tensors[f"branches.1-{group}.enter"].astype(np.float32), 4),
            np.split(mixture.tensors[f"branches.1-{group}.leave"].astype(np.float32), 4, axis=1),
            strict=True,
        )
    )
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_a_mixture_that_does_not_fit_is_refused(source: Checkpoint) -> None:
    mixture = experts(source.sizes, 2)
    plan = Plan("fp32", 40, RANK, experts=2, shared=True)

    def packed(one: packing.Adapters, told: Plan = plan) -> packing.Arrays:
        return packing.pack(source, told, one, np.zeros((40, 32), np.float32), np.zeros(40, np.float32))

    first = "branches.0-qkv.enter"
    for tensors in (
        {**mixture.tensors, "branches.9-qkv.enter": mixture.tensors[first]},
        {**mixture.tensors, first: mixture.tensors[first][:, 1:]},
        {name: value for name, value in mixture.tensors.items() if name != first},
    ):
        with pytest.raises(BadBundle, match="serve the bundle on the backbone it names"):
            packed(Experts(tensors, 1.0))
    with pytest.raises(BadBundle, match="takes a mixture, any other adapters"):
        packed([adapter(source.sizes)])
    with pytest.raises(BadBundle, match="takes a mixture, any other adapters"):
        packed(mixture, Plan("fp32", 40, RANK, experts=2))
