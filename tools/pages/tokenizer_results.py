"""Sections of docs/RESULTS.md about the tokenizers of five papers: the table of all, and the papers' ablations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tools.pages.markdown import table

_PAPERS = {
    "FlowVQ": ("VerMo", "MPJPE 59.0, PA 39.4 mm (body 55.7, 46.1)"),
    "BodyParts": ("HMVLM", "MSE of features 0.966"),
    "VisionGuided": ("Superman", "4.7 mm with pictures, 7.7 without"),
    "Smplx": ("UniMo", "MPJPE 69.2, PA 52.2, PVE 97.2 mm at s = 1/8"),
    "CmaVae": ("UniMotion", "APE 35.3 mm"),
}
_Column = tuple[str, str, Callable[[Any], str]]


def _mm(value: float) -> str:
    return f"{1000 * value:.1f}"


def _percent(value: float) -> str:
    return f"{100 * value:.0f}"


def _places(count: int) -> Callable[[Any], str]:
    return lambda value: f"{value:,.{count}f}"


_JOINTS: tuple[_Column, ...] = (
    ("mpjpe_m", "MPJPE", _mm), ("root_relative_m", "about the root", _mm), ("pa_mpjpe_m", "PA-MPJPE", _mm),
    ("n_mpjpe_m", "N-MPJPE", _mm), ("pve_m", "PVE", _mm), ("root_ade_m", "root ADE", _mm),
    ("root_fde_m", "root FDE", _mm), ("ape_m", "APE", _mm), ("ave_m2", "AVE, cm2", lambda v: f"{1e4 * v:.2f}"),
)  # fmt: skip
_MOVEMENT: tuple[_Column, ...] = (
    ("velocity_error_m_s", "velocity error, cm/s", lambda v: f"{100 * v:.1f}"),
    ("acceleration_error_m_s2", "acceleration error, m/s2", _places(2)), ("jitter_m_s3", "jitter, m/s3", _places(0)),
    ("foot_skate_cm_s", "foot skate, cm/s", _places(1)), ("error_0_2_hz_m", "error at 0-2 Hz, mm", _mm),
    ("error_2_6_hz_m", "2-6 Hz", _mm), ("error_6_10_hz_m", "6-10 Hz", _mm),
    ("feature_mse", "MSE of features, of their variance", _places(3)),
)  # fmt: skip
_CODES: tuple[_Column, ...] = (
    ("codes", "book", _places(0)), ("codes_used", "used, %", _percent), ("perplexity", "perplexity", _places(0)),
    ("codes_per_s", "codes a second", _places(1)), ("bits_per_s", "bits a second", _places(0)),
    ("encode_s_per_s", "encoding, ms a second", lambda v: f"{1000 * v:.1f}"),
    ("decode_s_per_s", "decoding", lambda v: f"{1000 * v:.1f}"),
    ("parameters", "parameters", lambda v: f"{v / 1e6:.1f} M"),
)  # fmt: skip


def _rows(rows: dict[str, dict[str, Any]], columns: tuple[_Column, ...]) -> list[str]:
    shown = [one for one in columns if any(row.get(one[0]) is not None for row in rows.values())]
    lines = [
        [name, *(tell(row[key]) if row.get(key) is not None else "" for key, _, tell in shown)]
        for name, row in rows.items()
    ]
    return table(["", *(label for _, label, _ in shown)], lines)


def tokenizers(figures: dict[str, Any]) -> list[str]:
    """The five beside each other."""
    named: dict[str, dict[str, Any]] = figures["rows"]
    first = next(iter(named.values()))
    papers = [[name, *_PAPERS.get(row["kind"], (row["kind"], ""))] for name, row in named.items()]
    lines = [
        "## Tokenizers of five papers, side by side",
        "",
        f"`{figures['command']}`",
        "",
        f"{first['clips']} clips of the {figures['split']} split, at most 256 frames each, compared at 30 frames a "
        "second. Base recipes on CPU cores: `base` is VerMo as it ships, trained over many hours, the others for 15 to "
        "30 minutes of one core each (steps: export/recipes), which says more of that than of the papers. Superman's "
        "17 joints are compared with the recording's 17, without pictures. The recordings themselves: jitter "
        f"{first['jitter_of_source_m_s3']:.0f} m/s3, foot skate {first['foot_skate_of_source_cm_s']:.1f} cm/s. "
        "Every clip begins where its recording does, which makes VerMo's MPJPE some millimetres larger than above. "
        "Encoding and decoding in torch, a clip at a time. Plots: "
        "[errors](pictures/tokenizers-errors.png), [joints](pictures/tokenizers-joints.png), "
        "[spectrum](pictures/tokenizers-spectrum.png), [wrists](pictures/tokenizers-wrists.png), "
        "[one wrist's swing](pictures/tokenizers-swing.png).",
        "",
        "Millimetres:",
        "",
        *_rows(named, _JOINTS),
        "",
        *_rows(named, _MOVEMENT),
        "",
        *_rows(named, _CODES),
        "",
        "What the papers say of theirs, on their data and at their sizes ([what differs](tokenizers.md#one-table)):",
        "",
        *table(["", "paper", "its figure"], papers),
    ]
    for name, asked in figures.get("probes", {}).items():
        lines += ["", f"Asked of {name} alone: {_asked(asked)}."]
    return lines


def _asked(asked: dict[str, float]) -> str:
    words = {
        "error_by_pictures_mm": "error with pictures {:.1f} mm",
        "error_by_skeleton_mm": "without {:.1f} mm",
        "clips_with_pictures": "on {:.0f} clips of which there are pictures",
        "codes_counted": "of {:,.0f} codes counted",
        "codes_frequent": "{:.1%} of the codes are frequent (above 1 %)",
        "codes_active": "{:.1%} active",
        "codes_underused": "{:.1%} underused (below 0.01 %)",
        "codes_unused": "{:.1%} unused",
        "cosine_mean": "mean cosine of two codes {:.2f}",
        "cosine_95_percent_below": "95 % of the cosines below {:.2f}",
        "kl_to_the_seeing_posterior": "KL to the posterior that sees {:.1f} nats a frame",
        "decoded_error_m": "error of the latents decoded {:.3f} m",
        "told_error_m": "of the head's, told those latents {:.3f} m",
        "told_damaged_error_m": "told damaged ones {:.3f} m",
        "told_another_error_m": "told another clip's {:.3f} m",
        "told_another_damaged_error_m": "told another clip's, damaged {:.3f} m",
    }
    return ", ".join(words[name].format(value) for name, value in asked.items())


def sizes(figures: dict[str, Any]) -> list[str]:
    """Parameters at the papers' sizes."""
    rows = [
        [
            row["part"],
            f"{row['ours_m']:.2f}",
            "not told" if row["paper_m"] is None else f"{row['paper_m']:.2f}",
            row["where"],
        ]
        for row in figures["rows"]
    ]
    return [
        "## Parameters at the papers' sizes",
        "",
        f"`{figures['command']}`",
        "",
        "Millions, of recipes `*-paper.toml` that nobody has trained; books that are moving averages are not counted.",
        "",
        *table(["", "ours", "the paper's", "where"], rows),
    ]


_ABLATED: tuple[_Column, ...] = (
    ("root_relative_m", "about the root, mm", _mm), ("pa_mpjpe_m", "PA-MPJPE, mm", _mm),
    ("mpjpe_m", "MPJPE, mm", _mm), ("acceleration_error_m_s2", "acceleration, m/s2", _places(2)),
    ("pve_m", "PVE, mm", _mm), ("feature_mse", "MSE of features", _places(3)),
    ("codes_used", "book used, %", _percent), ("bits_per_s", "bits a second", _places(0)),
    ("clips_with_pictures", "clips with pictures", _places(0)),
    ("error_by_pictures_mm", "with pictures, mm", _places(1)), ("error_by_skeleton_mm", "by skeleton, mm", _places(1)),
    ("codes_active", "codes active, %", _percent), ("cosine_mean", "mean cosine", _places(2)),
    ("kl_to_the_seeing_posterior", "KL to what sees", _places(1)), ("decoded_error_m", "decoded, mm", _mm),
    ("told_error_m", "told, mm", _mm), ("told_damaged_error_m", "told damaged, mm", _mm),
    ("told_another_error_m", "told another, mm", _mm), ("told_another_damaged_error_m", "another, damaged, mm", _mm),
    ("parameters", "parameters", lambda v: f"{v / 1e6:.1f} M"),
)  # fmt: skip


def ablation(figures: dict[str, Any]) -> list[str]:
    """One paper's comparison on our data."""
    training = figures["training"]
    clips = next(row["clips"] for row in figures["rows"].values() if "clips" in row)
    return [
        f"## Ablation: {figures['paper']}",
        "",
        f"`{figures['command']}`",
        "",
        f"The paper: {figures['told']}. Here every variant was trained for {training['steps']:,} steps of "
        f"{training['batch']:,} frames, and measured on {clips} clips of the {figures['split']} split; what counts is "
        "their order ([what it says](tokenizers.md#ablations)).",
        "",
        *_rows(figures["rows"], _ABLATED),
    ]
