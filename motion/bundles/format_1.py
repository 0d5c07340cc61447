"""Format 1 of `bundle.toml`: one tokenizer, whose facts lay beside the bundle's own, and files under fixed names."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

from motion.bundles.manifest import ADAPTER, EMBEDDINGS, MOTION, MULTI_TOKEN, WORDS, CoderFiles

_HEADS = {"fp32": "multi-token-fp32.onnx", "int8": "multi-token-int8.onnx", "int4": "multi-token-int8.onnx"}
_KEPT = ("name", "version", "licence", "command", "data", "tasks", "files")


def upgraded(old: dict[str, Any]) -> dict[str, Any]:
    """The same manifest as a table of format 2. Raises KeyError for what is missing, TypeError or ValueError for what
    is wrong."""
    new: dict[str, Any] = {name: old[name] for name in _KEPT}
    new |= {"metrics": old.get("metrics", {}), "tokenizers": [_tokenizer(old)]}
    if old["backbone"]["name"]:  # a bundle that is a tokenizer alone names none
        new["language"] = _language(old)
    return new


def _tokenizer(old: dict[str, Any]) -> dict[str, Any]:
    codes = old["tokens"]["codes"]
    levels = old.get("vocabulary", {}).get("levels", [codes])
    if codes and math.prod(levels) != codes:
        raise ValueError(f"levels {levels} make {math.prod(levels)} codes, and there are {codes}")
    files = {part: name for part, name in asdict(CoderFiles.among(old["files"])).items() if name}
    rates = {name: old["tokens"][name] for name in ("frames_per_token", "context", "lookahead", "refiner_steps")}
    return {
        "name": MOTION, "layout": old["layout"], "fps": old["fps"], **rates,
        "levels": levels if codes else [], "files": files, "skeleton": old["skeleton"],
    }  # fmt: skip


def _language(old: dict[str, Any]) -> dict[str, Any]:
    facts = old["vocabulary"]
    language: dict[str, Any] = {
        "backbone": old["backbone"],
        "adapter": {"file": ADAPTER, "rank": facts["rank"], "alpha": facts["alpha"]},
        "vocabulary": {"file": EMBEDDINGS, "tokenizer": MOTION},
        "graphs": facts.get("graphs", {}),
    }
    language |= {name: facts[name] for name in ("guidance", "temperature") if name in facts}
    if WORDS in old["files"]:
        language["words"] = WORDS
    if "multi_token" in facts:
        held = {precision: file for precision, file in _HEADS.items() if file in old["files"]}
        language["multi_token"] = {"tokens": facts["multi_token"]["tokens"], "weights": MULTI_TOKEN, "graphs": held}
    return language
