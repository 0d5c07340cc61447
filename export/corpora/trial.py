"""One recorded take of a corpus: where its motion lies, what it shows in words, what to put right on reading.

Seconds, and frames per second. A trial is data about a file, never the file's content.
"""

from __future__ import annotations

from dataclasses import dataclass

from export.corpora import mirror


@dataclass(frozen=True)
class Trial:
    """One recorded take in an archive, before any processing."""

    name: str
    """Unique and stable, e.g. "bandai/dataset-2_walk_active_001"; the split is a hash of it. Pieces of one take are
    told apart behind an "@", which the hash leaves out: they stay in one split."""
    corpus: str
    """bandai, cmu, dance, hdm05, misc or cc0; cmu-actions, game, emotes or aist."""
    archive: str
    """File name below the mocap folder, e.g. "bandai.tar.xz" or "cc0/clips.tar.xz"; a folder of the further corpora
    as "more/game_cc0"."""
    member: str
    """Path inside the archive, with forward slashes: of a BVH or AMC, or of a GLB or NPZ that holds several motions and
    then says which one, e.g. "cmu_actions.npz#train__soccer__soccer_1"."""
    skeleton_member: str | None
    """Path inside the archive of the ASF that an AMC needs; None for a BVH."""
    licence: str
    """SPDX identifier where there is one: "CC-BY-NC-4.0", "CMU", "CC-BY-SA-3.0", "MIT", "CC0-1.0"."""
    fps: float | None
    """Replaces the file's own rate where that is known to be wrong."""
    drop_seconds: float
    """To be cut from the start, at the true rate: a reference pose far away from the motion."""
    captions: tuple[str, ...]
    """Sentences that are true of the motion; no final period, no two alike, the plainest first."""
    mirrored_captions: tuple[str, ...]
    """Sentences that are true of the mirrored motion."""
    action: str | None
    """Label for the action classifier, None where no label of the set is plainly true."""
    mirrored_action: str | None
    """Label of the mirrored motion."""
    seconds: float | None = None
    """What is kept behind `drop_seconds`; None: all of it."""


def symmetric(
    corpus: str,
    clip: str,
    archive: str,
    member: str,
    licence: str,
    captions: tuple[str, ...],
    action: str | None,
    drop_seconds: float = 0.0,
    seconds: float | None = None,
) -> Trial:
    """A motion at its own rate whose mirror image is told by exchanging left and right in sentences and label."""
    return Trial(
        f"{corpus}/{clip}", corpus, archive, member, None, licence, None, drop_seconds,
        captions, mirror.sentences(captions), action, mirror.action(action), seconds,
    )  # fmt: skip
