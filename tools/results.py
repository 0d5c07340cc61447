"""Writes docs/RESULTS.md from the figures in docs/figures, so that no number in it was typed by hand.

    python -m tools.results

Each file there was written by the command it names: export.prepare, export.evaluate or tools.bench.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parent.parent / "docs"
_LIMBS = ("hip-knee", "knee-ankle", "shoulder-elbow", "elbow-wrist", "pelvis-neck")
_ERRORS = (
    ("mpjpe_m", "global MPJPE, m"),
    ("median_mpjpe_m", "median over clips, m"),
    ("root_relative_m", "root-relative, m"),
    ("pa_mpjpe_m", "PA-MPJPE, m"),
    ("acceleration_error_m_s2", "acceleration error, m/s2"),
    ("jitter_m_s3", "jitter, m/s3"),
    ("foot_skate_cm_s", "foot skate, cm/s"),
)


def _read(name: str) -> dict[str, Any] | None:
    path = DOCS / "figures" / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    return [
        f"| {' | '.join(head)} |",
        f"|{'---|' * len(head)}",
        *(f"| {' | '.join(row)} |" for row in rows),
    ]


def retargeting(figures: dict[str, Any]) -> list[str]:
    """Limb errors by corpus."""
    rows = [
        [corpus, f"{row['clips']:.0f}", *(f"{row[limb]:.2f}" for limb in _LIMBS)]
        for corpus, row in figures["corpora"].items()
    ]
    return [
        "## Retargeting to `smplx22`",
        "",
        f"`{figures['command']}`",
        "",
        "Mean angle in degrees between each limb of the recording and of the canonical clip; asked for: below 3.",
        "",
        *_table(["corpus", "clips", *_LIMBS], rows),
    ]


def reconstruction(figures: dict[str, Any]) -> list[str]:
    """Errors of the tokenizer."""
    rows = [[label, *(f"{row[key]:.4f}" for key, _ in _ERRORS)] for label, row in figures["rows"].items()]
    source = next(iter(figures["rows"].values()))
    return [
        "## Tokenizer: codes and back",
        "",
        f"`{figures['command']}`",
        "",
        f"{figures['clips']} clips of the {figures['split']} split, at most 256 frames each; {figures['codes_used']} "
        "of 4,375 codes used. Asked for (the paper's figures, on the paper's data): global MPJPE below 0.059, PA-MPJPE "
        f"below 0.039. The recordings themselves: jitter {source['jitter_of_source_m_s3']:.0f} m/s3, foot skate "
        f"{source['foot_skate_of_source_cm_s']:.1f} cm/s in the frames where they touch the ground.",
        "",
        *_table(["", *(label for _, label in _ERRORS)], rows),
    ]


def actions(figures: dict[str, Any]) -> list[str]:
    """Recognised actions."""
    rows = [
        [
            action, f"{100 * row['real_recognised']:.0f}", f"{row['generated']}", f"{100 * row['recognised']:.0f}",
            ", ".join(row["taken_for"]) or "", f"[picture](pictures/action-{action}.png)",
        ]
        for action, row in figures["actions"].items()
    ]  # fmt: skip
    return [
        "## Does the character do what was said?",
        "",
        f"`{figures['command']}`",
        "",
        f"The classifier, trained on real training clips alone, recognises {100 * figures['real_accuracy']:.1f} % of "
        f"{figures['real_clips']} real test clips (asked for: 85 %) and {100 * figures['generated_accuracy']:.1f} % of "
        f"{figures['generated_clips']} clips generated from test captions (asked for: 60 %); "
        f"{100 * figures['mean_over_actions']:.1f} % when each action counts alike.",
        "",
        *_table(["action", "real, %", "generated", "recognised, %", "taken for", ""], rows),
    ]


def latency(figures: dict[str, Any]) -> list[str]:
    """The service's speed."""
    machine = figures["machine"]
    rows = [
        ["first frame, p50", f"{figures['first_frame_s']['p50']:.2f} s", "1.0 s"],
        ["first frame, p95", f"{figures['first_frame_s']['p95']:.2f} s", ""],
        ["whole clip, p50", f"{figures['clip_s']['p50']:.2f} s", ""],
        ["whole clip, p95", f"{figures['clip_s']['p95']:.2f} s", ""],
        ["sustained", f"{figures['realtime_factor']:.2f} x real time", "1.5"],
        ["frames a second", f"{figures['frames_per_s']:.1f}", ""],
        ["motion tokens a second", f"{figures['tokens_per_s']:.1f}", ""],
        ["memory of the server, peak", f"{figures['peak_rss_mb']:.0f} MB", "2,048 MB"],
        ["start until ready", f"{figures['start_s']:.1f} s", "20 s"],
    ]
    return [
        "## Latency",
        "",
        f"`{figures['command']} --json docs/figures/latency.json`",
        "",
        f"{len(figures['requests'])} requests of {figures['config']['seconds']:g} s each over a real socket, server "
        f"warm; {machine['cpu']}, {machine['cores']} cores, load {machine['load_before']} before the run, "
        f"torch {machine['torch']}, onnxruntime {machine['onnxruntime']}.",
        "",
        *_table(["", "measured", "asked for"], rows),
    ]


_SECTIONS = (
    ("retargeting", retargeting),
    ("reconstruction", reconstruction),
    ("actions", actions),
    ("latency", latency),
)


def main() -> int:
    """Writes the page."""
    lines = [
        "# Results",
        "",
        "Written by `python -m tools.results` from the files in `docs/figures`; each section names the command that",
        "made its figures. All were measured on two CPU cores (AMD EPYC with AVX-512 BF16, 24 GiB), where the shipped",
        "weights were trained too: no GPU was involved.",
    ]
    for name, section in _SECTIONS:
        figures = _read(name)
        if figures is not None:
            lines += ["", *section(figures)]
    notes = DOCS / "figures" / "notes.md"
    if notes.exists():
        lines += ["", notes.read_text(encoding="utf-8").strip()]
    (DOCS / "RESULTS.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
