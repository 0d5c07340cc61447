"""Checks exported graphs against the trained tokenizer, on real test clips and on random input.

    python -m export.verify export/recipes/vermo-base.toml --onnx runs/vermo-base/onnx

Compares torch float64, torch float32 and onnxruntime: codes, joints of decoder and refiner. Writes report.json beside
the graphs; `pack` refuses graphs without a passed report of exactly these files.
"""

from __future__ import annotations

import argparse
import copy
import json
import logging
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch

from export import dataset
from export.recipe import Recipe, load
from export.train_tokenizer import trained_tokenizer
from models import flow
from models.tokenizers.vermo import FlowVQ
from motion import bundle, features
from motion.clip import positions
from motion.errors import BadFile, MotionError
from motion.quat import F32

log = logging.getLogger(__name__)
REPORT = "report.json"
GRAPHS = ("encoder.onnx", "decoder.onnx", "refiner.onnx")
_LEAST_EQUAL_CODES = 0.99  # weights stored in half precision move a latent across a rounding edge now and then
_MOST_JOINT_ERROR = 0.005  # metres, mean over joints: half-precision weights


def _session(path: Path) -> Any:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def _joint_error(ours: F32, theirs: F32) -> float:
    """Mean distance of joints, metres, roots brought together: what a step differs adds up over a clip."""
    a, b = positions(features.decode(ours)), positions(features.decode(theirs))
    return float(np.linalg.norm((a - a[:, :1]) - (b - b[:, :1]), axis=-1).mean())


def verify(recipe: Recipe, folder: Path, clips: int = 12) -> dict[str, Any]:
    """Measures and judges; returns the report. Raises MotionError where data, weights or graphs are missing."""
    tokenizer = trained_tokenizer(recipe)
    double = copy.deepcopy(tokenizer).double()
    graphs = {name: _session(folder / name) for name in GRAPHS if (folder / name).exists()}
    for name in GRAPHS[:2]:  # a bundle may do without a refiner
        if name not in graphs:
            raise BadFile("is not there; run python -m export.to_onnx with this recipe first", str(folder / name))
    data = dataset.load(recipe.data, "test", recipe.corpora)
    rng = np.random.default_rng(0)
    picks = rng.choice(len(data.entries), min(clips, len(data.entries)), replace=False)
    samples = [np.array(data.clip(data.entries[int(i)]))[:256] for i in picks]
    sigmas = flow.sampling_sigmas(recipe.refiner_steps)
    equal: list[float] = []
    joint: dict[str, list[float]] = {"float32": [], "decoder.onnx": [], "refiner.onnx": []}
    for frames in samples:
        tensor = torch.from_numpy(frames)[None]
        with torch.inference_mode():
            codes = tokenizer.encode(tensor)
            plain, exact = tokenizer.decode(codes), _decode64(tokenizer, double, codes)
        equal.append(float((graphs["encoder.onnx"].run(None, {"features": frames[None]})[0] == codes.numpy()).mean()))
        decoded = graphs["decoder.onnx"].run(None, {"codes": codes.numpy()})[0]
        joint["float32"].append(_joint_error(plain[0].numpy(), exact))
        joint["decoder.onnx"].append(_joint_error(decoded[0], exact))
        if "refiner.onnx" in graphs:
            noise = rng.standard_normal(tuple(plain.shape)).astype(np.float32)
            with torch.inference_mode():
                refined = tokenizer.refine(codes, plain, torch.from_numpy(noise) * recipe.refiner_noise, sigmas)
            got = graphs["refiner.onnx"].run(None, {"codes": codes.numpy(), "features": plain.numpy(), "noise": noise})[
                0
            ]
            joint["refiner.onnx"].append(_joint_error(got[0], refined[0].numpy()))
    figures = {name: float(np.max(values)) for name, values in joint.items() if values}
    passed = float(np.mean(equal)) >= _LEAST_EQUAL_CODES and max(figures.values()) <= _MOST_JOINT_ERROR
    return {
        "passed": bool(passed),
        "clips": len(samples),
        "codes_equal": float(np.mean(equal)),
        "worst_joint_error_m": figures,
        "refiner_steps": recipe.refiner_steps if "refiner.onnx" in graphs else 0,
        "files": {name: bundle.sha256(folder / name) for name in graphs},
    }


def _decode64(tokenizer: FlowVQ, double: FlowVQ, codes: torch.Tensor) -> F32:
    """The decoder in float64 behind the float32 code book, which knows no other precision."""
    return double.restore(double.reconstruct(tokenizer.quantizer.lookup(codes).double()))[0].float().numpy()


def main() -> int:
    """The command line."""
    assert __doc__ is not None
    parser = argparse.ArgumentParser(
        prog="python -m export.verify", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("recipe", type=Path, help="a file of export/recipes, trained")
    parser.add_argument("--onnx", type=Path, help="folder of the graphs (<run>/onnx)")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        recipe = load(options.recipe)
        folder = options.onnx or recipe.run / "onnx"
        report = verify(recipe, folder)
    except MotionError as error:
        log.error("%s", error)
        return 2
    (folder / REPORT).write_text(json.dumps(report, indent=1))
    log.info("%s", json.dumps(report, indent=1))
    return 0 if report["passed"] else 1


if __name__ == "__main__":
    sys.exit(main())
