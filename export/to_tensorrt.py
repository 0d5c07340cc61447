"""Compiles a folder's ONNX graphs into TensorRT engines.

    python -m export.to_tensorrt runtime/bundles/base --flavor rtx --precision fp16 --target sm86,sm89,sm120

For TensorRT for RTX (`--flavor rtx`, package tensorrt-rtx-cu12-bindings) no card is needed, and one file serves several
cards; TensorRT itself (`--flavor tensorrt`) builds for the card that is here. Engines hold 8 to 512 frames and 1 to 16
motions a run. Each file's name says its graph, version, cards and precision; the service takes the one that fits its
card, and refuses the others with a sentence. The language model's graphs are onnxruntime's alone.
"""

from __future__ import annotations

import logging
import sys
import time
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

import onnx
from google.protobuf.message import DecodeError

from export import program
from export.graphs.lowered import lowered
from models.checkpoint import cache_folder
from models.vocabulary import FRAMES_PER_TOKEN
from motion.bundles import bundle, engine_file, nvidia
from motion.bundles.engine_file import FLAVORS, About
from motion.errors import BadConfig, BadFile, MissingPart

log = logging.getLogger(__name__)
GRAPHS = ("encoder", "decoder", "refiner")
Precision = Literal["fp32", "fp16", "bf16"]


@dataclass(frozen=True)
class Build:
    """How engines are built."""

    flavor: str = "rtx"
    precision: Precision = "fp16"
    targets: tuple[str, ...] = ("sm86", "sm89", "sm120")
    frames: tuple[int, int, int] = (8, 80, 512)
    """fewest, usual, most frames a run"""
    batch: tuple[int, int, int] = (1, 1, 16)

    def __post_init__(self) -> None:
        if self.flavor not in FLAVORS:
            raise BadConfig(f"--flavor must be one of {', '.join(FLAVORS)}; got {self.flavor!r}")
        for name, three in (("frames", self.frames), ("batch", self.batch)):
            if len(three) != 3 or not 1 <= three[0] <= three[1] <= three[2]:
                raise BadConfig(f"--{name} must be fewest, usual and most, in this order; got {three}")
        if any(count % FRAMES_PER_TOKEN for count in self.frames):
            raise BadConfig(
                f"--frames must be multiples of {FRAMES_PER_TOKEN}, the frames of a token; got {self.frames}"
            )


def build(graph: Path, settings: Build, cache: Path | None = None) -> tuple[About, bytes]:
    """An engine of one graph, and what it is good for. `cache`: file of timings, which TensorRT alone makes use of.

    Raises MissingPart without the package, BadFile for a graph it cannot build.
    """
    trt = compiler(settings.flavor)
    logger = trt.Logger(trt.Logger.ERROR)
    builder = trt.Builder(logger)
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    parser = trt.OnnxParser(network, logger)
    if not parser.parse(_content(graph, settings.precision)):
        reasons = "; ".join(str(parser.get_error(i)) for i in range(parser.num_errors))
        raise BadFile(f"is no graph that {settings.flavor} can build: {reasons}", str(graph))
    config = builder.create_builder_config()
    targets = _aim(trt, config, settings)
    profile = builder.create_optimization_profile()
    for i in range(network.num_inputs):
        port = network.get_input(i)
        profile.set_shape(port.name, *(_shape(port, settings, k) for k in range(3)))
    config.add_optimization_profile(profile)
    timings = _timings(config, cache) if settings.flavor == "tensorrt" and cache is not None else None
    engine = builder.build_serialized_network(network, config)
    if engine is None:
        raise BadFile(f"could not be built by {settings.flavor} {trt.__version__}; its own log says why", str(graph))
    if timings is not None and cache is not None:
        cache.write_bytes(bytes(timings.serialize()))
    made = About(
        graph.stem, bundle.sha256(graph), settings.flavor, trt.__version__, settings.precision, targets,
        settings.frames, settings.batch,
    )  # fmt: skip
    return made, bytes(engine)


def compiler(flavor: str) -> Any:
    """TensorRT's Python package. Raises MissingPart."""
    try:
        found: Any = import_module("tensorrt_rtx_bindings") if flavor == "rtx" else import_module("tensorrt")
        assert found.Builder
    except (ImportError, AttributeError, OSError) as error:
        package = "tensorrt-rtx-cu12-bindings" if flavor == "rtx" else "tensorrt, from NVIDIA"
        raise MissingPart(
            f"the package {package} is not installed or does not load ({error}): pip install -e '.[{flavor}]'"
        ) from error
    return found


def _content(graph: Path, precision: Precision) -> bytes:
    try:
        if precision == "fp32":
            onnx.checker.check_model(graph)
            return graph.read_bytes()
        return lowered(onnx.load(graph), precision).SerializeToString()
    except (OSError, DecodeError, onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise BadFile(f"is no ONNX graph ({error}); export it again", str(graph)) from error


def _aim(trt: Any, config: Any, settings: Build) -> tuple[str, ...]:
    """Sets the cards that the engine is for; their names."""
    if settings.flavor == "tensorrt":
        here = nvidia.capability()
        if here is None:
            raise MissingPart("TensorRT builds for the NVIDIA card that is here, and there is none; take --flavor rtx")
        return (here,)
    known = {name.lower(): value for name, value in trt.ComputeCapability.__members__.items() if name.startswith("SM")}
    strange = [target for target in settings.targets if target not in known]
    if strange or not settings.targets:
        raise BadConfig(f"--target must be of {', '.join(known)}; got {', '.join(strange) or 'none'}")
    config.num_compute_capabilities = len(settings.targets)
    for i, target in enumerate(settings.targets):
        config.set_compute_capability(known[target], i)
    return settings.targets


def _shape(port: Any, settings: Build, k: int) -> tuple[int, ...]:
    """The port's sizes at the fewest, the usual or the most: batch, then frames or codes, then what is fixed."""
    frames = settings.frames[k]
    length = frames // FRAMES_PER_TOKEN if port.name == "codes" else frames
    return tuple(
        settings.batch[k] if axis == 0 else length if size == -1 else int(size) for axis, size in enumerate(port.shape)
    )


def _timings(config: Any, cache: Path) -> Any:
    timings = config.create_timing_cache(cache.read_bytes() if cache.exists() else b"")
    config.set_timing_cache(timings, False)
    return timings


def main() -> int:
    """The command line."""
    parser = program.parser("export.to_tensorrt", __doc__)
    parser.add_argument("folder", type=Path, help="a bundle, or a folder that export.to_onnx wrote")
    parser.add_argument("--out", type=Path, help="folder for the engines (the service's cache)")
    parser.add_argument("--flavor", choices=tuple(FLAVORS), default="rtx", help="rtx")
    parser.add_argument("--precision", choices=("fp32", "fp16", "bf16"), default="fp16", help="fp16")
    parser.add_argument("--target", default="sm86,sm89,sm120", help="cards, for rtx (sm86,sm89,sm120)")
    parser.add_argument("--frames", type=int, nargs=3, default=[8, 80, 512], help="fewest, usual, most (8 80 512)")
    parser.add_argument("--batch", type=int, nargs=3, default=[1, 1, 16], help="fewest, usual, most (1 1 16)")
    options = parser.parse_args()

    def work() -> None:
        settings = Build(
            options.flavor, options.precision, tuple(part for part in options.target.split(",") if part),
            tuple(options.frames), tuple(options.batch),
        )  # fmt: skip
        out: Path = options.out or cache_folder() / "engines"
        out.mkdir(parents=True, exist_ok=True)
        graphs = [options.folder / f"{name}.onnx" for name in GRAPHS if (options.folder / f"{name}.onnx").exists()]
        if not graphs:
            raise BadFile(f"holds none of {', '.join(f'{name}.onnx' for name in GRAPHS)}", str(options.folder))
        for graph in graphs:
            begun = time.monotonic()
            made, engine = build(graph, settings, out / f"{settings.flavor}.timings")
            path = engine_file.write(out, made, engine)
            log.info("%s: %.1f MB, %.1f s", path, len(engine) / 1e6, time.monotonic() - begun)

    return program.run(work)


if __name__ == "__main__":
    sys.exit(main())
