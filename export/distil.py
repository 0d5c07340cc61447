"""Teaches the language model to draw in one pass what guidance takes two for.

    python -m export.distil export/recipes/vermo-base.toml

With guidance, every code is drawn from the scores without the sentence plus three times what the sentence changes in
them: two messages through the model a code. Here the trained model, so guided, is the teacher of a copy of itself that
sees the one message with the sentence (Meng et al. 2023, On Distillation of Guided Diffusion Models, for scores of
codes): the copy's chances come to be the teacher's, KL(teacher || copy), at every code of recorded motions. Where
there is no sentence, it is to stay as it was.

Comes after export.train_llm, whose weights it keeps in <run>/teacher; ends with <run>/adapter.safetensors and
<run>/embeddings.safetensors, which say that they want no guidance. Goes on from its last checkpoint.
"""

from __future__ import annotations

import logging
import shutil
import sys
from pathlib import Path

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.nn import functional as F

from export import program
from export.corpora import conversations
from export.corpora import words as worded
from export.data import dataset
from export.data.messages import Messages, Row, tokenise
from export.recipe import Recipe, load
from export.training import adapters, loop, stages
from export.training.adapters import GUIDANCE, build, guidance_of, restore, save, weights
from export.training.gating import Gating
from models import backbone
from models.backbone import MotionLanguageModel, Told
from motion.errors import BadConfig, BadFile

log = logging.getLogger(__name__)
Batch = list[Row]


class Pupil(nn.Module):
    """What one step computes of the model that learns, as a module, so that accelerate can wrap it."""

    def __init__(self, model: MotionLanguageModel) -> None:
        super().__init__()
        self.model = model

    def forward(
        self, ids: Tensor, targets: Tensor, codes: Tensor, told: Told | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """ids, targets and which positions are followed by a code of the reply, all (B, N), and for a mixture what its
        gate is told -> scores of the codes (P, special + codes), the mean cross entropy of text replies, and the
        multi-token head's mean divergence."""
        states = self.model.states(ids, told)
        text = (targets >= 0) & self.model.text_reply(ids)
        words = F.cross_entropy(self.model.word_scores(states[text]), targets[text], reduction="sum")
        scores = self.model.code_scores(states[codes])
        apart, count = self.model.apart(states, targets, codes, scores.detach())
        return scores, words / text.sum().clamp(min=1), apart.sum() / count.sum().clamp(min=1)


def positions(model: MotionLanguageModel, ids: Tensor, targets: Tensor) -> Tensor:
    """Positions (B, N) that are followed by motion of the reply, its end included."""
    replied = (ids == model.vocabulary.special("REPLY_BOS")).cumsum(-1) > 0
    return (targets >= 0) & replied & ~model.text_reply(ids)


def guided(
    model: MotionLanguageModel,
    ids: Tensor,
    targets: Tensor,
    owners: Tensor,
    guidance: float,
    told: Told | None = None,
) -> Tensor:
    """Scores (P, special + codes) of what follows each of `positions` of the first messages, those that `owners` (R,)
    names guided by the R messages without a sentence that come last; told: what a mixture's gate is told of all."""
    count = len(ids) - len(owners)
    chosen = positions(model, ids, targets)
    states = model.states(ids, told)
    scores = model.code_scores(states[:count][chosen[:count]])
    rows = chosen[:count].nonzero()[:, 0]
    for without, owner in enumerate(owners.tolist()):
        mine, untold = rows == owner, model.code_scores(states[count + without][chosen[count + without]])
        scores[mine] = untold + guidance * (scores[mine] - untold)
    return scores


def train(recipe: Recipe, folder: Path | None = None) -> None:
    """The whole run, on the backbone in `folder` or on the packaged one. Raises MotionError where the recipe does not
    tell how, or what is to be taught is not there."""
    training = recipe.distillation
    if training is None:
        raise BadConfig(f"recipe {recipe.name!r} does not tell how long to teach; give it [distillation]")
    held = recipe.run / "teacher"
    files = weights(recipe)
    if not all((held / name).exists() for name in files):
        if not all((recipe.run / name).exists() for name in files):
            raise BadFile("holds no trained model; run python -m export.train_llm first", str(recipe.run))
        if guidance_of(recipe.run) == 1:
            raise BadFile("was taught already; train on with export.train_llm, or give another run", str(recipe.run))
        held.mkdir(exist_ok=True)
        for name in files:
            shutil.copy(recipe.run / name, held / name)
    data = dataset.load(recipe.data, "train", recipe.corpora)
    talk = conversations.load("train")
    words = worded.with_requests(recipe.words, talk)
    samples = tokenise(stages.trained(recipe, "autoencoder"), data, recipe.run / "codes.json", words)
    torch.manual_seed(training.seed)
    accelerator = Accelerator(mixed_precision=training.precision, cpu=not torch.cuda.is_available())
    dtype = torch.bfloat16 if training.precision == "bf16" else torch.float32
    place = backbone.prepared(folder)
    (teacher, _), (pupil, tokenize) = (build(recipe, place, dtype) for _ in ("teacher", "pupil"))
    for model in (teacher, pupil):
        restore(model, held)
    teacher.eval().requires_grad_(False).to(accelerator.device)
    messages = Messages(
        samples, pupil.vocabulary, tokenize, training.batch, training.longest, training.seed, recipe.tasks,
        recipe.curriculum, recipe.language.soft_tokens, untold=True,
    )  # fmt: skip
    parameters = [parameter for parameter in pupil.parameters() if parameter.requires_grad]
    gating = None if pupil.gate is None else Gating(pupil.gate, talk)

    def loss(wrapped: nn.Module, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        ids, targets, owners = (one.to(accelerator.device) for one in messages.tensors(batch))
        told = None if gating is None else gating.told(batch, generator, accelerator.device)
        learns = gating is not None and recipe.language.gate_loss
        gate = gating.loss(generator, accelerator.device) if gating is not None and learns else {}
        with torch.no_grad():
            wanted = guided(teacher, ids, targets, owners, GUIDANCE, told).log_softmax(-1)
        ids, targets = ids[: len(batch)], targets[: len(batch)]
        told = None if told is None else Told(*(one[: len(batch)] for one in told))
        scores, text, further = wrapped(ids, targets, positions(teacher, ids, targets), told)
        ours = scores.log_softmax(-1)
        apart = F.kl_div(ours, wanted, reduction="batchmean", log_target=True)
        same = (ours.argmax(-1) == wanted.argmax(-1)).float().mean()
        share = torch.tensor(float((targets >= 0).sum() - len(scores)) / float((targets >= 0).sum()))
        return {
            "loss": apart + share * text + further + sum(gate.values()),
            "kl": apart.detach(),
            "text": text.detach(),
            "further": further.detach(),
            "same_best": same.detach(),
            **{name: value.detach() for name, value in gate.items()},
        }

    log.info("%d clips, %.1f million trained parameters", len(samples), sum(p.numel() for p in parameters) / 1e6)
    loop.train(Pupil(pupil), parameters, messages.epoch, loss, training, recipe.run / "distillation", accelerator)
    if accelerator.is_main_process:
        save(pupil, recipe.run, guidance=1.0)


def save_checkpoint(recipe: Recipe, folder: Path | None = None) -> None:
    """Writes what the last checkpoint of a run that has not ended holds. Raises BadFile where there is none."""
    adapters.save_checkpoint(recipe, folder, "distillation", inside="model.", guidance=1.0)


def main() -> int:
    """The command line."""
    parser = program.parser("export.distil", __doc__)
    parser.add_argument("recipe", type=Path, help="a file of export/recipes")
    parser.add_argument("--backbone", type=Path, metavar="DIR", help="a folder of transformers (the packaged SmolLM2)")
    parser.add_argument("--save-checkpoint", action="store_true", help="only write the last checkpoint's adapters")
    options = parser.parse_args()

    def work() -> None:
        recipe = load(options.recipe)
        (save_checkpoint if options.save_checkpoint else train)(recipe, options.backbone)

    return program.run(work, stopped=program.GOES_ON)


if __name__ == "__main__":
    sys.exit(main())
