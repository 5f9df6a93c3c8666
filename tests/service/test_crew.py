"""The parent's questions to its workers, some of whom do not answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock

from mailhub.config.options import Config
from mailhub.net.control import ControlError
from mailhub.service.crew import ANSWER_SECONDS, Crew
from mailhub.service.link import WorkerGone
from mailhub.service.memory import Memory
from tests.harness import run, start

Answer = Deferred[Any]


class Link:
    """To a worker who answers with *answer*."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    def ask(self, command: str, arguments: Mapping[str, Any]) -> Answer:
        return self._answer


def crew(clock: Clock, *answers: Answer) -> Crew:
    made = Crew(
        clock,
        Config(),
        Memory.make(len(answers)),
        [],
        None,  # type: ignore[arg-type]
        None,  # type: ignore[arg-type]
        lambda: None,
    )
    for worker, answer in zip(made.workers, answers, strict=True):
        worker.serves = True
        worker.link = Link(answer)  # type: ignore[assignment]
    return made


def test_who_does_not_answer_does_not_hide_the_answers_of_the_others() -> None:
    clock = Clock()
    asked = start(crew(clock, succeed("a"), Deferred(), fail(WorkerGone())).ask_each("x", {}))
    clock.advance(ANSWER_SECONDS)
    answers = asked.result
    assert answers[0] == "a"
    assert str(answers[1]) == "worker 1 does not answer"
    assert list(answers) == [0, 1]


def test_what_only_all_together_can_answer_is_an_error_then() -> None:
    refused = fail(ControlError("internal error, see the log"))
    with pytest.raises(ControlError, match="internal error"):
        run(crew(Clock(), succeed("a"), refused).ask_all("x", {}))


def test_the_first_who_has_an_answer_is_enough() -> None:
    unknown = fail(ControlError("there is no such session"))
    assert run(crew(Clock(), unknown, succeed("b")).ask_in_turn("dump", {})) == "b"
