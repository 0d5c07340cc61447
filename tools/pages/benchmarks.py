"""Writes docs/BENCHMARKS.md from the figures in docs/figures: `python -m tools.bench page`.

No number in it was typed by hand. Each section names the command that made its figures, the machine and the day; the
quality that a precision costs stands beside its speed.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tools.pages.markdown import table

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
BUNDLE = ROOT / "runtime" / "bundles" / "base"
_PRECISIONS = {"fp32": "language-fp32.onnx", "int8": "language-int8.onnx", "int4": "language-int4.onnx"}
_PEERS = (
    ("MotionLCM", "0.14", ""),
    ("MoMask", "0.32", ""),
    ("MotionGPT", "1.1", ""),
    ("MDM", "2.7", ""),
    ("T2M-GPT", "3.4", ""),
    ("FloodDiffusion tiny", "3.7", "0.26"),
    ("Kimodo, 5 steps", "13", ""),
    ("MotionStreamer", "147", "5.0"),
)
"""whole clip of 6 s and first frames, seconds, each run on the same kind of machine: two cores of an AMD EPYC"""


def write(docs: Path = DOCS) -> Path:
    """Writes the page from what files there are; where it was written."""
    figures = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in (docs / "figures").glob("*.json")}
    manifest = BUNDLE / "bundle.toml"
    packed = tomllib.loads(manifest.read_text(encoding="utf-8")).get("metrics", {}) if manifest.exists() else {}
    figures["verify"] = packed.get("verify", {})
    lines = [
        "# Benchmarks",
        "",
        "Written by `python -m tools.bench page` from the files in `docs/figures`. Every command can be run again, and "
        "`python -m tools.bench all` runs them one after the other; "
        "figures of another machine will differ, and those of one machine with something else on it too: each section "
        "says how busy it was before.",
    ]
    for name, section in _SECTIONS:
        if name in figures:
            lines += ["", *section(figures[name], figures)]
    path = docs / "BENCHMARKS.md"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _latency(figures: dict[str, Any], _: dict[str, Any]) -> list[str]:
    first, inside, clip = figures["first_frame_s"], figures.get("first_output_s"), figures["clip_s"]
    seconds = figures["config"]["seconds"]
    rows = [
        ["first frame, p50", _ms(first["p50"]), "under 60 ms"],
        ["first frame, p95", _ms(first["p95"]), "under 120 ms"],
    ]
    if inside:
        rows += [
            ["from the request's arrival to the first frame's departure, p50", _ms(inside["p50"]), "under 60 ms"],
            ["the same, p95", _ms(inside["p95"]), "under 120 ms"],
        ]
    rows += [
        [f"whole clip of {seconds:g} s, p50", f"{clip['p50']:.3f} s", "under 0.25 s"],
        [f"whole clip of {seconds:g} s, p95", f"{clip['p95']:.3f} s", ""],
        ["sustained", f"{figures['realtime_factor']:.1f} x real time", "24"],
        ["motion tokens a second", f"{figures['tokens_per_s']:.0f}", ""],
        ["frames a second", f"{figures['frames_per_s']:.0f}", ""],
        ["longest wait of a player that began with the first frame, p95", f"{figures['starved_s']['p95']:.2f} s", "0"],
        ["resident memory of all its processes", f"{figures['rss_mb']:.0f} MB", "under 800 MB"],
        ["peak memory", f"{figures['peak_rss_mb']:.0f} MB", ""],
    ]
    if "start_cold_s" in figures:
        rows.append(["start until ready, nothing cached", f"{figures['start_cold_s']:.1f} s", ""])
    rows.append(["start until ready", f"{figures['start_s']:.1f} s", ""])
    lines = [
        "## One client, one motion after the other",
        "",
        *_made(figures),
        "",
        f"{len(figures['requests'])} requests over a real socket, server warm, {figures['config']['cores']} cores.",
        "",
        *table(["", "measured", "asked for"], rows),
    ]
    eager = figures.get("eager")
    if eager:
        lines += [
            "",
            "The same bundle in the same run without a server, as it is served and in plain torch (eager, float32):",
            "",
            *table(
                ["", "as served", "plain torch", "times faster"],
                [
                    ["first frame", _ms(eager["onnx_first_s"]), _ms(eager["eager_first_s"]),
                     f"{eager['first_ratio']:.1f}"],
                    [f"whole clip of {seconds:g} s", f"{eager['onnx_clip_s']:.3f} s", f"{eager['eager_clip_s']:.2f} s",
                     f"{eager['clip_ratio']:.1f}"],
                ],
            ),
        ]  # fmt: skip
    return [*lines, "", *_peers(clip["p50"], first["p50"], seconds)]


def _peers(clip: float, first: float, seconds: float) -> list[str]:
    if seconds != 6:
        return []
    rows = [["Motus", f"{clip:.2f}", f"{first:.3f}"], *([name, whole, begun or whole] for name, whole, begun in _PEERS)]
    rows.sort(key=lambda row: float(row[1]))
    return [
        "Others, timed on the same kind of machine (two cores), one clip of 6 s, whole; those that do not stream show "
        "their first frame with the last:",
        "",
        *table(["", "whole clip, s", "first frame, s"], rows),
    ]


def _throughput(figures: dict[str, Any], _: dict[str, Any]) -> list[str]:
    rows = [
        [
            str(row["batch"]), f"{row['clips_per_s']:.2f}", f"{60 * row['clips_per_s']:.0f}",
            f"{row['tokens_per_s']:.0f}", f"{row['frames_per_s']:.0f}", f"{row['realtime_factor']:.1f}",
            f"{row['first_frame_s']:.2f} s",
        ]
        for row in figures["rows"]
    ]  # fmt: skip
    head = ["side by side", "clips a second", "clips a minute", "tokens a second", "frames a second", "x real time",
            "first frames of the last"]  # fmt: skip
    seconds = figures["config"]["seconds"]
    return [
        "## Many motions side by side",
        "",
        *_made(figures),
        "",
        f"Motions of {seconds:g} s that share each run of the language model ({figures['about']}), without a server.",
        "",
        *table(head, rows),
    ]


def _engines(figures: dict[str, Any], every: dict[str, Any]) -> list[str]:
    lines = [
        "## Every graph by itself",
        "",
        *_made(figures),
        "",
        f"The best of some runs on {figures['config']['cores']} cores, milliseconds. A motion with guidance is two "
        "sequences.",
        "",
    ]
    language = [row for row in figures["rows"] if row["graph"].startswith("language")]
    whats = list(dict.fromkeys(row["what"] for row in language))
    names = list(dict.fromkeys(row["graph"] for row in language))
    times = {(row["graph"], row["what"]): f"{row['milliseconds']:.1f}" for row in language}
    lines += table(
        ["language model", *(name.removeprefix("language ") for name in names)],
        [[what, *(times.get((name, what), "") for name in names)] for what in whats]
        + [[label, *cells] for label, cells in _quality(names, every)],
    )
    alone = every.get("judged", {}).get("rows", {}).get("one-code")
    if alone:
        lines += [
            "",
            f"With each code drawn by a run of its own (`--one-code`), in the precision that is served, "
            f"{100 * alone['generated_accuracy']:.1f} % of {alone['generated_clips']} motions show the action.",
        ]
    others = [row for row in figures["rows"] if not row["graph"].startswith("language")]
    whats = list(dict.fromkeys(row["what"] for row in others))
    names = list(dict.fromkeys(row["graph"] for row in others))
    times = {(row["graph"], row["what"]): f"{row['milliseconds']:.1f}" for row in others}
    cells = [[name, *(times.get((name, what), "") for what in whats)] for name in names]
    return [*lines, "", *table(["graph", *whats], cells)]


def _quality(names: Sequence[str], every: dict[str, Any]) -> list[tuple[str, list[str]]]:
    """What each precision costs: from the verification of the packed bundle, and from the action evaluation."""
    verified = every.get("verify", {}).get("language", {})
    judged = every.get("judged", {}).get("rows", {})
    found: list[tuple[str, list[str]]] = []
    keys = [name.removeprefix("language ") for name in names]
    if verified:
        rows = [verified.get(_PRECISIONS[key], {}) for key in keys]
        found.append(
            ("divergence from the trained model, nats a token", [_of(r, "divergence", "{:.5f}") for r in rows])
        )
        found.append(("best code is the trained model's, %", [_of(r, "best_code_equal", "{:.1f}", 100) for r in rows]))
    if judged:
        rows = [judged.get(key, {}) for key in keys]
        found.append(("motions that show the action, %", [_of(r, "generated_accuracy", "{:.1f}", 100) for r in rows]))
        found.append(("the same, either way by chance", [_of(r, "chance", "{:.1f}", 100) for r in rows]))
        found.append(("motions judged", [_of(r, "generated_clips", "{:.0f}") for r in rows]))
    return found


def _of(row: dict[str, Any], key: str, form: str, factor: float = 1) -> str:
    return form.format(factor * row[key]) if key in row else ""


def _windows(figures: dict[str, Any], _: dict[str, Any]) -> list[str]:
    served = figures["packed_lookahead"], figures["packed_fade"]
    rows = [
        [
            str(row["lookahead"]),
            f"{row['fade']} (as served)" if (row["lookahead"], row["fade"]) == served else str(row["fade"]),
            f"{row['apart_mm']:.1f}", f"{100 * (row['acceleration'] - 1):+.1f} %", f"{row['seam_m_s2']:+.2f}",
            f"{row['worst_seam_m_s2']:+.1f}",
        ]
        for row in figures["seams"]
    ]  # fmt: skip
    return [
        "## Frames in windows",
        "",
        *_made(figures),
        "",
        "Frames that were decoded in windows, while later codes were still to come, against the same codes decoded at "
        "once: mean distance of joints (bodies brought together in place and heading), their mean acceleration, and "
        "how much larger the largest acceleration is where two windows meet. The first frame waits for the look-ahead, "
        "and for the fade nothing waits.",
        "",
        *table(
            ["look-ahead, tokens", "fade, tokens", "apart, mm", "acceleration", "at seams, m/s2", "p95, m/s2"], rows
        ),
    ]


def _dial(figures: dict[str, Any], _: dict[str, Any]) -> list[str]:
    rows = [
        [row["name"], f"{row['milliseconds']:.1f}", f"{1000 * row['mpjpe_m']:.0f}",
         f"{1000 * row['root_relative_m']:.1f}", f"{row['jitter_m_s3']:.0f}", f"{row['foot_skate_cm_s']:.1f}"]
        for row in figures["rows"]
    ]  # fmt: skip
    return [
        "## The refiner's steps",
        "",
        *_made(figures),
        "",
        f"Milliseconds for decoder and refiner on a window of {figures['tokens']} tokens; the rest is of "
        f"{figures['clips']} recorded clips of the test split, coded and decoded, whose own jitter is "
        f"{figures['rows'][0]['jitter_of_source_m_s3']:.0f} m/s3.",
        "",
        *table(["", "ms", "MPJPE, mm", "root-relative, mm", "jitter, m/s3", "foot skate, cm/s"], rows),
    ]


def _made(figures: dict[str, Any]) -> list[str]:
    machine = figures["machine"]
    day = f"{machine['date']}, " if "date" in machine else ""
    return [
        f"`{figures['command']}`",
        "",
        f"{day}{machine['cpu']}, {machine['cores']} cores, {machine['memory_gb']} GiB, load {machine['load_before']} "
        f"before, Python {machine['python']}, onnxruntime {machine['onnxruntime']}, torch {machine['torch']}.",
    ]


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.0f} ms"


_SECTIONS: tuple[tuple[str, Callable[[dict[str, Any], dict[str, Any]], list[str]]], ...] = (
    ("latency", _latency),
    ("throughput", _throughput),
    ("engines", _engines),
    ("dial", _dial),
    ("windows", _windows),
)
