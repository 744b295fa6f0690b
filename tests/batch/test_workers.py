"""Processes that decide households: what they answer, and what is said when one of them dies."""

from __future__ import annotations

import os
from contextlib import closing
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

from mianshen.batch.worker import Workers

HALF_AN_ANSWER = "import os; os.write(1, (99).to_bytes(8, 'little') + b'half'); os._exit(0)"


class Fatal:
    """Ends the process that reads it from a pipe."""

    def __reduce__(self) -> Any:
        return os._exit, (1,)


def deciding_by(function: Any) -> SimpleNamespace:
    """What a process is sent first: a setup whose cases are decided by a function."""
    return SimpleNamespace(ready=partial(partial, function))


def test_answers_come_in_the_order_of_the_tasks() -> None:
    with closing(Workers(deciding_by(abs), 2)) as workers:
        assert workers.map(range(-20, 0)) == list(range(20, 0, -1))


@pytest.mark.parametrize(
    ("setup", "task"),
    [
        (Fatal(), 1),
        ([Fatal(), b"x" * 1_000_000], 1),
        (deciding_by(os._exit), 1),
        (deciding_by(exec), HALF_AN_ANSWER),
        (deciding_by(len), [Fatal(), b"x" * 1_000_000]),
    ],
    ids=[
        "at its start",
        "while it is sent its setup",
        "while deciding",
        "while answering",
        "while it is sent a task",
    ],
)
def test_a_process_that_dies_is_a_lack_of_memory(setup: Any, task: Any) -> None:
    """The system ends processes where memory is short; closing the others then raises nothing."""
    with closing(Workers(setup, 1)) as workers, pytest.raises(MemoryError):
        workers.map([task])
