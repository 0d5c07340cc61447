"""The models of a bundle, opened for a worker process."""

from __future__ import annotations

import logging
import os
import sys
from contextlib import ExitStack
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final, Literal

from motion import config
from motion.bundles import bundle
from motion.bundles.bundle import Bundle
from motion.errors import BadBundle, BadConfig
from runtime.engines import Engine
from runtime.engines.device import Device, DeviceName
from runtime.generation.batching import BatchedEngine
from runtime.generation.pipeline import Pipeline
from runtime.generation.stream import Windows
from runtime.transport.start import Start

_log = logging.getLogger(__name__)
BUNDLES: Final = Path(__file__).parents[1] / "bundles"


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


@dataclass(frozen=True)
class Models:
    """Which models, and how they run. The text under each field is what help and docs/settings.md say."""

    bundle: str = "base"
    """a bundle's folder, or the name of one that comes with Motus"""
    backbone: str | None = None
    """folder of a language model, as transformers saves it; without it, the one that the bundle names"""
    threads: int = field(default_factory=_cores)
    """CPU threads of the models; without it, as many as there are cores for this process"""
    refine: bool = True
    """refine frames with the bundle's flow where it has one"""
    device: DeviceName = "auto"
    """what the graphs run on; auto: the best that works here"""
    precision: Literal["fp32", "int8", "int4"] | None = None
    """of the language model's weights; without it, the best that the bundle has"""
    one_code: bool = False
    """draw each code by a run of the language model of its own where the bundle could draw several: slower, and as it
    was trained first of all"""

    def __post_init__(self) -> None:
        if self.threads < 1:
            raise BadConfig(f"--threads must be at least 1; got {self.threads}")

    def table(self) -> dict[str, Any]:
        """The fields above as they travel to a worker."""
        found = {one.name: getattr(self, one.name) for one in fields(Models)}
        return {name: value for name, value in found.items() if value is not None}


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


def open_pipeline(start: Start, stack: ExitStack) -> Pipeline:
    """The models that `start` names, closed with `stack`. Raises BadBundle, MissingPart."""
    # Threads of OpenMP that wait for each other by spinning bring the model to a crawl as soon as anything else wants
    # the cores: warming up took 25 s instead of 1.2 s beside a training run on 2 cores. Read when torch is imported.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    os.environ.setdefault("KMP_BLOCKTIME", "0")
    # Imported here, since the front finds bundles too and runs nothing.
    from runtime.engines.chain import joined
    from runtime.language.llm import MotionLanguageModel, engine_folder, language_device

    models = config.build(Models, start.models)
    source = find(models.bundle)
    language, packed = source.manifest.language, source.manifest.motion
    if language is None:
        raise BadBundle(
            f"bundle {source.manifest.name!r} is a tokenizer without a language model, so there is nothing to serve; "
            "it codes clips: python -m tools.convert IN OUT --through BUNDLE"
        )
    device = Device(models.device, models.threads, engine_folder())

    def engine(file: str | None) -> Engine:
        path = source.path(file)
        _log.info("loading %s", path.name)
        return device.open(path)

    def shared(engine: Engine | None) -> Engine | None:
        return None if engine is None else stack.enter_context(BatchedEngine(engine))

    files = packed.files
    refines = models.refine and files.refiner is not None
    decoder, refiner = joined(engine(files.decoder), engine(files.refiner) if refines else None)
    decoder, refiner = stack.enter_context(BatchedEngine(decoder)), shared(refiner)
    encoder = shared(None if files.encoder is None else engine(files.encoder))
    _log.info("loading the language model %s", models.backbone or language.backbone.name)
    kind: Literal["auto", "torch"] = "torch" if models.device == "torch" else "auto"
    where = language_device(device.found)
    loaded = MotionLanguageModel.load(
        source, models.backbone, models.threads, kind, models.precision, where, models.one_code
    )
    model = stack.enter_context(loaded)
    _log.info("the language model runs in %s", model.about)
    windows = Windows(packed.context, packed.lookahead)
    return Pipeline(source.manifest, model, decoder, refiner, encoder, windows, start.seconds_most)
