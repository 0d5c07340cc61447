"""Writes docs/RESULTS.md from the figures in docs/figures, so that no number in it was typed by hand.

    python -m tools.results

Each file there was written by the command it names: export.prepare, export.evaluate, tools.transfers, tools.speeds,
tools.convert, tools.soak or tools.bench; what the models take is told in docs/BENCHMARKS.md.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tools.pages import service_results, tokenizer_results, unity_results
from tools.pages.markdown import table

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
        *table(["corpus", "clips", *_LIMBS], rows),
    ]


def transfers(figures: dict[str, Any]) -> list[str]:
    """Motion on other rigs."""

    def rows(figures: dict[str, dict[str, float]]) -> list[list[str]]:
        return [
            [
                name, *([f"{row['clips']:.0f}"] if "clips" in row else []),
                f"{sum(row[limb] for limb in _LIMBS) / len(_LIMBS):.3f}", f"{row['worst']:.2f}",
                *(f"{row[f'skate_{key}']:.1f}" for key in ("source", "loose", "locked")),
                *(f"{row[f'penetration_{key}']:.2f}" for key in ("loose", "locked")),
                *(f"{row[f'jitter_{key}']:.0f}" for key in ("loose", "locked")),
            ]
            for name, row in figures.items()
        ]  # fmt: skip

    head = ["limbs, degrees", "worst limb of a take", "skate of the source", "of the copy", "of the copy, feet locked",
            "penetration, cm", "locked", "jitter, m/s3", "locked"]  # fmt: skip
    return [
        "## Retargeting to rigs of other makers",
        "",
        f"`{figures['command']}`",
        "",
        "Takes of every corpus onto every rig below. Limbs: mean angle between each limb of the recording and of the "
        "copy (asked for: below 3). Skate: cm/s of feet while they rest, the source's at the target's size (asked for: "
        "with feet locked no more than the source's).",
        "",
        *table(["corpus", "takes", *head], rows(figures["corpora"])),
        "",
        *table(["rig", *head], rows(figures["rigs"])),
        "",
        f"For 1,000 frames of 22 joints on one core, milliseconds (asked for: below 50; {figures['machine']}):",
        "",
        *table(["", "ms"], [[name, f"{value:.0f}"] for name, value in figures["milliseconds"].items()]),
    ]


def formats(figures: dict[str, Any]) -> list[str]:
    """How fast files are read and written."""
    rows = [
        [
            row["what"], f"{row['files']}", f"{row['mb']:.1f}",
            *("" if row[key] is None else f"{row[key]:,.0f}"
              for key in ("read_mb_s", "read_frames_s", "write_mb_s", "write_frames_s")),
        ]
        for row in figures["speeds"]
    ]  # fmt: skip
    machine = figures.get("machine")
    where = "" if machine is None else f" {machine['cpu']}, load {machine['load_before']} before the run."
    return [
        "## Motion files: reading and writing",
        "",
        f"`{figures['command']}`",
        "",
        "Megabytes of file and frames a second of one core's time, from bytes on disk to a clip and back (asked for: "
        "BVH is read at 30 MB/s or more). BVH recordings are written as BVH again; the files of other formats hold "
        f"twenty clips of Bandai Namco, the GLB a mesh each besides. The best of seven runs each.{where}",
        "",
        *table(["files of", "files", "MB", "read, MB/s", "frames a second", "written, MB/s", "frames a second"], rows),
    ]


def conversions(figures: dict[str, Any]) -> list[str]:
    """The converter over all archives."""
    rows = [
        [
            kind, f"{row['files']:.0f}", f"{row['converted']:.0f}", f"{row['frames']:,.0f}", f"{row['mb']:.1f}",
            f"{row['frames'] / max(row['read_s'], 1e-9):,.0f}", f"{row['frames'] / max(row['write_s'], 1e-9):,.0f}",
            f"{row['apart_mm']:.4f}" if "apart_mm" in row else "",
        ]
        for kind, row in figures["kinds"].items()
    ]  # fmt: skip
    converted, files = (sum(row[key] for row in figures["kinds"].values()) for key in ("converted", "files"))
    ending = figures["command"].split("--to ")[1].split()[0]
    return [
        f"## Every file of the collection as {ending.upper()}",
        "",
        f"`{figures['command']}`",
        "",
        f"{converted:,.0f} of {files:,.0f} files converted. Apart: the largest distance of any joint in any frame "
        "between what was written and what is read again.",
        "",
        *table(["archive", "files", "converted", "frames", "MB", "frames read a second", "written", "apart, mm"], rows),
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
        *table(["", *(label for _, label in _ERRORS)], rows),
    ]


def actions(figures: dict[str, Any], pictures: bool = True) -> list[str]:
    """Recognised actions; pictures: there is one of each."""
    rows = [
        [
            action, f"{100 * row['real_recognised']:.0f}", f"{row['generated']}", f"{100 * row['recognised']:.0f}",
            ", ".join(row["taken_for"]) or "", *([f"[picture](pictures/action-{action}.webp)"] if pictures else []),
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
        *table(["action", "real, %", "generated", "recognised, %", "taken for", *([""] if pictures else [])], rows),
    ]


def geometry(figures: dict[str, Any]) -> list[str]:
    """The rules that judge without training, on recordings."""

    def share(row: dict[str, Any], kind: str) -> str:
        return f"{100 * row[f'{kind}_pass'] / row[kind]:.1f} of {row[kind]:,}" if row[kind] else ""

    rows = [
        [
            rule, *(share(by_split[split], kind) for split in ("train", "val and test") for kind in ("own", "others")),
            f"{100 * by_split['train']['others_alike']:.1f}", share(by_split["train"], "overlaps"),
            ", ".join(by_split["train"]["most_often"]),
        ]
        for rule, by_split in figures["rows"].items()
    ]  # fmt: skip
    head = [
        "rule", "own, train, %", "others, train, %", "own, val and test, %", "others, val and test, %",
        "others, each action alike, %", "others that show it in truth, %",
        "others of which over 10 % pass",
    ]  # fmt: skip
    return [
        "## A judge without training: rules on joint positions",
        "",
        f"`{figures['command']}`",
        "",
        "Recordings and their mirrored copies that pass a rule of `export/metrics/geometry.py`: of its own action "
        "(asked for: at least 90 %), and of the others (at most 10 %). Thresholds were set on the training split "
        "alone. Recordings of other actions that show it in truth are listed in that file (`OVERLAPS`) and counted "
        "apart.",
        "",
        *table(head, rows),
    ]


def words(figures: dict[str, Any]) -> list[str]:
    """What is obeyed, in the words of training and in others."""
    kinds = {"trained": "words of training", "heldout": "held-out words", "listed": "a list", "styles": "named styles"}
    found = {name: figures["words"][name] for name in kinds if name in figures["words"]}
    names = list(dict.fromkeys(action for one in found.values() for action in one["actions"]))

    def cell(row: dict[str, Any] | None) -> str:
        return "" if row is None else f"{100 * row['shows']:.0f} of {row['asked']}"

    rows = [[name, *(cell(one["actions"].get(name)) for one in found.values())] for name in names]
    rows.append(["all", *(f"**{100 * one['shows']:.1f}** of {one['asked']}" for one in found.values())])
    rows.append(["all actions alike", *(f"{100 * one['actions_alike']:.1f}" for one in found.values())])
    lines = [
        "## In other people's words: does the character do what was said?",
        "",
        f"`{figures['command']}`",
        "",
        "Per cent of clips that show what the sentence asks for, by the rules above, as served (int8, three codes a "
        "run). Words of training are captions; held-out words were never trained on.",
        "",
        *table(["action", *(f"{kinds[name]}, %" for name in found)], rows),
    ]
    styles = [
        [style, str(row["asked"]), f"{100 * row['in_style']:.0f} of {row['judged']}" if row["judged"] else ""]
        for one in found.values()
        for style, row in one["styles"].items()
    ]
    if styles:
        lines += ["", *table(["style", "sentences", "shown, % of those a sign tells"], styles)]
    return lines


def free_reconstruction(figures: dict[str, Any]) -> list[str]:
    """Errors of the tokenizer in the bundle of commercial use."""
    _, *lines = reconstruction(figures)
    return ["## Bundle `base-free`, tokenizer: codes and back", *lines]


def free_actions(figures: dict[str, Any]) -> list[str]:
    """Actions recognised in what the bundle of commercial use makes."""
    _, *lines = actions(figures, pictures=False)
    return ["## Bundle `base-free`: does the character do what was said?", *lines]


Section = Callable[[dict[str, Any]], list[str]]
_SECTIONS: tuple[tuple[str, Section], ...] = (
    ("retargeting", retargeting),
    ("transfers", transfers),
    ("formats", formats),
    ("conversions-glb", conversions),
    ("conversions-bvh", conversions),
    ("reconstruction", reconstruction),
    ("actions", actions),
    ("geometry", geometry),
    ("words", words),
    ("base-free/reconstruction", free_reconstruction),
    ("base-free/actions", free_actions),
    ("tokenizers", tokenizer_results.tokenizers),
    ("sizes", tokenizer_results.sizes),
    *(
        (f"ablation-{paper}", tokenizer_results.ablation)
        for paper in ("vermo", "hmvlm", "superman", "unimotion", "unimo")
    ),
    ("serve", service_results.transport),
    ("soak", service_results.soak),
    ("unity", unity_results.section),
)


def main() -> int:
    """Writes the page."""
    lines = [
        "# Results",
        "",
        "Written by `python -m tools.results` from the files in `docs/figures`; each section names the command that",
        "made its figures. All were measured on two CPU cores with 24 GiB: AMD EPYC with AVX-512 BF16, where the",
        "shipped weights were trained too, or Intel Xeon where a section says so. No GPU was involved. How fast the",
        "models and the service are is told in [BENCHMARKS.md](BENCHMARKS.md).",
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
    argparse.ArgumentParser(prog="python -m tools.results", description=(__doc__ or "").partition("\n")[0]).parse_args()
    sys.exit(main())
