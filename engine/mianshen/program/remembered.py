"""What was made of a program, remembered for the next time it is asked for.

In: a function of a program, and of what else is hashable. Out: the same function, which works once for each of the
latest programs.
Programs are told apart by identity: to compare two would cost more than most of what is made of them.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from functools import wraps
from typing import Concatenate, Final, ParamSpec, TypeVar

from mianshen.program.program import Program

Made = TypeVar("Made")
More = ParamSpec("More")
LATEST: Final = 16


def remembered(
    function: Callable[Concatenate[Program, More], Made],
) -> Callable[Concatenate[Program, More], Made]:
    """The function with its latest results kept."""
    latest: OrderedDict[Hashable, tuple[Program, Made]] = OrderedDict()

    @wraps(function)
    def remembering(program: Program, /, *more: More.args, **named: More.kwargs) -> Made:
        key = (id(program), more, *named.items())
        entry = latest.get(key)
        if entry is not None and entry[0] is program:
            return entry[1]
        result = function(program, *more, **named)
        latest[key] = program, result
        if len(latest) > LATEST:
            latest.popitem(last=False)
        return result

    return remembering
