"""What became of many files, counted by kind: a table for people, and the same as figures."""

from __future__ import annotations

from motion.convert.collection import Task
from motion.convert.conversion import Outcome

Row = dict[str, float]
_COUNTED = ("files", "converted", "frames", "seconds", "mb", "read_s", "write_s")


def figures(tasks: list[Task], outcomes: list[Outcome]) -> dict[str, Row]:
    """Counts and speeds by kind of file."""
    rows: dict[str, Row] = {}
    for task, outcome in zip(tasks, outcomes, strict=True):
        row = rows.setdefault(task.group, dict.fromkeys(_COUNTED, 0.0))
        row["files"] += 1
        if outcome.error:
            continue
        row["converted"] += 1
        row["frames"] += outcome.frames
        row["seconds"] += outcome.frames / outcome.fps
        row["mb"] += outcome.megabytes
        row["read_s"] += outcome.read_s
        row["write_s"] += outcome.write_s
        if outcome.apart_mm is not None:
            row["apart_mm"] = max(row.get("apart_mm", 0.0), outcome.apart_mm)
    return rows


def table(rows: dict[str, Row]) -> str:
    """The rows as lines of text; speed is megabytes of source a second of processor time."""
    wide = max(len(group) for group in rows)
    lines = [f"{'':{wide}s}  files  converted    frames   seconds      MB  read MB/s  apart mm"]
    for group, row in sorted(rows.items()):
        cells = [
            f"{group:{wide}s}", f"{row['files']:5.0f}", f"{row['converted']:9.0f}", f"{row['frames']:8.0f}",
            f"{row['seconds']:8.1f}", f"{row['mb']:6.1f}", f"{row['mb'] / max(row['read_s'], 1e-9):9.1f}",
            f"{row['apart_mm']:8.4f}" if "apart_mm" in row else "",
        ]  # fmt: skip
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)
