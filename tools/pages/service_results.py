"""The service's sections of docs/RESULTS.md, from docs/figures/serve.json and soak.json."""

from __future__ import annotations

from typing import Any

from tools.pages.markdown import table


def transport(figures: dict[str, Any]) -> list[str]:
    """What the service costs beside the models."""
    machine, trip, bare, ours = (figures[name] for name in ("machine", "round_trip", "bare", "ours"))
    rows_beside, told_beside = _beside(figures["crowded"]) if "crowded" in figures else ([], "")
    rows = [
        ["round trip of a small message, median",
         *(f"{trip[name]['median']:.0f} us" for name in ("bare_us", "ours_us")),
         f"{trip['ratio']['median']:.2f} x", "within 2 x"],
        ["the same, least and greatest of the rounds",
         *(f"{trip[name]['least']:.0f} to {trip[name]['greatest']:.0f} us" for name in ("bare_us", "ours_us")),
         f"{trip['ratio']['least']:.2f} to {trip['ratio']['greatest']:.2f} x", ""],
        ["a frame's way to its watchers, median", f"{bare['late_p50_ms']:.2f} ms", f"{ours['late_p50_ms']:.2f} ms",
         f"{ours['late_p50_ms'] / max(bare['late_p50_ms'], 0.01):.2f} x", "within 2 x"],
        ["the same, p99", f"{bare['late_p99_ms']:.2f} ms", f"{ours['late_p99_ms']:.2f} ms", "", "under 20 ms"],
        ["frames lost", f"{bare['lost']}", f"{ours['lost']} of {ours['frames']}", "", "none"],
        ["cores in use", f"{bare['cores']:.2f}", f"{ours['cores']:.2f}", "", "under 1"],
        *rows_beside,
    ]  # fmt: skip
    return [
        "## Transport of the service",
        "",
        f"`{figures['command']} --json docs/figures/serve.json`",
        "",
        f"Round trips: {trip['rounds']} rounds on fresh connections; in each, service and pyzmq alone get "
        f"{trip['pings']} pings in turn, and the ratio is that of their medians. Then {ours['streams']} live sessions "
        f"of 30 frames a second, seen by {ours['watchers']} watchers for {ours['seconds']:g} s; the language model is "
        "a recording. Beside them, in the same run, pyzmq alone sending the same bytes at the same times. "
        f"{told_beside}"
        f"{machine['cpu']}, {machine['cores']} cores, which watchers and the owner "
        f"shared with the server; load {machine['load_before']} before the run.",
        "",
        *table(["", "pyzmq alone", "the service", "ratio", "asked for"], rows),
    ]


def _beside(crowd: dict[str, Any]) -> tuple[list[list[str]], str]:
    """Rows of a live session beside clients that send new rigs, and what is told of these."""
    shown = crowd["shown"]
    rows = [
        ["a live session's frames beside the crowd, median", "", f"{shown['late_p50_ms']:.2f} ms", "", ""],
        ["the same, p99", "", f"{shown['late_p99_ms']:.2f} ms", "", ""],
        ["the same, the latest", "", f"{shown['late_most_ms']:.2f} ms", "", "under 20 ms"],
        ["frames lost beside the crowd", "", f"{shown['lost']} of {shown['frames']}", "", "none"],
    ]
    told = (
        f"Last, one live session while a crowd of {crowd['clients']} clients sends new rigs of {crowd['joints']} "
        f"joints as fast as it may: {crowd['rigs']}, of which {crowd['frames']} were moved and the others refused "
        "since enough waited. "
    )
    return rows, told


def soak(figures: dict[str, Any]) -> list[str]:
    """What is left of many customers."""
    first, end, begun = (figures[name] for name in ("first", "end", "begun"))
    left = figures["left"]
    rows = [
        ["sessions, requests, live sessions, watchers left", ", ".join(str(count) for count in left.values()), "none"],
        ["threads before and after", f"{begun['threads']}, {end['threads']}", "the same"],
        ["open files before and after", f"{begun['files']}, {end['files']}", "the same"],
        ["memory after the first minute", f"{first['rss_mb']:.1f} MB", ""],
        ["memory at the end", f"{end['rss_mb']:.1f} MB", ""],
        ["grown by", f"{figures['grown_mb']:.1f} MB", "under 20 MB"],
    ]
    return [
        "## What many clients leave behind",
        "",
        f"`{figures['command']} --json docs/figures/soak.json`",
        "",
        f"{figures['requests']} requests in {figures['minutes']:g} minutes, {figures['cancels']} of them cancelled at "
        f"some moment, and {figures['killed']} clients killed in the middle of clips and live sessions: "
        f"{figures['finished']} came to their end, {figures['cancelled']} were stopped, {figures['failed']} failed. "
        "Server and worker together; the language model is a recording.",
        "",
        *table(["", "measured", "asked for"], rows),
    ]
