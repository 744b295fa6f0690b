"""What was made of a program, remembered for the next time it is asked for.

In: a function of a program. Out: the same function, which works once for each of the latest programs.
Programs are told apart by identity: to compare two would cost more than most of what is made of them.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import wraps
from typing import Final, TypeVar

from mianshen.program.program import Program

Made = TypeVar("Made")
LATEST: Final = 16


def remembered(function: Callable[[Program], Made]) -> Callable[[Program], Made]:
    """The function with its latest results kept."""
    latest: OrderedDict[int, tuple[Program, Made]] = OrderedDict()

    @wraps(function)
    def remembering(program: Program) -> Made:
        entry = latest.get(id(program))
        if entry is not None and entry[0] is program:
            return entry[1]
        result = function(program)
        latest[id(program)] = program, result
        if len(latest) > LATEST:
            latest.popitem(last=False)
        return result

    return remembering
