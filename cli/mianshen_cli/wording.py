r"""What commands say: a line in `wording.tsv` for each text, its key, Chinese and English; `\n` breaks a line.

In: a key: `batch` for what the command does, `batch.--out` for an option, `notice.<file>` for an argument, `batch.done`
for a sentence. Out: the texts. Invariant: every line of the table is used by the module that its key begins with.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from mianshen.source import Message


@cache
def table() -> Mapping[str, Message]:
    """Every text by its key."""
    lines = Path(__file__).with_name("wording.tsv").read_text(encoding="utf-8").splitlines()
    entries = (line.replace("\\n", "\n").split("\t") for line in lines)
    return {key: Message(zh, en) for key, zh, en in entries}


def wording(key: str) -> Message:
    """A text in both languages."""
    return table()[key]
