"""Names as people write them: a name of the rulebook, or its title in Chinese or English.

In: titled entries of a rulebook by name, what somebody wrote. Out: the name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from mianshen.program.program import Program
from mianshen.source import Message, nearest


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


def meant(written: str, entries: Mapping[str, Titled], keys: Iterable[str] = ()) -> Message:
    """The entry, or the other key, that may be meant by a word that is none; all of them where none is near."""
    words = {key: key for key in keys}
    for name, entry in entries.items():
        words |= {entry.title.zh.casefold(): name, entry.title.en.casefold(): name, name: name}
    close = nearest(written.strip().casefold(), words)
    if close is None:
        plain = written.strip().casefold()
        part = [name for name, e in entries.items() if plain in e.title.zh or plain in e.title.en.casefold()]
        if part and len(plain) > 1:
            zh, en = "、".join(entries[name].title.zh for name in part), ", ".join(part)
            return Message(f"是不是{zh}？", f"Did you mean {en}?")
        titles, names = [entry.title.zh for entry in entries.values()], list(entries)
        return Message("可用：" + "、".join([*titles, *keys]), "Known are: " + ", ".join([*names, *keys]))
    name = words[close]
    if name not in entries:
        return Message(f"是不是 {name}？", f"Did you mean {name}?")
    title = entries[name].title
    en = name if close == name else f"{title.en} ({name})"
    return Message(f"是不是{title.zh}（{name}）？", f"Did you mean {en}?")


def plural(entity: str) -> str:
    """What the rows of an entity are called together, in names of files and columns."""
    if entity.endswith("y") and entity[-2:-1] not in "aeiou":
        return f"{entity[:-1]}ies"
    if not entity.isascii():
        return entity
    return f"{entity}es" if entity.endswith(("s", "x", "z", "ch", "sh")) else f"{entity}s"


def key_title(program: Program, entity: str) -> Message:
    """What the number of an entity's rows is called."""
    described = program.entities[entity]
    fact = program.facts.get((entity, described.key))
    return described.title if fact is None else fact.title


def area_title(program: Program) -> Message | None:
    """What the area of the entry's rows is called; None where they have none."""
    fact = program.facts.get((program.entry, program.entities[program.entry].area or ""))
    return None if fact is None else fact.title
