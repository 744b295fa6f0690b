"""The working behind an answer: its layers, the records counted, the figures and the facts used.

In: a trace of the answer. Out: the parts of a notice that come from it, as text.
Invariants: a row told is the person's, one above it or one below it; of other members of a household
nothing is told but the figures used for them.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from mianshen.casework.notice import phrases
from mianshen.casework.notice.content import Facts, Figure, Given, Ground, Layer, Table
from mianshen.casework.wording import BASIS, LIMIT, Words
from mianshen.interpreter.result import settlements
from mianshen.interpreter.rows import Case, Row
from mianshen.interpreter.trace.explain import Limited, Step, Trace, Used
from mianshen.interpreter.trace.walk import Input
from mianshen.program.program import Dated
from mianshen.source import Lang, Message


class Working:
    """Puts the steps of one answer into words. `subject` is the row the answer is about."""

    def __init__(self, words: Words, case: Case, subject: Row, trace: Trace, lang: Lang) -> None:
        self.words = words
        self.program = words.program
        self.person = case.person
        self.subject = subject
        self.steps = trace.steps
        self.lang: Lang = lang
        self.above = list(subject.lineage())
        self.told = {*self.above, *self.person.lineage(), *self.person.versions, *self.person.children}
        self.others = any(step.row not in self.told for step in self.steps)

    def _say(self, message: Message, **values: object) -> str:
        return message.in_(self.lang, **values)

    # -- layers --------------------------------------------------------------------------------

    def layers(self) -> Iterator[Layer]:
        """The decisions of the subject and of the rows above it, each after those it reads."""
        for step in self.steps:
            if step.row in self.above:
                decision = step.decision
                own = step.row is self.subject
                yield Layer(
                    title=self._say(decision.title),
                    name=decision.name,
                    value=self._say(self.words.value(step.value, decision.written, decision.type)),
                    of="" if own else self._whose(step.row),
                    shown=self._shown(step),
                    settled=self._settled(step),
                    grounds=tuple(self._ground(used, step) for used in step.used),
                )

    def _shown(self, step: Step) -> bool:
        """What belongs among the amounts: a row's outputs where its entity has any, else every decision."""
        outputs = self.program.shown.get(self.subject.entity, ())
        below_person = self._below(self.subject)
        return step.row is self.subject and step.decision.name in outputs if below_person else True

    def _settled(self, step: Step) -> str:
        """What another system really paid of this decision, beside what the rules give."""
        entity, name = step.row.entity, step.decision.name
        if name not in self.program.settled_facts(entity):
            return ""
        settled = [
            settlement for settlement in settlements(self.program, step.row) if settlement.decision == name
        ]
        if not settled:
            return ""
        [one] = settled
        difference = "" if one.difference is None else f"{one.difference:+,.2f}"
        words = phrases.SETTLED if difference else phrases.SETTLED_ALONE
        return self._say(words, settled=f"{one.settled:,.2f}", difference=difference)

    def _ground(self, used: Used, step: Step) -> Ground:
        provision = used.provision
        inputs = [*used.inputs, *(() if used.limited is None else used.limited.inputs)]
        return Ground(
            title=self._say(provision.title),
            name=provision.name,
            citation=self._say(self.words.citation(provision.citation)),
            condition=_one_line(provision.when_text or ""),
            formula=_one_line(provision.value_text),
            limit="" if used.limited is None else self._limit(used.limited),
            pilot=provision.status == "pilot",
            given=tuple(self._given(input_, step.row) for input_ in inputs if self._told(input_, step.row)),
        )

    def _told(self, input_: Input, home: Row) -> bool:
        """Not what filters over rows below read, and nothing of rows that are not told."""
        return input_.row in self.told and (input_.row.parent is not home or input_.name.kind == "decision")

    def _given(self, input_: Input, home: Row) -> Given:
        whose = f"{input_.row.key} " if input_.row.parent is home else ""
        return Given(
            title=whose + self._say(self.words.title(input_)),
            name=input_.name.name,
            value=self._say(self.words.shown(input_)),
            note=self._say(phrases.ASSUMED) if input_.assumed else "",
        )

    def _limit(self, limited: Limited) -> str:
        def money(value: object) -> str:
            return self._say(self.words.value(value, "money"))  # type: ignore[arg-type]

        return self._say(
            LIMIT,
            title=self._say(limited.accumulator.title),
            limit=money(limited.limit),
            before=money(limited.before),
            raw=money(limited.raw),
            paid=money(limited.paid),
            withheld=money(limited.paid if limited.withheld is None else limited.withheld),
        )

    # -- records counted -----------------------------------------------------------------------

    def counted(self) -> Iterator[Table]:
        """The person's own records that the answer adds up, a table for each kind of record."""
        if self._below(self.subject):
            return
        rows = dict.fromkeys(step.row for step in self.steps if self._below(step.row))
        for entity in dict.fromkeys(row.entity for row in rows):
            names = self.program.shown.get(entity, ())
            if names:
                yield self._table(entity, names, [row for row in rows if row.entity == entity])

    def _table(self, entity: str, names: tuple[str, ...], rows: list[Row]) -> Table:
        entities = self.program.entities[entity]
        decisions = [self.words.decisions[entity, name] for name in names]
        head = [self._say(entities.title)]
        if entities.date is not None:
            head.append(self._say(self.program.facts[entity, entities.date].title))
        listed = []
        for row in sorted(rows, key=lambda row: (str(row.facts.get(entities.date or "", "")), row.key)):
            date = [] if entities.date is None else [str(row.facts.get(entities.date, ""))]
            values = [
                self._say(self.words.value(row.values[decision.name], decision.written, decision.type))
                for decision in decisions
            ]
            listed.append((row.key, *date, *values))
        return Table(
            (*head, *(self._say(decision.title) for decision in decisions)), tuple(listed), len(head)
        )

    # -- figures -------------------------------------------------------------------------------

    def figures(self) -> Iterator[Figure]:
        """Every figure the steps used, once for each value that was in force, in the order of use."""
        seen: set[tuple[str, object]] = set()
        for value_read in self._inputs():
            if value_read.name.kind == "parameter" and value_read.dated is not None:
                key = value_read.name.name, value_read.dated.start
                if key not in seen:
                    seen.add(key)
                    yield self._figure(value_read, value_read.dated)

    def _figure(self, input_: Input, dated: Dated) -> Figure:
        dates = phrases.SINCE if dated.end is None else phrases.BETWEEN
        return Figure(
            title=self._say(self.words.title(input_)),
            name=input_.name.name,
            value=self._say(self.words.figure(input_)),
            dates=self._say(dates, start=dated.start, end=dated.end),
            basis=dated.basis,
            basis_words=self._say(BASIS[dated.basis]),
            source=dated.citation.source or "",
            clause=dated.citation.clause or "",
            citation=self._say(self.words.citation(dated.citation)),
        )

    def _inputs(self) -> Iterator[Input]:
        for step in self.steps:
            for used in step.used:
                limited = () if used.limited is None else used.limited.inputs
                yield from chain(used.tested, used.inputs, limited)

    # -- facts ---------------------------------------------------------------------------------

    def facts(self) -> Iterator[Facts]:
        """The facts read, by record: the person's, then of what the person belongs to, then of the rest."""
        facts: dict[Row, dict[str, Given]] = {}
        for value_read in self._inputs():
            if value_read.name.kind == "fact" and value_read.row in self.told:
                facts.setdefault(value_read.row, {}).setdefault(
                    value_read.name.name, self._given(value_read, value_read.row)
                )
        order = [*self.person.lineage(), *self.person.versions, *self.person.children]
        for row in sorted(facts, key=order.index):
            yield Facts(self._whose(row), tuple(facts[row].values()))

    def _whose(self, row: Row) -> str:
        entity = self.program.entities[row.entity]
        dated = entity.date if entity.valid_from is None else entity.valid_from
        date = "" if dated is None else str(row.facts.get(dated, ""))
        return " ".join(filter(None, (self._say(entity.title), row.key, date)))

    def _below(self, row: Row) -> bool:
        """Whether the row is one of the person's own, such as a claim."""
        return row.parent is not None and row.parent.current is self.person


def _one_line(formula: str) -> str:
    return " ".join(formula.split())
