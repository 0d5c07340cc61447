"""Unpacks a bundle into a run that training goes on from, for instance with more clips or sentences of your own.

    python -m export.unpack runtime/bundles/base export/recipes/vermo-base.toml --run runs/mine

Writes autoencoder.safetensors and tokenizer.safetensors (graphs hold them in half precision), and the language model's
adapter, embeddings and multi-token head. `export.train_tokenizer --begin` and `export.train_llm --begin` take them from
there.

ONNX names some weights anew, and turns matrices round. Which is which is found by exporting a tokenizer of the same
sizes whose values are known.
"""

from __future__ import annotations

import logging
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import torch
from google.protobuf.message import DecodeError
from numpy.typing import NDArray
from onnx import numpy_helper
from safetensors.torch import save_file
from torch import Tensor

from export import program
from export.graphs import tracing
from export.recipe import Recipe, load
from export.training import adapters, stages
from models.tokenizers.vermo import FlowVQ
from motion.bundles import bundle
from motion.bundles.bundle import Bundle
from motion.bundles.manifest import (
    ADAPTER,
    DECODER,
    EMBEDDINGS,
    ENCODER,
    GATE,
    LEARNED,
    MULTI_TOKEN,
    PARAPHRASE,
    REFINER,
)
from motion.errors import BadBundle

log = logging.getLogger(__name__)
Constants = dict[tuple[str, str], NDArray[np.generic]]
"""(file of the graph, name of the initializer) -> its values"""


def unpack(folder: Path, recipe: Recipe, run: Path) -> None:
    """Writes the weights of the bundle in `folder`, whose sizes `recipe` tells, into `run`. Raises BadBundle where the
    bundle is another recipe's, and where `run` holds weights already."""
    language = (*adapters.weights(recipe), *adapters.sentence_weights(recipe))
    there = [name for name in ("autoencoder.safetensors", "tokenizer.safetensors", *language) if (run / name).exists()]
    if there:
        raise BadBundle(f"{run / there[0]} is there already; give a folder that holds no trained weights")
    source = bundle.load(folder)
    held = source.manifest.language
    if held is None:
        raise BadBundle(f"bundle {source.manifest.name!r} has no language model; give one that has")
    drawn = held.multi_token if recipe.multi_token is not None else None
    heads = () if drawn is None else ((MULTI_TOKEN, drawn.weights),)
    weights = tokenizer_weights(source, recipe)
    run.mkdir(parents=True, exist_ok=True)
    for name in ("autoencoder.safetensors", "tokenizer.safetensors"):
        save_file(weights, run / name)
    gate = [(PARAPHRASE, held.paraphrase)]
    gate += [] if held.gate is None else [(GATE, held.gate.file), (LEARNED, held.gate.learned)]
    for name, file in ((ADAPTER, held.adapter.file), (EMBEDDINGS, held.vocabulary.file), *heads, *gate):
        if file is None:
            continue
        shutil.copy(source.path(file), run / name)
    log.info("%s: %d tensors of the tokenizer, and the language model's", run, len(weights))


def tokenizer_weights(source: Bundle, recipe: Recipe) -> dict[str, Tensor]:
    """All tensors of FlowVQ's state by name, read from a bundle's graphs. Raises BadBundle."""
    files = source.manifest.motion.files
    graphs = {ENCODER: files.encoder, DECODER: files.decoder, REFINER: files.refiner}
    found = _constants({name: source.path(file) for name, file in graphs.items()})
    known = _known(recipe)
    with tempfile.TemporaryDirectory() as place:
        tracing.export(known, Path(place))
        example = _constants({name: Path(place) / name for name in graphs})
    weights: dict[str, Tensor] = {}
    for name, value in known.state_dict().items():
        key, turned = _place(name, value.numpy(), example)
        if key not in found or found[key].shape != example[key].shape:
            raise BadBundle(
                f"{source.folder / key[0]} has no {name} as recipe {recipe.name!r} has it; give the one it is of"
            )
        values = torch.from_numpy(found[key].astype(np.float32))
        weights[name] = (values.T if turned else values).reshape(value.shape).to(value.dtype).contiguous()
    return weights


def _known(recipe: Recipe) -> FlowVQ:
    """A tokenizer no two of whose tensors are alike, with values that half precision holds."""
    tokenizer = stages.made(recipe).eval()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for value in tokenizer.state_dict().values():
            if value.is_floating_point():
                value.copy_((0.5 + torch.rand(value.shape, generator=generator)).half().float())
    return tokenizer


def _constants(graphs: Mapping[str, Path]) -> Constants:
    found: Constants = {}
    for graph, path in graphs.items():
        try:
            model = onnx.load(path)
        except (OSError, DecodeError) as error:
            raise BadBundle(f"{path} cannot be read ({error})") from error
        found |= {(graph, one.name): numpy_helper.to_array(one) for one in model.graph.initializer}
    return found


def _place(name: str, value: NDArray[np.generic], example: Constants) -> tuple[tuple[str, str], bool]:
    """Where the exporter puts a tensor, and whether it turns it round."""
    for key, constant in example.items():
        if constant.size == value.size and np.array_equal(constant.ravel(), value.ravel().astype(constant.dtype)):
            return key, False
        if value.ndim == 2 and constant.shape == value.T.shape and np.array_equal(constant, value.T):
            return key, True
    raise BadBundle(f"no graph holds {name}; the bundle's recipe must have a refiner (refiner_steps of 1 or more)")


def main() -> int:
    """The command line."""
    parser = program.parser("export.unpack", __doc__)
    parser.add_argument("bundle", type=Path, help="folder of a bundle of kind vermo")
    parser.add_argument("recipe", type=Path, help="the recipe it was packed from")
    parser.add_argument("--run", type=Path, help="folder for the weights (the recipe's run)")
    options = parser.parse_args()

    def work() -> None:
        recipe = load(options.recipe)
        unpack(options.bundle, recipe, options.run or recipe.run)

    return program.run(work)


if __name__ == "__main__":
    sys.exit(main())
