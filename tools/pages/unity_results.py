"""The section of docs/RESULTS.md on the Unity package, from docs/figures/unity.json (tools/unity/figures.py)."""

from __future__ import annotations

from typing import Any

from tools.pages.markdown import table

_SHOWN = ("mean_ms", "p99_ms", "dropped", "repeated", "spikes")


def section(figures: dict[str, Any]) -> list[str]:
    """Its lines."""
    lines = ["## Unity: a network between", "", f"`{figures['command']}`", ""]
    if "buffer" in figures:
        lines += _buffer(figures["buffer"])
    if "cost" in figures:
        lines += _cost(figures["cost"])
    if "soak" in figures:
        lines += _soak(figures["soak"])
    return lines


def _buffer(rows: list[dict[str, Any]]) -> list[str]:
    first = rows[0]["adaptive"]
    seconds = first["shown"] / 60
    head = ["network", "jitter up to, ms", "loss, %"]
    for name in ("adaptive", "fixed 100 ms"):
        head += [f"{name}: mean, ms", "p99, ms", "dropped", "repeated", "spikes"]
    lines = [
        _paragraph(f"""
            What a game at 60 Hz shows of two strides of a recorded walk, looped, that come over a simulated network,
            {seconds:.0f} s each after three to learn: by how much later than the fastest messages it is shown, frames
            that were never shown, poses that were held or carried on for want of frames, and poses in which some joint
            accelerates more than one and a half times as much as it ever does in the clean stream
            ({first["clean_peak"]:.0f} m/s2). Without loss frames keep their order, as over TCP; with loss they may
            overtake each other. The fixed buffer interpolates too, and holds the last pose where it has none."""),
        "",
    ]
    cells = [
        [
            row["network"], f"{row['jitter_ms']:.0f}", f"{100 * row['loss']:.0f}",
            *(f"{row[kind][key]:.0f}" for kind in ("adaptive", "fixed") for key in _SHOWN),
        ]
        for row in rows
    ]  # fmt: skip
    return [*lines, *table(head, cells), ""]


def _cost(figures: dict[str, Any]) -> list[str]:
    lines = [
        _paragraph(f"""
            A live frame of 22 joints takes {figures["dotnet"]["bytes"]} bytes on the wire. After warm-up a frame
            allocates nothing from its bytes to the bones (a test counts it on dotnet). Microseconds on one core, the
            least of eight rounds ({figures["machine"]}); showing is sampling the buffer, retargeting and holding the
            feet, of 100 characters at 60 Hz:"""),
        "",
    ]
    head = ["", "reading a frame, us", "showing a character, us a frame", "100 characters at 60 Hz, of one core"]
    cells: list[list[str]] = []
    for runtime in ("dotnet", "mono"):
        row = figures[runtime]
        share = row["showing_us"] * 100 * 60 / 1e4
        cells.append([runtime, f"{row['reading_us']:.1f}", f"{row['showing_us']:.1f}", f"{share:.0f} %"])
    return [*lines, *table(head, cells), ""]


def _soak(figures: dict[str, Any]) -> list[str]:
    heap = [size / 1e3 for size in figures["heap_bytes"]]
    return [
        _paragraph(f"""
            {figures["seconds"] / 60:.0f} minutes of a live session of a real server: {figures["frames"]:.0f} frames,
            {figures["missing"]:.0f} missing, {figures["late"]:.0f} late (beside other work on the same cores); the
            managed heap after a collection was {heap[0]:.0f} kB after ten seconds and {heap[-1]:.0f} kB
            at the end."""),
        "",
    ]


def _paragraph(text: str) -> str:
    return " ".join(text.split())
