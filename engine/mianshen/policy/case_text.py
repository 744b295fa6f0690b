"""Suggested cases as a case file, each marked to be confirmed; and the marks taken off one by one.

In: suggestions. Out: text in the language of case files. In: such a text, an answer for each case. Out: the text with
confirmed cases unmarked and refused ones left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Final, Literal, TypeAlias

from mianshen.document.yaml_text import scalar
from mianshen.policy.suggestions import Suggestion

MARK: Final = "  # to confirm 待确认"
Answer: TypeAlias = Literal["confirm", "refuse", "later"]


def case_file(suggestions: Sequence[Suggestion]) -> str:
    """A case file of suggestions."""
    lines = ["cases:"]
    for number, suggestion in enumerate(suggestions, 1):
        clause = str(suggestion.clause)
        lines.append(f"{MARK}: {_one_line(suggestion.reason)}" + (f" ({clause})" if clause else ""))
        case = suggestion.case(f"suggested_{number}")
        for place, (key, value) in enumerate(case.items()):
            start = "  - " if place == 0 else "    "
            lines.append(f"{start}{key}: {flow(value)}")
    return "\n".join(lines) + "\n"


def flow(value: Any) -> str:
    """A plain value in the style that case files have."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case dict():
            return "{" + ", ".join(f"{flow(key)}: {flow(item)}" for key, item in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(flow, value)) + "]"
        case _:
            return scalar(str(value))


def confirmed(text: str, ask: Callable[[str], Answer]) -> str:
    """The text after each marked case was asked about; what comes later keeps its mark."""
    head, *blocks = re.split(rf"(?m)^(?={re.escape(MARK)})", text)
    parts = [head]
    for block in blocks:
        answer = ask(block)
        if answer == "confirm":
            parts.append(block.partition("\n")[2])
        elif answer == "later":
            parts.append(block)
    return "".join(parts)


def _one_line(text: str) -> str:
    return " ".join(text.split())
