"""The server program: `python -m runtime.serve`.

Loading fails early: first the bundle is verified and the port taken, then the models are read, then a first generation
is run through them, and only then does the ready line appear.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Final

from motion import bundle
from motion.bundle import Bundle
from motion.errors import BadBundle, BadConfig, MotionError
from motion.protocol import ADDRESS
from runtime import admission
from runtime.engines import Engine
from runtime.pipeline import Pipeline
from runtime.service import Service
from runtime.stream import Windows
from runtime.worker import Worker

_log = logging.getLogger(__name__)

BUNDLES: Final = Path(__file__).parent / "bundles"
_EXAMPLES: Final = """
examples:
  python -m runtime.serve
      serve the bundle that comes with Motus on this machine, port 5570

  python -m runtime.serve --address "tcp://127.0.0.1:*"
      take a free port; the ready line says which

  python -m runtime.serve --bundle runs/mine/bundle --backbone ../SmolLM2-135M-Instruct
      serve a bundle of your own on a language model of your own

Ask it something from another terminal:
  python -c "from runtime.client import Client
with Client() as client:
    print(client.generate('a person waves', seconds=3).result().done)"

When it is ready it prints one line, `ready ADDRESS bundle NAME VERSION (LICENCE)`. Ctrl-C or SIGTERM stops it; the exit
code is then 0, and 2 where it could not start.
"""


@dataclass(frozen=True)
class ServeConfig:
    """What the server runs with."""

    address: str = ADDRESS
    bundle: str = "base"
    """a bundle's folder, or the name of one that comes with Motus"""
    backbone: str | None = None
    """folder of the language model, as transformers saves it; None: the one the bundle names"""
    threads: int = 2
    """CPU threads of the models"""
    refine: bool = True
    """refine frames with the bundle's flow where it has one"""
    log_level: str = "info"

    def __post_init__(self) -> None:
        if self.threads < 1:
            raise BadConfig(f"--threads must be at least 1; got {self.threads}")


def find(name: str) -> Bundle:
    """The bundle in a folder, or the shipped one of this name. Raises BadBundle."""
    folders = (Path(name), BUNDLES / name)
    folder = next((folder for folder in folders if folder.is_dir()), None)
    if folder is None:
        shipped = sorted(path.parent.name for path in BUNDLES.glob(f"*/{bundle.MANIFEST}"))
        raise BadBundle(
            f"there is no bundle {name!r}: it is no folder, and Motus comes with {', '.join(shipped) or 'none'}"
        )
    return bundle.load(folder)


def open_pipeline(source: Bundle, config: ServeConfig, stack: ExitStack) -> Pipeline:
    """The models of a bundle, closed with `stack`. Raises BadBundle, MissingPart."""
    # Threads of OpenMP that wait for each other by spinning bring the model to a crawl as soon as anything else wants
    # the cores: warming up took 25 s instead of 1.2 s beside a training run on 2 cores. Read when torch is imported.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    os.environ.setdefault("KMP_BLOCKTIME", "0")
    from runtime.engines.onnx import OnnxEngine  # both imports take seconds, and are not needed to refuse a bad start
    from runtime.llm import MotionLanguageModel

    def engine(file: str) -> Engine:
        _log.info("loading %s", file)
        return stack.enter_context(OnnxEngine(source.path(file), config.threads))

    decoder = engine("decoder.onnx")
    refiner = engine("refiner.onnx") if config.refine and source.has("refiner.onnx") else None
    encoder = engine("encoder.onnx") if source.has("encoder.onnx") else None
    _log.info("loading the language model %s", config.backbone or source.manifest.backbone.name)
    model = stack.enter_context(MotionLanguageModel.load(source, config.backbone, config.threads))
    facts = source.manifest.tokens
    windows = Windows(facts.context, facts.lookahead)
    return Pipeline(source.manifest, model, decoder, refiner, encoder, windows, admission.LIMITS.seconds_most)


def serve(service: Service, pipeline: Pipeline, name: str) -> None:
    """Warm up, say that it is ready, and answer until SIGINT or SIGTERM."""
    _log.info("warming up")
    started = time.monotonic()
    with Worker(pipeline, service.context) as worker:
        _log.info("first generation took %.1f s", time.monotonic() - started)
        _on_signal(service)
        sys.stdout.write(f"ready {service.address} {name}\n")
        sys.stdout.flush()
        service.run(worker)
    _log.info("stopped")


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code."""

    def program(stack: ExitStack) -> None:
        config = _config(arguments)
        start_logging(config.log_level)
        _log.info("checking bundle %s", config.bundle)
        source = find(config.bundle)
        facts = source.manifest
        service = stack.enter_context(Service(facts, config.address))
        pipeline = open_pipeline(source, config, stack)
        serve(service, pipeline, f"bundle {facts.name} {facts.version} ({facts.licence})")

    return run(program)


def run(program: Callable[[ExitStack], None]) -> int:
    """The exit code of a server program: 0 after a stop that was asked for, 2 where it could not start."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with ExitStack() as stack:
            program(stack)
    except KeyboardInterrupt:
        return 0
    except MotionError as error:
        sys.stderr.write(f"runtime.serve: {error}\n")
        return 2
    return 0


def start_logging(level: str) -> None:
    """Log lines go to standard error; standard output has the ready line alone."""
    logging.basicConfig(
        level=level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr
    )


def _on_signal(service: Service) -> None:
    def stop(_number: int, _frame: FrameType | None) -> None:
        service.stop()

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)


def _config(arguments: Sequence[str] | None) -> ServeConfig:
    parser = argparse.ArgumentParser(
        prog="python -m runtime.serve",
        description="Serve a motion bundle over ZeroMQ: sentences in, frames of a moving character out.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    defaults = ServeConfig(threads=_cores())
    parser.add_argument("--address", default=defaults.address, help="where to listen (default: %(default)s)")
    parser.add_argument("--bundle", default=defaults.bundle, help="name or folder (default: %(default)s)")
    parser.add_argument("--backbone", help="folder of a language model of transformers (default: the bundle's own)")
    parser.add_argument("--threads", type=int, default=defaults.threads, help="CPU threads (default: %(default)s)")
    parser.add_argument(
        "--refine", action=argparse.BooleanOptionalAction, default=True, help="refine frames with the bundle's flow"
    )
    parser.add_argument(
        "--log-level", choices=["debug", "info", "warning", "error"], default=defaults.log_level, help="what is logged"
    )
    return ServeConfig(**vars(parser.parse_args(arguments)))


def _cores() -> int:
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


if __name__ == "__main__":
    sys.exit(main())
