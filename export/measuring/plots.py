"""Plots of tokenizers side by side: errors, joints, spectra, wrists, and one wrist's swing."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from export.measuring.side_by_side import Measured
from motion import features
from motion.errors import MissingPart
from motion.quat import F32


def draw(found: Mapping[str, Measured], folder: Path) -> list[Path]:
    """Five pictures into a folder, and where they are. Raises MissingPart where matplotlib is not installed."""
    try:
        importlib.import_module("matplotlib").use("Agg")
        plots: Any = importlib.import_module("matplotlib.pyplot")
    except ImportError as error:
        raise MissingPart(
            f"plots are drawn by matplotlib, which is not installed ({error}); install it with: "
            'pip install -e ".[view]"'
        ) from error
    folder.mkdir(parents=True, exist_ok=True)
    jobs = {"errors": _errors, "joints": _joints, "spectrum": _spectrum, "wrists": _wrists, "swing": _swing}
    paths: list[Path] = []
    for name, job in jobs.items():
        figure, axes = plots.subplots(figsize=(8, 4.5), layout="constrained")
        job(axes, found)
        paths.append(folder / f"tokenizers-{name}.png")
        figure.savefig(paths[-1], dpi=110)
        plots.close(figure)
    return paths


def _errors(axes: Any, found: Mapping[str, Measured]) -> None:
    """Share of the clips whose error is below so many centimetres."""
    for name, one in found.items():
        values = np.sort(one.errors) * 100
        axes.plot(values, np.arange(1, len(values) + 1) / len(values) * 100, label=name)
    axes.set(xlabel="root-relative error of a clip, cm", ylabel="clips with less, %", xscale="log", ylim=(0, 100))
    axes.grid(alpha=0.3)
    axes.legend()


def _joints(axes: Any, found: Mapping[str, Measured]) -> None:
    names = list(dict.fromkeys(joint for one in found.values() for joint in one.joint_names))
    table = np.full((len(found), len(names)), np.nan)
    for row, one in enumerate(found.values()):
        for joint, value in zip(one.joint_names, one.joint_errors, strict=True):
            table[row, names.index(joint)] = value * 100
    image = axes.imshow(table, aspect="auto", cmap="viridis")
    axes.set_xticks(range(len(names)), names, rotation=90, fontsize=7)
    axes.set_yticks(range(len(found)), list(found))
    axes.figure.colorbar(image, label="root-relative error, cm")


def _spectrum(axes: Any, found: Mapping[str, Measured]) -> None:
    for name, one in found.items():
        rate, power = one.residual
        axes.semilogy(rate, np.sqrt(np.maximum(power, 1e-14)) * 1000, label=name)
    axes.set(xlabel="Hz", ylabel="error, mm per root Hz", xlim=(0, 15))
    axes.grid(alpha=0.3)
    axes.legend()


def _wrists(axes: Any, found: Mapping[str, Measured]) -> None:
    """How often the wrists accelerate how much: recorded, and as each tokenizer gives it back."""
    edges = np.linspace(0, 60, 61)
    for i, (name, one) in enumerate(found.items()):
        if i == 0:
            axes.plot(edges[:-1], np.histogram(one.wrists[0], edges, density=True)[0], "k", lw=2, label="recorded")
        axes.plot(edges[:-1], np.histogram(one.wrists[1], edges, density=True)[0], label=name)
    axes.set(xlabel="acceleration of the wrists, m/s2", ylabel="density", yscale="log")
    axes.grid(alpha=0.3)
    axes.legend()


def _swing(axes: Any, found: Mapping[str, Measured]) -> None:
    """The right wrist's acceleration, frame by frame, in the recording where it is the fastest."""

    def line(values: F32, label: str, **look: Any) -> None:
        axes.plot(np.arange(1, 1 + len(values)) / features.FPS, values, label=f"{label}, {values.std():.1f}", **look)

    longest = max((one.swing[0] for one in found.values()), key=len)
    line(longest, "recorded, standard deviation", color="k", lw=2)
    for name, one in found.items():
        line(one.swing[1], name, lw=1)
    axes.set(xlabel="s", ylabel="acceleration of the right wrist, m/s2", ylim=(0, 1.5 * float(longest.max(initial=1))))
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
