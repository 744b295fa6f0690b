"""Mianshen decides who is due which medical-insurance benefit, how much, and under which clause.

In: a rulebook written as data, and records. Out: decisions with their reasons. `open_rulebook` is the way in;
`mianshen.api` holds what stands here, and is imported when it is first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mianshen.version import __version__

if TYPE_CHECKING:
    from mianshen.api import (
        Answer,
        BenefitAnswer,
        Decided,
        Diagnostic,
        Message,
        Reject,
        RowAnswer,
        Rulebook,
        RuleError,
        open_rulebook,
    )

__all__ = [
    "Answer", "BenefitAnswer", "Decided", "Diagnostic", "Message", "Reject", "RowAnswer", "RuleError", "Rulebook",
    "__version__", "open_rulebook",
]  # fmt: skip


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from mianshen import api

    return getattr(api, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
