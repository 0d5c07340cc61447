"""The message that puts a task to the language model: what stands in it can be read back out of it."""

from __future__ import annotations

import pytest

from models import tasks
from models.tasks import TASKS, Conditions, Message
from models.vocabulary import SPECIAL, Vocabulary
from motion.errors import BadRequest, UnknownTask

VOCABULARY = Vocabulary(256, 4375)
WHOLE = Conditions("a person waves", 3.25, [5, 6, 7], [0, 4374], [100])
GIVEN = {
    "text": WHOLE.text,
    "duration": WHOLE.seconds,
    "motion": WHOLE.motion,
    "past": WHOLE.past,
    "future": WHOLE.future,
}


def tokenize(text: str) -> list[int]:
    return list(text.encode())


def only(*names: str) -> Conditions:
    """Of all conditions these alone."""
    field = {"duration": "seconds"}
    return Conditions(**{field.get(name, name): GIVEN[name] for name in names})  # type: ignore[arg-type]


def segments(ids: list[int]) -> list[tuple[str, object]]:
    """A message read back: (segment, content) in order, whatever is nested in another listed after it."""
    found: list[tuple[str, object]] = []
    stack: list[tuple[str, list[int]]] = []
    for token in ids:
        if VOCABULARY.text <= token < VOCABULARY.first_code:
            name, _, edge = SPECIAL[token - VOCABULARY.text].rpartition("_")
            if edge == "BOS":
                stack.append((name, []))
                found.append((name, stack[-1][1]))
            else:
                assert stack.pop()[0] == name, "segments close in the order in which they opened"
        else:
            stack[-1][1].append(token)
    return [
        (
            name,
            bytes(content).decode() if max(content, default=0) < 256 else [c - VOCABULARY.first_code for c in content],
        )  # type: ignore[type-var]
        for name, content in found
        if isinstance(content, list)
    ]


SEGMENT = {"text": "TEXT", "duration": "DURATION", "motion": "MOT", "past": "PAST", "future": "FUTURE"}
CONTENT = {"text": "a person waves", "duration": "3.2 s", "motion": [5, 6, 7], "past": [0, 4374], "future": [100]}


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_everything_that_is_given_stands_in_the_message_and_nothing_else(task: tasks.Task) -> None:
    for names in ((*task.needs, *task.optional), task.needs):
        message = tasks.prompt(task, only(*names), VOCABULARY, tokenize)
        reply = "MOT" if task.gives == "motion" else "TEXT"
        assert segments(message.ids) == [
            ("INSTR", task.instruction),
            ("COND", ""),
            *((SEGMENT[name], CONTENT[name]) for name in names),
            ("REPLY", ""),
            (reply, ""),
        ]
        assert message.reply == len(message.ids)
        whole = [*message.ids, *tasks.closing(task, VOCABULARY)]
        assert segments(whole) == segments(message.ids)
        assert whole[-1] == VOCABULARY.special("REPLY_EOS")


@pytest.mark.parametrize("task", [task for task in TASKS if task.needs], ids=lambda task: task.name)
def test_a_missing_condition_is_named(task: tasks.Task) -> None:
    for missing in task.needs:
        rest = [name for name in task.needs if name != missing]
        with pytest.raises(BadRequest, match=f"'{task.name}' needs {missing}"):
            tasks.prompt(task, only(*rest), VOCABULARY, tokenize)


def test_conditions_that_a_task_does_not_take_are_left_out() -> None:
    message = tasks.prompt(tasks.find("motion-to-text"), WHOLE, VOCABULARY, tokenize)
    assert "PAST" not in dict(segments(message.ids))


def test_two_texts_make_two_messages() -> None:
    ask = tasks.find("text-to-motion")
    one, other = (tasks.prompt(ask, Conditions(text=text), VOCABULARY, tokenize) for text in ("left", "right"))
    assert one.ids != other.ids


def test_the_instructions_tell_the_tasks_apart() -> None:
    assert len({task.instruction for task in TASKS}) == len({task.name for task in TASKS}) == len(TASKS)


def test_an_unknown_task_is_answered_with_those_there_are() -> None:
    assert tasks.find("prediction").gives == "motion"
    with pytest.raises(UnknownTask, match="no task 'dance'; the tasks are text-to-motion, motion-to-text"):
        tasks.find("dance")


def test_an_empty_message_has_no_reply() -> None:
    assert Message() == Message([], 0)
