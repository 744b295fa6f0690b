"""What a name of a rulebook is, in a few lines of Markdown.

In: a program, a name. Out: its kind, title and type; of a figure its value on a day, with basis and clause.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from functools import cached_property

from mianshen.casework.wording import BASIS, Words
from mianshen.policy.catalogue import KIND, Catalogue, Item
from mianshen.policy.descriptions import figure_words, latest_by
from mianshen.program.program import Dated, Parameter, Program
from mianshen.source import Lang, Message

_CODE, _TODAY = Message("代码", "code"), Message("今日", "today")


class Hover:
    """Says what names of one program are, in one language."""

    def __init__(self, program: Program, lang: Lang) -> None:
        self.program = program
        self.catalogue = Catalogue(program)
        self.words = Words(program)
        self.lang: Lang = lang

    def of(self, name: str, today: dt.date) -> str:
        """Everything of that name, with figures as they are today; codes by the lists that hold them."""
        items = [item for item in self.catalogue.titles if name in (item.name, str(item))]
        blocks = ["\n\n".join(self._item(item, today)) for item in items]
        blocks += [
            f"**{name}** · {self._say(_CODE)} ({codes.name})\n\n{self._say(codes.values[name])}"
            for codes in self.program.codes.values()
            if name in codes.values
        ]
        return "\n\n---\n\n".join(blocks)

    @cached_property
    def names(self) -> list[tuple[str, str, str]]:
        """Every name with its kind and title, codes too; each name once."""
        named = {
            item.name: (item.name, self._say(KIND[item.kind]), self._say(title))
            for item, title in self.catalogue.titles.items()
        }
        for codes in self.program.codes.values():
            for code, title in codes.values.items():
                named.setdefault(code, (code, f"{self._say(_CODE)} {codes.name}", self._say(title)))
        return list(named.values())

    def _say(self, message: Message) -> str:
        return message.in_(self.lang)

    def _item(self, item: Item, today: dt.date) -> Iterator[str]:
        yield f"**{item}** · {self._say(KIND[item.kind])}"
        yield self._say(self.catalogue.titles[item])
        match item.kind:
            case "parameter":
                yield from self._parameter(self.program.parameters[item.name], today)
            case "fact":
                yield f"`{self.program.facts[item.entity, item.name].written}`"
            case "decision":
                yield f"`{self.program.decision(item.entity, item.name).written}`"
            case "codes":
                values = self.program.codes[item.name].values
                yield "\n".join(f"- `{code}` {self._say(title)}" for code, title in values.items())
            case "provision":
                _, provision = self.catalogue.provisions[item.name]
                yield self._say(self.words.citation(provision.citation))
            case "function":
                function = self.program.functions[item.name]
                yield f"`{function.call}` = `{function.text}`"
            case "benefit":
                yield self._say(self.words.citation(self.program.benefits[item.name].citation))
            case "accumulator" | "entity" | "planned" | "source":
                return

    def _parameter(self, parameter: Parameter, today: dt.date) -> Iterator[str]:
        yield f"`{parameter.written}`"
        dated = latest_by(parameter, today)
        clause = self._say(self.words.citation(dated.citation))
        parts = (
            f"{self._say(_TODAY)} **{self._value(parameter, dated)}**",
            self._say(BASIS[dated.basis]),
            clause,
        )
        yield " · ".join(filter(None, parts))
        yield "\n".join(
            f"- {dated.start} … {dated.end or ''} {self._value(parameter, dated)}"
            for dated in parameter.series
        )

    def _value(self, parameter: Parameter, dated: Dated) -> str:
        return self._say(figure_words(self.words, parameter, dated)) or "—"
