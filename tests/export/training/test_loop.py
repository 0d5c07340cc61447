"""The optimisation loop: a run that was stopped goes on bit for bit, wherever it was stopped."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice, pairwise
from pathlib import Path

import pytest
import torch
from accelerate import Accelerator
from torch import Tensor, nn

from export.recipe import Training
from export.training import loop

STEPS = Training(steps=10, learning_rate=0.05, batch=1, longest=1, warmup=3, precision="no", log_every=3, save_every=4)


class Stop(Exception):
    """The run is stopped here."""


def epoch(number: int) -> list[tuple[int, int]]:
    return [(number, i) for i in range(4)]


def model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 16), nn.Dropout(0.3), nn.ReLU(), nn.Linear(16, 2))


def run(folder: Path, stop_at: int | None = None, seen: list[tuple[int, int]] | None = None) -> dict[str, Tensor]:
    """Trains on noise that the batch and the loop's generator decide; stops before step `stop_at` computes anything."""
    made = model()
    steps = 0

    def loss(wrapped: nn.Module, batch: tuple[int, int], generator: torch.Generator) -> dict[str, Tensor]:
        nonlocal steps
        if seen is not None:
            seen.append(batch)
        if steps == stop_at:
            raise Stop
        steps += 1
        x = torch.randn(8, 6, generator=torch.Generator().manual_seed(batch[0] * 10 + batch[1]))
        y = torch.randn(8, 2, generator=generator)
        return {"loss": (wrapped(x) - y).square().mean(), "other": torch.tensor(float(batch[1]))}

    loop.train(made, list(made.parameters()), epoch, loss, STEPS, folder, Accelerator(cpu=True))
    return made.state_dict()


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return all(torch.equal(one[name], other[name]) for name in one)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Tensor]:
    return run(tmp_path_factory.mktemp("whole"))


def test_two_runs_are_equal_and_training_changes_every_weight(whole: dict[str, Tensor], tmp_path: Path) -> None:
    assert same(run(tmp_path), whole)
    start = model().state_dict()
    assert not any(torch.equal(start[name], whole[name]) for name in start)


@pytest.mark.parametrize("stops", [[4], [5], [8], [9], [3], [5, 2], [4, 1, 1]])
def test_a_run_stopped_at_a_checkpoint_or_between_two_ends_bit_for_bit_as_one_that_was_not(
    whole: dict[str, Tensor], tmp_path: Path, stops: list[int]
) -> None:
    for stop in stops:
        with pytest.raises(Stop):
            run(tmp_path, stop)
    assert same(run(tmp_path), whole)


def test_it_goes_on_from_the_last_checkpoint_with_the_data_it_would_have_seen(tmp_path: Path) -> None:
    with pytest.raises(Stop):
        run(tmp_path, 6)
    seen: list[tuple[int, int]] = []
    run(tmp_path, None, seen)
    assert seen == [(1, 0), (1, 1), (1, 2), (1, 3), (2, 0), (2, 1)], "four steps were saved, six remain"


def test_a_run_that_has_ended_does_nothing_more(whole: dict[str, Tensor], tmp_path: Path) -> None:
    run(tmp_path)
    seen: list[tuple[int, int]] = []
    assert same(run(tmp_path, None, seen), whole)
    assert seen == []


def test_a_stop_while_a_checkpoint_is_written_leaves_the_one_before(whole: dict[str, Tensor], tmp_path: Path) -> None:
    with pytest.raises(Stop):
        run(tmp_path, 5)
    (tmp_path / "checkpoint.part").mkdir()
    (tmp_path / "checkpoint.part" / "model.safetensors").write_bytes(b"half")
    assert same(run(tmp_path), whole)


def test_a_stop_between_the_two_renames_finds_the_old_checkpoint(whole: dict[str, Tensor], tmp_path: Path) -> None:
    with pytest.raises(Stop):
        run(tmp_path, 5)
    (tmp_path / "checkpoint").rename(tmp_path / "checkpoint.old")
    assert same(run(tmp_path), whole)
    assert (tmp_path / "checkpoint" / "step.json").exists()
    assert not (tmp_path / "checkpoint.old").exists()


def test_the_log_has_means_over_the_steps_between_two_lines(tmp_path: Path) -> None:
    run(tmp_path)
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [3, 6, 9, 10]
    assert [line["other"] for line in lines] == [pytest.approx(value) for value in (1.0, 4 / 3, 5 / 3, 1.0)]
    assert set(lines[0]) == {"step", "seconds", "loss", "other", "norm"}


def test_the_rate_warms_up_in_a_line_and_cools_down_along_a_cosine_to_zero() -> None:
    rates = [loop.schedule(step, STEPS) for step in range(11)]
    assert rates[:3] == [pytest.approx(value) for value in (1 / 3, 2 / 3, 1.0)]
    assert rates[3] == pytest.approx(1.0)
    assert all(a > b for a, b in pairwise(rates[3:]))
    assert rates[-1] == pytest.approx(0.0, abs=1e-9)
    assert rates[3:] == [pytest.approx(1 - rate) for rate in reversed(rates[3:])], "a cosine is symmetric"


def _first(batches: Iterator[tuple[int, int]], count: int) -> list[tuple[int, int]]:
    return list(islice(batches, count))


def test_every_process_takes_its_share_of_each_pass_and_no_batch_twice() -> None:
    shares = [_first(loop.endless(epoch, 0, rank, 2), 4) for rank in range(2)]
    assert shares == [[(0, 0), (0, 2), (1, 0), (1, 2)], [(0, 1), (0, 3), (1, 1), (1, 3)]]


def test_a_pass_that_does_not_divide_leaves_out_its_last_batches() -> None:
    shares = [_first(loop.endless(epoch, 0, rank, 3), 2) for rank in range(3)]
    assert shares == [[(0, 0), (1, 0)], [(0, 1), (1, 1)], [(0, 2), (1, 2)]]


def test_going_on_skips_what_was_seen() -> None:
    assert _first(loop.endless(epoch, 6, 0, 1), 3) == [(1, 2), (1, 3), (2, 0)]
    assert _first(loop.endless(epoch, 3, 1, 2), 2) == [(1, 3), (2, 1)]
