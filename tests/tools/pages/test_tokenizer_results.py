"""Tables of tokenizers: units are told, what a row lacks is empty, and every column of the figures has its place."""

from __future__ import annotations

from tools.pages import tokenizer_results

ROW = {
    "kind": "Smplx", "clips": 3, "mpjpe_m": 0.1234, "root_relative_m": 0.05, "pa_mpjpe_m": 0.04, "ave_m2": 0.002,
    "jitter_of_source_m_s3": 120.0, "foot_skate_of_source_cm_s": 4.5, "codes": 512, "codes_used": 0.5,
    "perplexity": 99.5, "parameters": 1_250_000, "bits_per_s": 270.0, "encode_s_per_s": 0.0021,
}  # fmt: skip


def test_a_row_is_told_in_its_units_and_what_it_lacks_is_empty() -> None:
    rows = {"unimo-base": ROW, "unimotion-base": {**ROW, "kind": "CmaVae", "codes_used": None, "mpjpe_m": 0.2}}
    probes = {"unimotion-base": {"told_error_m": 0.051, "told_another_error_m": 0.3}}
    text = "\n".join(
        tokenizer_results.tokenizers({"command": "python -m x", "split": "test", "rows": rows, "probes": probes})
    )
    assert "| unimo-base | 123.4 | 50.0 | 40.0 | 20.00 |" in text
    assert "| unimo-base | 512 | 50 | 100 | 270 | 2.1 | 1.2 M |" in text
    assert "| unimotion-base | 512 |  | 100 |" in text
    assert "told those latents 0.051 m, told another clip's 0.300 m." in text
    assert "| unimotion-base | UniMotion | APE 35.3 mm |" in text


def test_an_ablation_shows_only_what_its_variants_have() -> None:
    figures = {
        "command": "python -m y", "paper": "P, table 1", "told": "a below b", "split": "test",
        "training": {"steps": 400, "batch": 512},
        "rows": {"a": {"clips": 7, "root_relative_m": 0.05}, "b": {"error_by_pictures_mm": 22.5}},
    }  # fmt: skip
    lines = tokenizer_results.ablation(figures)
    assert lines[0] == "## Ablation: P, table 1"
    assert "400 steps of 512 frames, and measured on 7 clips of the test split" in "\n".join(lines)
    assert lines[-4:] == [
        "|  | about the root, mm | with pictures, mm |",
        "|---|---|---|",
        "| a | 50.0 |  |",
        "| b |  | 22.5 |",
    ]
