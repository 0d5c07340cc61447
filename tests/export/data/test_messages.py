"""Training messages: the same every time, targets where they should be, and words that are true of the motion."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from export import recipe
from export.corpora import mirror
from export.corpora.words import Style, Wordings
from export.data import dataset, messages
from export.data.messages import Messages, Row, Sample
from export.recipe import Recipe
from export.training import stages
from models import tasks
from models.vocabulary import Vocabulary
from motion import features

V = Vocabulary(256, 4375)
EVERY = tuple(task.name for task in tasks.TASKS)
LONGEST = 64  # frames
PLAN = recipe.load(Path(recipe.__file__).parent / "recipes" / "vermo-base.toml").curriculum


def tokenize(text: str) -> list[int]:
    return list(text.encode())


def samples(lengths: tuple[int, ...] = (6, 9, 12, 15, 30)) -> list[Sample]:
    """Clips whose codes and words tell them apart: code // 100 is the clip."""
    return [
        Sample(
            f"cc0/{i}",
            ("walk", "wave-left")[i % 2],
            (f"a person moves like number {i} to the left", f"someone goes the way of number {i} to the right"),
            tuple(100 * i + k for k in range(length)),
        )
        for i, length in enumerate(lengths)
    ]


def made(names: tuple[str, ...] = EVERY, seed: int = 1, budget: int = 600, of: list[Sample] | None = None) -> Messages:
    return Messages(samples() if of is None else of, V, tokenize, budget, LONGEST, seed, names, PLAN)


def rows(messages_: Messages, number: int = 0) -> list[Row]:
    return [row for batch in messages_.epoch(number) for row in batch]


def segment(ids: list[int], name: str) -> list[int] | None:
    """What stands between the first opening and closing token of a segment."""
    if V.special(f"{name}_BOS") not in ids:
        return None
    start = ids.index(V.special(f"{name}_BOS")) + 1
    return ids[start : ids.index(V.special(f"{name}_EOS"), start)]


def text_of(ids: list[int], name: str = "TEXT") -> str | None:
    found = segment(ids, name)
    return None if found is None else bytes(found).decode()


def codes_of(ids: list[int], name: str = "MOT") -> list[int] | None:
    found = segment(ids, name)
    return None if found is None else [token - V.first_code for token in found]


def task_of(ids: list[int]) -> tasks.Task:
    return next(task for task in tasks.TASKS if task.instruction == text_of(ids, "INSTR"))


def test_a_pass_depends_on_the_seed_and_its_number_alone() -> None:
    assert made().epoch(2) == made().epoch(2)
    assert made().epoch(2) != made().epoch(3)
    assert made(seed=1).epoch(2) != made(seed=2).epoch(2)


def test_every_task_is_drawn_and_what_people_ask_for_most_often() -> None:
    found = Counter(task_of(row.true.ids).name for row in rows(made()))
    assert set(found) == set(EVERY)
    assert found.most_common(1)[0][0] == "text-to-motion"
    only = Counter(task_of(row.true.ids).name for row in rows(made(("motion-to-text",))))
    assert set(only) == {"motion-to-text"}


def test_the_reply_and_every_motion_code_are_targets_and_nothing_else_is() -> None:
    for row in rows(made()):
        task = task_of(row.true.ids)
        assert len(row.true.targets) == len(row.true.ids)
        opening = V.special("REPLY_BOS")
        reply = row.true.ids.index(opening) + 2  # behind the token that opens the reply's motion or text
        for at, target in enumerate(row.true.targets[:-1]):
            after = row.true.ids[at + 1]
            wanted = at + 1 >= reply or after >= V.first_code
            assert target == (after if wanted else -100)
        assert row.true.targets[-1] == -100
        assert row.true.ids[-1] == V.special("REPLY_EOS")
        assert row.true.ids[reply - 1] == V.special("MOT_BOS" if task.gives == "motion" else "TEXT_BOS")


def test_sentences_are_the_clips_own() -> None:
    by_clip = samples((6, 9, 12, 15, 30))
    for row in rows(made(("motion-to-text",))):
        codes = codes_of(row.true.ids)
        assert codes
        assert (
            bytes(row.true.ids[row.true.ids.index(V.special("REPLY_BOS")) + 2 : -2]).decode()
            in by_clip[codes[0] // 100].captions
        )
    for row in rows(made(("text-to-motion",))):
        codes, text = codes_of(row.true.ids), text_of(row.true.ids)
        assert codes
        assert text
        clips = list(dict.fromkeys(code // 100 for code in codes))
        assert text in by_clip[clips[0]].captions or len(clips) == 2 or "then" in text.lower()
        for clip in clips:
            assert f"number {clip}" in text


def test_two_clips_are_joined_as_the_sentence_joins_them() -> None:
    roomy = replace(made(("text-to-motion",)), longest=256)
    joined = [row for row in rows(roomy) if "then" in str(text_of(row.true.ids)).lower()]
    assert len(joined) > 20
    for row in joined[:50]:
        codes, text = codes_of(row.true.ids), text_of(row.true.ids)
        assert codes is not None
        assert text is not None
        assert len(codes) * 4 <= 256
        first, second = codes[0] // 100, codes[-1] // 100
        assert text.index(f"number {first}") < text.rindex(f"number {second}") or first == second
        assert text.count("number") == 2
        assert len([word for word in text.split() if word in ("person", "someone", "Someone")]) == 1


def test_the_length_that_is_told_is_the_replys() -> None:
    told = 0
    for row in rows(made(("text-to-motion", "unconditional", "prediction", "in-betweening"))):
        seconds = text_of(row.true.ids, "DURATION")
        codes = codes_of(row.true.ids)
        assert codes is not None
        if seconds is not None:
            told += 1
            assert seconds == f"{len(codes) * 4 / features.FPS:.1f} s"
    assert told > 1000


def test_motions_longer_than_the_longest_are_cropped_anew_each_time() -> None:
    long = [row for row in rows(made(("unconditional",))) if (codes_of(row.true.ids) or [0])[0] // 100 == 4]
    starts = {(codes_of(row.true.ids) or [0])[0] for row in long}
    assert len(starts) > 5
    for row in long:
        codes = codes_of(row.true.ids)
        assert codes == list(range(codes[0], codes[0] + 16))  # type: ignore[index]


@pytest.mark.parametrize("name", ["prediction", "in-betweening"])
def test_past_reply_and_future_follow_one_another(name: str) -> None:
    for row in rows(made((name,))):
        past, reply, future = (codes_of(row.true.ids, part) for part in ("PAST", "MOT", "FUTURE"))
        assert past
        assert reply
        assert (future is not None) == (name == "in-betweening")
        whole = [*past, *reply, *(future or [])]
        assert whole == list(range(whole[0], whole[0] + len(whole)))


def test_clips_too_short_to_be_parted_are_asked_for_in_words() -> None:
    short = made(("prediction",), of=[*samples((2,)), *samples((3,))])
    assert {task_of(row.true.ids).name for row in rows(short)} == {"text-to-motion"}


def test_a_rival_is_the_same_motion_under_a_sentence_that_is_not_true_of_it() -> None:
    rivals = [row for row in rows(made(("text-to-motion",))) if row.rival is not None]
    assert len(rivals) > 500
    swapped = 0
    by_clip = samples((6, 9, 12, 15, 30))
    for row in rivals:
        assert row.rival is not None
        ids, targets = row.rival.ids, row.rival.targets
        assert codes_of(ids) == codes_of(row.true.ids)
        assert text_of(ids, "DURATION") == text_of(row.true.ids, "DURATION")
        assert [t for t in targets if t >= 0] == [t for t in row.true.targets if t >= 0]
        own, other = text_of(row.true.ids), text_of(ids)
        assert own is not None
        assert other is not None
        assert own != other
        clip = by_clip[(codes_of(row.true.ids) or [0])[0] // 100]
        assert other not in clip.captions
        swapped += other == mirror.sentence(own)
        if other != mirror.sentence(own):
            number = int(other.split("number ")[1].split()[0])
            assert by_clip[number].action != clip.action
    assert 0.3 < swapped / len(rivals) < 0.7


def test_other_tasks_have_no_rival() -> None:
    assert all(row.rival is None for row in rows(made(tuple(name for name in EVERY if name != "text-to-motion"))))


@pytest.mark.parametrize("budget", [200, 600, 2000])
def test_a_batch_stays_within_its_budget_unless_one_message_alone_exceeds_it(budget: int) -> None:
    for batch in made(budget=budget).epoch(0):
        assert batch
        assert len(batch) == 1 or sum(row.tokens for row in batch) <= budget


def test_batches_come_in_random_order_not_by_length() -> None:
    lengths = [len(batch[0].true.ids) for batch in made().epoch(0)]
    assert lengths != sorted(lengths)


def test_tensors_hold_the_messages_then_the_rivals_and_padding_that_is_no_target() -> None:
    whole = made(("text-to-motion", "motion-to-text"))
    batch = next(b for b in whole.epoch(0) if 0 < sum(row.rival is not None for row in b) < len(b))
    ids, targets, owners = whole.tensors(batch)
    rivals = [row.rival for row in batch if row.rival is not None]
    assert ids.shape == targets.shape
    assert len(ids) == len(batch) + len(rivals)
    assert owners.tolist() == [i for i, row in enumerate(batch) if row.rival is not None]
    assert messages.said(batch) == [*(row.true for row in batch), *rivals]
    for row, one in enumerate(messages.said(batch)):
        width = len(one.ids)
        assert ids[row, :width].tolist() == one.ids
        assert targets[row, :width].tolist() == one.targets
        assert (ids[row, width:] == V.special("PAD")).all()
        assert (targets[row, width:] == -100).all()


def test_rare_actions_are_drawn_more_often_than_their_number_says_and_grafts_less() -> None:
    of = [replace(one, action="walk" if i else "throw") for i, one in enumerate(samples((10,) * 9))]
    weight = made(of=of).weights()
    assert weight.sum() == pytest.approx(1)
    assert weight[1:] == pytest.approx(weight[1])
    assert weight[1] < weight[0] < 8 * weight[1], "more often than each of eight others, less often than all of them"
    grafted = [replace(one, origin="grafted", action="walk") if i == 8 else one for i, one in enumerate(of)]
    with_graft = made(of=grafted).weights()
    assert with_graft[8] == pytest.approx(0.2 * with_graft[7])


def test_what_is_learned_last_is_drawn_most() -> None:
    of = [replace(one, action="kick" if i < 3 else "throw") for i, one in enumerate(samples((10,) * 6))]
    weight = made(of=of).weights()
    assert weight[0] == pytest.approx(PLAN.actions["kick"] / PLAN.actions["throw"] * weight[5])


def test_soft_tokens_stand_before_every_sentence_that_is_a_condition() -> None:
    softened = replace(made(), soft=3)
    seen = Counter[str]()
    for row in rows(softened):
        for one in messages.said([row]):
            task = task_of(one.ids)
            seen[task.name] += one.soft is not None
            assert (one.soft is None) == (one.text is None)
            assert one.instruction == task.instruction
            if one.soft is not None and one.text is not None:
                assert one.ids[one.soft - 1] == V.special("TEXT_BOS")
                assert one.ids[one.soft : one.soft + 3] == [V.special("PAD")] * 3
                assert bytes(one.ids[one.soft + 3 :][: len(one.text.encode())]).decode() == one.text
                assert set(one.targets[one.soft - 1 : one.soft + 3]) == {-100}
    assert seen["text-to-motion"] > 1000
    assert seen["unconditional"] == seen["motion-to-text"] == 0
    assert all(one.soft is None for row in rows(made()) for one in messages.said([row]))


def test_wordings_near_misses_and_lost_words_are_drawn_as_often_as_the_plan_says() -> None:
    style = Style(("proudly",), (), ("a proud person",))
    told = Wordings(
        "walk", ("a guard patrols the yard to the left", "the scout goes left"), ("a walk-in wardrobe",), style
    )
    clips = [replace(one, wordings=told) for one in samples((10,))]
    plan = replace(PLAN, worded=1.0, styled=0.5, dropped=0.0, joined=0.0, rivals=1.0)
    of = replace(made(("text-to-motion",), of=clips), curriculum=plan)
    texts = Counter(str(row.true.text) for row in rows(of))
    assert 0.4 < sum(count for text, count in texts.items() if "proud" in text) / texts.total() < 0.6
    assert not any("number 0" in text for text in texts)
    rivals = Counter(row.rival.text for row in rows(of) if row.rival is not None)
    assert rivals["a walk-in wardrobe"] > 300
    assert not set(rivals) & set(texts)
    lost = replace(of, curriculum=replace(plan, styled=0.0, dropped=1.0))
    found = {str(row.true.text) for row in rows(lost)}
    assert "a guard patrols the to the left" in found
    assert not set(told.sentences) & found
    assert all("left" in text for text in found), "a side is never lost"


# From prepared clips


def test_tokenised_clips_have_their_own_codes_and_mirrored_ones_mirrored_words(trained: Recipe, tmp_path: Path) -> None:
    tokenizer = stages.trained(trained, "autoencoder")
    data = dataset.load(trained.data, "train", trained.corpora)
    found = {one.name: one for one in messages.tokenise(tokenizer, data, tmp_path / "codes.json")}
    assert set(found) == {entry.name for entry in data.entries}
    for entry in data.entries:
        with torch.inference_mode():
            expected = tokenizer.encode(torch.from_numpy(np.array(data.clip(entry)))[None])[0].tolist()
        assert list(found[entry.name].codes) == expected
        assert found[entry.name].captions == entry.captions
    one, other = found["misc/take-00"], found["misc/take-00#mirrored"]
    assert one.captions[0] == "a person walks to the left"
    assert other.captions[0] == "a person walks to the right"


def test_codes_are_made_once_and_read_back(trained: Recipe, tmp_path: Path) -> None:
    tokenizer = stages.trained(trained, "autoencoder")
    data = dataset.load(trained.data, "train", trained.corpora)
    first = messages.tokenise(tokenizer, data, tmp_path / "codes.json")
    before = (tmp_path / "codes.json").read_bytes()
    assert messages.tokenise(tokenizer, data, tmp_path / "codes.json") == first
    assert (tmp_path / "codes.json").read_bytes() == before


def test_what_is_over_at_once_is_often_shown_again_by_other_clips_of_its_action_alone() -> None:
    clips = [
        Sample(f"cc0/{i}", "kick" if i < 3 else "walk", ("a person moves",), (100 * i, 100 * i + 1)) for i in range(6)
    ]
    of_messages = made(("text-to-motion",), of=clips)
    shown = Counter()
    for row in rows(of_messages):
        codes = codes_of(row.true.ids) or []
        shown[frozenset("kick" if code < 300 else "walk" for code in codes), len(codes) > 2] += 1
        assert len(codes) <= LONGEST // 4
    kicks, walks = frozenset({"kick"}), frozenset({"walk"})
    assert shown[kicks, True] > 0.3 * (shown[kicks, True] + shown[kicks, False])
    assert shown[walks, True] < 0.2 * shown[walks, False]
    assert not any(kicks < actions and not many for actions, many in shown)


def test_untrue_sentences_come_from_rare_actions_as_often_as_from_common_ones() -> None:
    clips = [Sample(f"cc0/{i}", "walk", ("a person walks",), (i, i, i)) for i in range(60)]
    clips += [Sample(f"cc0/r{k}", name, (f"a person {name}s",), (900, 901)) for k, name in enumerate(("bow", "kick"))]
    of_messages = made(("text-to-motion",), of=clips)
    told = Counter(
        text_of(row.rival.ids)
        for number in range(2)
        for row in rows(of_messages, number)
        if row.rival is not None and text_of(row.true.ids) == "a person bows"
    )
    assert told["a person kicks"] > 0.25 * told["a person walks"] > 0
