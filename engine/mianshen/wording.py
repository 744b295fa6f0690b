r"""Texts for users that the rulebook does not give: a line of a table each, its key, Chinese and English.

In: a table, where `\n` breaks a line of a text. Out: its texts by key. A key is a room and a name, `report.rejected`,
or one of a group's, `report.reasons.bad_date`. The table is read when the first text is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Final

from mianshen.source import Lang, Message


class Wording:
    """The texts of one table."""

    def __init__(self, file: Path) -> None:
        self.file = file

    @cached_property
    def texts(self) -> Mapping[str, Message]:
        """Every text by its key."""
        lines = self.file.read_text(encoding="utf-8").splitlines()
        entries = (line.replace("\\n", "\n").split("\t") for line in lines)
        return {key: Message(zh, en) for key, zh, en in entries}

    def __call__(self, key: str) -> Message:
        """A text."""
        return self.texts[key]

    def group(self, key: str) -> dict[str, Message]:
        """The texts of a group by their names in it, in the order of the table."""
        start = key + "."
        return {k.removeprefix(start): text for k, text in self.texts.items() if k.startswith(start)}

    def labels(self, key: str, lang: Lang) -> dict[str, str]:
        """The texts of a group in one language, as a template asks for them."""
        return {name: text.in_(lang) for name, text in self.group(key).items()}

    def heads(self, key: str, lang: Lang) -> list[str]:
        """The texts of a group in one language, in the order of the table: the headings of columns."""
        return list(self.labels(key, lang).values())


wording: Final = Wording(Path(__file__).with_suffix(".tsv"))
