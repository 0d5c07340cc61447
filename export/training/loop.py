"""The optimisation loop that both trainers share, under accelerate: CPU, one GPU, or several with FSDP.

The data of a step, its noise and its dropout are drawn from the seed and the step's number alone, and a checkpoint
holds weights, optimiser and schedule; a run that was stopped therefore goes on bit for bit.
"""

from __future__ import annotations

import json
import logging
import math
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from export.recipe import Training

log = logging.getLogger(__name__)
Batch = TypeVar("Batch")
_SEEDS = 7_919  # apart are the first steps' generators of one seed and the next


def schedule(step: int, training: Training) -> float:
    """Share of the highest learning rate at a step: linear warm-up, then a cosine to zero."""
    if step < training.warmup:
        return (step + 1) / training.warmup
    done = (step - training.warmup) / max(1, training.steps - training.warmup)
    return 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


def endless(epoch: Callable[[int], list[Batch]], start: int, rank: int, world: int) -> Iterator[Batch]:
    """Batches from global step `start` on, pass after pass, every process taking its share of each pass."""
    number, seen = 0, 0
    while True:
        batches = epoch(number)
        share = batches[rank : len(batches) - len(batches) % world : world] if world > 1 else batches
        for batch in share:
            if seen >= start:
                yield batch
            seen += 1
        number += 1


def train(
    model: nn.Module,
    parameters: list[nn.Parameter] | list[dict[str, Any]],
    epoch: Callable[[int], list[Batch]],
    loss: Callable[[nn.Module, Batch, torch.Generator], dict[str, Tensor]],
    training: Training,
    folder: Path,
    accelerator: Accelerator,
) -> nn.Module:
    """Runs `training.steps` steps, from the last checkpoint in `folder` where there is one, and returns the model.

    parameters: those to train, or groups of them as torch's optimizers take, each with its own "lr".
    loss(model, batch, generator) -> terms by name, the one called "loss" is minimised. Writes log.jsonl, a
    checkpoint folder, and prints a line with the time left.
    """
    groups = [one if isinstance(one, dict) else {"params": [one]} for one in parameters]
    trained: list[nn.Parameter] = [one for group in groups for one in group["params"]]
    optimizer = torch.optim.AdamW(parameters, lr=training.learning_rate, betas=(0.9, 0.99), weight_decay=0.0)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: schedule(step, training))
    wrapped, optimizer = accelerator.prepare(model, optimizer)
    accelerator.register_for_checkpointing(scheduler)
    folder.mkdir(parents=True, exist_ok=True)
    start = _resume(accelerator, folder)
    rank, world = accelerator.process_index, accelerator.num_processes
    began, seen = time.monotonic(), 0
    sums: dict[str, float] = {}
    wrapped.train()
    for step, batch in zip(range(start, training.steps), endless(epoch, start, rank, world), strict=False):
        torch.manual_seed(training.seed * 1_000_003 + step * world + rank)  # dropout
        generator = torch.Generator().manual_seed(training.seed * _SEEDS + step * world + rank)
        with accelerator.autocast():
            terms = loss(wrapped, batch, generator)
        accelerator.backward(terms["loss"])
        norm: Any = accelerator.clip_grad_norm_(trained, training.clip_norm)
        optimizer.step()
        scheduler.step()
        optimizer.zero_grad()
        for name, value in (*terms.items(), ("norm", norm)):
            sums[name] = sums.get(name, 0.0) + float(value.detach())
        seen += 1
        if (step + 1) % training.log_every == 0 or step + 1 == training.steps:
            rate = (time.monotonic() - began) / (step + 1 - start)
            means = {name: total / seen for name, total in sums.items()}
            _report(accelerator, folder, step + 1, training.steps, rate, means)
            sums, seen = {}, 0
        if (step + 1) % training.save_every == 0 or step + 1 == training.steps:
            _checkpoint(accelerator, folder, step + 1)
    return accelerator.unwrap_model(wrapped)


def step_of(generator: torch.Generator, training: Training, accelerator: Accelerator) -> int:
    """The step whose generator this is."""
    return (generator.initial_seed() - training.seed * _SEEDS) // accelerator.num_processes


def _report(
    accelerator: Accelerator, folder: Path, step: int, steps: int, seconds: float, means: dict[str, float]
) -> None:
    if not accelerator.is_main_process:
        return
    words = " ".join(f"{name} {value:.4f}" for name, value in means.items())
    log.info("step %d of %d, %.2f s each, %d min left: %s", step, steps, seconds, (steps - step) * seconds // 60, words)
    with (folder / "log.jsonl").open("a") as lines:
        lines.write(json.dumps({"step": step, "seconds": round(seconds, 4), **means}) + "\n")


def _checkpoint(accelerator: Accelerator, folder: Path, step: int) -> None:
    """Replaces the checkpoint as a whole, so that a stop in the middle leaves the one before."""
    part = folder / "checkpoint.part"
    accelerator.save_state(str(part))
    if accelerator.is_main_process:
        (part / "step.json").write_text(json.dumps({"step": step}))
        old = folder / "checkpoint.old"
        shutil.rmtree(old, ignore_errors=True)
        if (folder / "checkpoint").exists():
            os.rename(folder / "checkpoint", old)
        os.rename(part, folder / "checkpoint")
        shutil.rmtree(old, ignore_errors=True)
    accelerator.wait_for_everyone()


def _resume(accelerator: Accelerator, folder: Path) -> int:
    """Loads the checkpoint if there is one; returns the number of steps it has seen."""
    found = next((f for f in (folder / "checkpoint", folder / "checkpoint.old") if (f / "step.json").exists()), None)
    if found is None:
        return 0
    accelerator.load_state(str(found))
    step = int(json.loads((found / "step.json").read_text())["step"])
    log.info("going on from step %d in %s", step, found)
    return step
