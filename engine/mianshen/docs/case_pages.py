"""Pages of cases: the records as people read them, what is expected of them, and the provisions they go through.

In: a subject with cases, a language. Out: a `Page` for each file of cases.
Invariant: what a record says is shown, what is taken where it says nothing is not; nothing personal is repeated.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from markupsafe import Markup, escape

from mianshen.cases.expectations import Expectation
from mianshen.cases.read import CaseOf
from mianshen.casework.answers import Mark as NoValue
from mianshen.casework.answers import RowKey
from mianshen.casework.wording import PERSONAL, STATUS, UNKNOWN, UNRULED, Words
from mianshen.docs.evidence import Evidence
from mianshen.docs.pages import Page, Section, Writer
from mianshen.docs.subject import Subject
from mianshen.interpreter.rows import Row
from mianshen.policy.catalogue import Item
from mianshen.program.program import Program
from mianshen.source import Lang, Message
from mianshen.values import Known

REVERSED = Message("已冲销", "reversed")


class CasePages(Writer):
    """Puts the cases of one subject on pages."""

    def __init__(self, subject: Subject, lang: Lang) -> None:
        super().__init__(subject, lang)
        self._words: dict[str, Words] = {}

    def pages(self, evidence: Evidence) -> Iterator[Page]:
        """The pages of each file of cases."""
        for file, parts in self.subject.case_pages.items():
            for part in parts:
                title = self.subject.case_file(file)
                if len(parts) > 1:
                    title += f" {part.first}–{part.last}"
                page = Page(part.path, title, self.text("cases"))
                page.sections = [
                    self._case(evidence.cases[number], evidence.shown.get(number, ()))
                    for number in part.numbers
                ]
                yield page

    def _case(self, case: CaseOf, provisions: Sequence[Item]) -> Section:
        program = self.subject.programs.under(case.overlays)
        words = self._words.setdefault(program.digest, Words(program))
        record = case.record(program)
        section = Section(case.name.replace("_", " "), case.name, note=self.text("as_of", day=record.as_of))
        if case.overlays:
            names = ", ".join(Path(overlay).stem for overlay in case.overlays)
            section.note += f" · {self.text('under', names=names)}"
        section.lines = [
            (self._row(program, row.entity, row.key), self._facts(row, words))
            for row in record.rows()
            if row.facts
        ]
        expected: dict[RowKey, list[Markup]] = {}
        for expectation in case.expectations:
            if expectation.what != "rejects" or expectation.rejects:
                pair = Markup('<span class="fact">{} <b>{}</b></span>')
                what, wanted = self._what(expectation, program), self._wanted(expectation, words)
                expected.setdefault(expectation.row, []).append(pair.format(what, wanted))
        section.lines += [
            (self.text("expected", row=self._row(program, *row)), Markup(" ").join(parts))
            for row, parts in expected.items()
        ]
        section.beside = self.text("goes_through")
        section.items = [self.link(item) for item in provisions]
        return section

    def _row(self, program: Program, entity: str, key: str) -> str:
        return f"{self.say(program.entities[entity].title)} {key}".strip()

    def _facts(self, row: Row, words: Words) -> Markup:
        parts = []
        entities = words.program.entities
        keys = {
            entities[entity].key for entity in (row.entity, entities[row.entity].parent) if entity is not None
        }
        for name, value in row.facts.items():
            fact = words.program.facts.get((row.entity, name))
            if fact is None or name in row.assumed or name in keys:
                continue
            value_text = self.say(PERSONAL if fact.personal else words.value(value, fact.written, fact.type))
            parts.append(
                Markup('<span class="fact">{} <b>{}</b></span>').format(self.say(fact.title), value_text)
            )
        return Markup(" ").join(parts)

    def _what(self, expectation: Expectation, program: Program) -> Markup:
        """What is expected: a decision, a part of a benefit or of the row's answer."""
        part = "" if expectation.what == "value" else self.text(expectation.what)
        if expectation.name in program.benefits:
            return Markup("{} {}").format(self._short(Item("benefit", expectation.name)), part)
        if expectation.what == "value":
            return self._short(Item("decision", expectation.name, expectation.row[0]))
        return escape(part)

    def _short(self, item: Item) -> Markup:
        """A link without the name, for cases are many."""
        path = self.links.paths.get(item)
        return self.link(item) if path is None else self.anchor(path, self.say(self.catalogue.titles[item]))

    def _wanted(self, expectation: Expectation, words: Words) -> Markup | str:
        wanted, program = expectation.wanted, words.program
        match expectation.what:
            case "rejects":
                parts = (" ".join(filter(None, (r.key, r.field, r.reason))) for r in expectation.rejects)
                return "; ".join(parts)
            case "status":
                return self.say(STATUS.get(str(wanted), REVERSED))
            case "reason":
                return (
                    self.link(Item("provision", str(wanted)))
                    if str(wanted) in words.provisions
                    else str(wanted)
                )
            case "missing":
                assert isinstance(wanted, frozenset)
                return self.joined(self._missing(name, program) for name in sorted(wanted)) or self.text(
                    "nothing"
                )
            case "value" | "amount":
                return self._value(expectation, words)

    def _missing(self, name: str, program: Program) -> str:
        """What is missing by its title, where it is a fact."""
        titles = [fact.title for (_, known), fact in program.facts.items() if known == name]
        return f"{self.say(titles[0])} ({name})" if titles else name

    def _value(self, expectation: Expectation, words: Words) -> str:
        wanted = expectation.wanted
        if isinstance(wanted, NoValue):
            return self.say(UNKNOWN if wanted == NoValue.UNKNOWN else UNRULED)
        benefit = words.program.benefits.get(expectation.name)
        name = expectation.name if benefit is None else benefit.amount or ""
        decision = words.decisions[expectation.row[0], name]
        value: Known = wanted  # type: ignore[assignment]  # neither a mark nor what is missing
        return self.say(words.value(value, decision.written, decision.type))
