"""Bandai-Namco Research Motiondataset 1 and 2: contents such as "walk", performed in styles such as "elderly".

A clip's name is `dataset-N_content_style_number`. Its sentences are those of the content, worded anew with the style's
subjects and phrases; up to `WORDINGS` of the many combinations are drawn for each clip, by its name alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache as remember
from itertools import chain, product, zip_longest
from pathlib import Path, PurePosixPath

from export.corpora import archive, mirror, phrase
from export.corpora.captions import Captions, load
from export.corpora.trial import Trial

ARCHIVE = "bandai.tar.xz"
WORDINGS = 48
LOCOMOTION = frozenset(
    ("walk", "run", "dash", "walk-back", "walk-left", "walk-right", "walk-turn-left", "walk-turn-right")
)

ACTIONS = {
    "walk": "walk",
    "run": "run",
    "dash": "run",
    "walk-back": "walk-back",
    "walk-left": "walk-left",
    "walk-right": "walk-right",
    "walk-turn-left": "turn-left",
    "walk-turn-right": "turn-right",
    "bow": "bow",
    "bye": "wave-right",
    "byebye": "wave-both",
    "guide": "guide",
    "respond": "raise-left",
    "call": "call",
    "punch": "punch",
    "kick": "kick",
    "slash": "slash",
    "dance-short": "dance",
    "raise-up-left-hand": "raise-left",
    "raise-up-right-hand": "raise-right",
    "raise-up-both-hands": "raise-both",
    "wave-left-hand": "wave-left",
    "wave-right-hand": "wave-right",
    "wave-both-hands": "wave-both",
}

STYLE_ACTIONS: dict[tuple[str, str], str | None] = {
    ("bye", "angry"): None,  # shoos somebody away with a stretched arm
    ("byebye", "normal"): None,  # begins with both hands, goes on with the right
    ("byebye", "happy"): None,  # reaches both arms forward from bent knees
    ("guide", "musical"): None,  # turns to the left and sweeps the arm
}

CLIP_ACTIONS: dict[str, str | None] = {  # of mislabelled clips; those not named here show no single action
    "dataset-2_walk-turn-left_masculine_007": "turn-right",
    "dataset-2_walk-turn-right_masculine_007": "turn-left",
    "dataset-2_wave-left-hand_active_012": "wave-left",
    "dataset-2_wave-both-hands_elderly_001": "wave-both",
}


@dataclass(frozen=True)
class Pool:
    """All sentences for a content in a style."""

    first: tuple[str, ...]
    """The plainest, without and with the style, and those that are true of just this pair; every clip has them."""
    groups: tuple[tuple[str, ...], ...]
    """The others by how they are made, so that a draw has some of each kind."""


PoolOf = Callable[[str, str], Pool]


def trials(mocap: Path, cache: Path) -> list[Trial]:
    """All clips that hold motion, in order of their names."""
    sheet = load(mocap / "captions.json")
    folder = archive.unpack(mocap / ARCHIVE, cache)

    @remember
    def pool_of(content: str, style: str) -> Pool:
        return pool(sheet, content, style)

    found: list[Trial] = []
    for member in archive.members(folder, ".bvh"):
        clip = PurePosixPath(member).stem
        if _parts(clip)[0] in sheet.no_motion:
            continue
        label = action(sheet, clip)
        found.append(
            Trial(
                name=f"bandai/{clip}",
                corpus="bandai",
                archive=ARCHIVE,
                member=member,
                skeleton_member=None,
                licence="CC-BY-NC-4.0",
                fps=None,
                drop_seconds=0.0,
                captions=captions(sheet, clip, pool_of),
                mirrored_captions=mirrored_captions(sheet, clip, pool_of),
                action=label,
                mirrored_action=mirror.action(label),
            )
        )
    return sorted(found, key=lambda trial: trial.name)


def action(sheet: Captions, clip: str) -> str | None:
    """The clip's action label; None where its motion is no plain example of what its name says."""
    if clip in sheet.mislabelled:
        return CLIP_ACTIONS.get(clip)
    content, style = _parts(clip)
    return STYLE_ACTIONS.get((content, style), ACTIONS[content])


def captions(sheet: Captions, clip: str, pool_of: PoolOf) -> tuple[str, ...]:
    """The clip's sentences: for a mislabelled one just its own, else also those of its content in its style."""
    own = sheet.clips.get(clip, ())
    if clip in sheet.mislabelled:
        return own
    content, style = _parts(clip)
    return draw(pool_of(content, style), clip, own)


def mirrored_captions(sheet: Captions, clip: str, pool_of: PoolOf) -> tuple[str, ...]:
    """The sentences of the mirrored clip: those of the content it has become, where the sheet has one for it."""
    content, style = _parts(clip)
    other = mirror.content(content)
    if other == content or clip in sheet.mislabelled:
        return mirror.sentences(captions(sheet, clip, pool_of))
    return draw(pool_of(other, style), clip, mirror.sentences(sheet.clips.get(clip, ())))


def pool(sheet: Captions, content: str, style: str) -> Pool:
    """All good combinations of the content's sentences with the style's subjects and phrases."""
    manner = sheet.styles[style]
    phrases = manner.adverbs + (manner.locomotion if content in LOCOMOTION else ())
    base = sheet.contents[content]
    special = sheet.content_style.get((content, style), ())
    plainest = (
        phrase.worded(base[1], manner.subjects[0]),
        phrase.worded(base[0], adverb=phrases[0]),
        phrase.worded(base[1], adverb=phrases[0]),
    )
    return Pool(
        first=_distinct((*base[:2], *plainest, *special)),
        groups=(
            base,
            _combined(base, manner.subjects, (None,)),
            _combined(base, (None,), phrases),
            _combined(base, manner.subjects, phrases),
            _combined(special, manner.subjects, (None,)),
        ),
    )


def draw(pool: Pool, key: str, own: tuple[str, ...] = ()) -> tuple[str, ...]:
    """At most `WORDINGS` distinct sentences: the clip's own, the pool's first, then a mixture that `key` decides."""
    rows = zip_longest(*(phrase.in_order_of(key, group) for group in pool.groups))
    return _distinct(chain(own, pool.first, chain.from_iterable(rows)))[:WORDINGS]


def _parts(clip: str) -> tuple[str, str]:
    """Content and style from a clip's name."""
    _, content, style, _ = clip.split("_")
    return content, style


def _combined(
    sentences: Iterable[str], subjects: Sequence[str | None], phrases: Sequence[str | None]
) -> tuple[str, ...]:
    return _distinct(phrase.worded(*parts) for parts in product(sentences, subjects, phrases))


def _distinct(texts: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text in texts if text is not None))
