"""Names as people write them: a name of the rulebook, or its title in Chinese or English.

In: titled entries of a rulebook by name, what somebody wrote. Out: the name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from mianshen.source import Message


class Titled(Protocol):
    """An entry of a rulebook with a title."""

    @property
    def title(self) -> Message: ...


def name_of(written: str, entries: Mapping[str, Titled]) -> str:
    """The name that is written, or whose title is; `written` itself where neither is known, or several have the title."""
    if written in entries:
        return written
    plain = written.strip().casefold()
    names = [
        name
        for name, entry in entries.items()
        if plain in (entry.title.zh.casefold(), entry.title.en.casefold())
    ]
    return names[0] if len(names) == 1 else written
