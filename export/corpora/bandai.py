"""Bandai-Namco Research Motiondataset 1 and 2: contents such as "walk", performed in styles such as "elderly".

A clip's name is `dataset-N_content_style_number`. Its sentences are those of the content, worded anew with the style's
subjects and phrases; up to `WORDINGS` of the many combinations are drawn for each clip, by its name alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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


def trials(mocap: Path, cache: Path) -> list[Trial]:
    """All clips that hold motion, in order of their names."""
    sheet = load(mocap / "captions.json")
    found: list[Trial] = []
    for member in archive.members(archive.unpack(mocap / ARCHIVE, cache), ".bvh"):
        clip = PurePosixPath(member).stem
        content, style = clip.split("_")[1:3]
        if content in sheet.no_motion:
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
                captions=captions(sheet, clip, content, style),
                mirrored_captions=mirrored_captions(sheet, clip, content, style),
                action=label,
                mirrored_action=mirror.action(label),
            )
        )
    return sorted(found, key=lambda trial: trial.name)


def action(sheet: Captions, clip: str) -> str | None:
    """The clip's action label; None where its name says something else than its motion."""
    if clip in sheet.mislabelled:
        return CLIP_ACTIONS.get(clip)
    content, style = clip.split("_")[1:3]
    return STYLE_ACTIONS.get((content, style), ACTIONS[content])


def captions(sheet: Captions, clip: str, content: str, style: str) -> tuple[str, ...]:
    """The clip's sentences: for a mislabelled one just its own, else also those of its content in its style."""
    own = sheet.clips.get(clip, ())
    if clip in sheet.mislabelled:
        return own
    return _distinct(chain(own, wordings(sheet, content, style, clip)))[:WORDINGS]


def mirrored_captions(sheet: Captions, clip: str, content: str, style: str) -> tuple[str, ...]:
    """The sentences of the mirrored clip: those of the content it has become, where that is one of the sheet."""
    other = mirror.content(content)
    if other == content or clip in sheet.mislabelled:
        return mirror.sentences(captions(sheet, clip, content, style))
    own = mirror.sentences(sheet.clips.get(clip, ()))
    return _distinct(chain(own, wordings(sheet, other, style, clip)))[:WORDINGS]


def wordings(sheet: Captions, content: str, style: str, key: str) -> tuple[str, ...]:
    """Up to `WORDINGS` sentences for a content in a style: the plainest ones first, then a draw that `key` decides."""
    manner = sheet.styles[style]
    phrases = manner.adverbs + (manner.locomotion if content in LOCOMOTION else ())
    base = sheet.contents[content]
    special = sheet.content_style.get((content, style), ())
    plainest = (
        phrase.worded(base[1], manner.subjects[0]),
        phrase.worded(base[0], adverb=phrases[0]),
        phrase.worded(base[1], adverb=phrases[0]),
    )
    groups = (
        base,
        _combined(base, manner.subjects, (None,)),
        _combined(base, (None,), phrases),
        _combined(base, manner.subjects, phrases),
        _combined(special, manner.subjects, (None,)),
    )
    drawn = zip_longest(*(phrase.in_order_of(key, group) for group in groups))
    return _distinct(chain(base[:2], plainest, special, chain.from_iterable(drawn)))[:WORDINGS]


def _combined(
    sentences: Iterable[str], subjects: Sequence[str | None], phrases: Sequence[str | None]
) -> tuple[str, ...]:
    return _distinct(phrase.worded(*parts) for parts in product(sentences, subjects, phrases))


def _distinct(texts: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text in texts if text is not None))
