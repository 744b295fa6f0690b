"""One person checked: every benefit and claim, with reason, clause and what is missing, as plain data.

In: a program, a record, the language. Out: the JSON object of the contract (money as text with two
decimals, unknown as null), and the case behind it for explanations.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import TypeAlias

from mianshen.casework.relevance import Relevance
from mianshen.casework.wording import Words
from mianshen.interpreter import Case, CaseResult, Interpreter, RowResult, result_of
from mianshen.interpreter.formula import to_text
from mianshen.interpreter.result import BenefitResult, settlements
from mianshen.interpreter.rows import Row
from mianshen.interpreter.trace.explain import Explainer, Used
from mianshen.interpreter.trace.walk import Caveats, Input
from mianshen.program.core import Code
from mianshen.program.program import Decision, Fact, Program
from mianshen.program.remembered import remembered
from mianshen.records.diagnostics import CODES
from mianshen.records.read import Record
from mianshen.source import Lang, Message
from mianshen.values import Missing, Unknown, Value, as_money

Plain: TypeAlias = "str | int | bool | Sequence[Plain] | Mapping[str, Plain] | None"

_TODAY = Message(
    "没有给出核定日，按今天 {day} 核定；可在核定材料里写 as_of，或用 --as-of",
    "no day is given, so today, {day}, is taken; as_of in the record or --as-of sets one",
)
_BEFORE = Message(
    "核定日早于规则库最早的规定和数值（{day} 起），当时的规定没有录入；请核对核定日",
    "the decision date lies before everything dated in the rulebook (from {day} on), so what held then is not in it. "
    "Check the date",
)
_DEAD = Message(
    "{who} 已于 {day} 死亡：待遇仍按所填事实核定，发放前请核对",
    "{who} died on {day}: benefits are decided by the facts as given. Check before paying",
)
_BEFORE_BIRTH = Message(
    "{named} 的日期 {dated} 早于本人出生日期 {day}：仍按所填事实核定，请核对两者",
    "{named} is dated {dated}, before the birth of {who} on {day}: decided by the facts as given. Check both dates",
)
_AFTER_DEATH = Message(
    "{named} 的日期 {dated} 晚于本人死亡日期 {day}：仍按所填事实核定，请核对两者",
    "{named} is dated {dated}, after the death of {who} on {day}: decided by the facts as given. Check both dates",
)
_INSTEAD = Message(
    "按 --as-of 给出的 {day} 核定，不用核定材料里的日期",
    "decided for {day} as --as-of says, whatever day the record gives",
)


@dataclass(frozen=True)
class Checked:
    """A case decided: its result, and the notes that go with it, written when they are asked for."""

    case: Case
    result: CaseResult
    checker: Checker = field(repr=False)
    first_notes: tuple[Message, ...] = ()

    @cached_property
    def notes(self) -> tuple[Message, ...]:
        return (*self.first_notes, *self.checker.notes(self))

    @cached_property
    def benefit_caveats(self) -> dict[str, Caveats]:
        """By benefit, what it rests on that is not certain."""
        caveats, case = self.checker.caveats, self.case
        return {name: caveats(case, benefit) for name, benefit in self.result.benefits.items()}

    @cached_property
    def row_caveats(self) -> dict[Row, Caveats]:
        """The same by row."""
        return {row.row: self.checker.row_footing(self.case, row) for row in self.result.rows}


@remembered
def checker_of(program: Program) -> Checker:
    """The program's checker, made once; for one thread."""
    return Checker(program)


class Checker:
    """Checks records against one program; make one and use it for many."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.interpreter = Interpreter(program)
        self.explainer = Explainer(self.interpreter)
        self.words = Words(program)
        self.relevance = Relevance(program, self.interpreter)
        self._facts: dict[
            str, Fact
        ] = {}  # of those that are assumed where nobody gives them, by name the one declared first
        for (_, name), fact in program.facts.items():
            if fact.when_absent is not None:
                self._facts.setdefault(name, fact)

    def check(self, case: Case, notes: Iterable[Message] = ()) -> Checked:
        """Decide a case; `notes` are the caller's own and come first."""
        self.interpreter.run(case)
        result = self.relevance.narrowed(case, result_of(self.program, case))
        return Checked(case, result, self, tuple(notes))

    def check_record(self, record: Record, as_of: dt.date | None, today: dt.date) -> Checked:
        """Decide a record that was read for `as_of`, else for its own day, else for `today`, and note which."""
        notes = []
        if as_of is not None and record.dated:
            notes.append(_INSTEAD.filled(day=as_of))
        elif as_of is None and not record.dated:
            notes.append(_TODAY.filled(day=today))
        return self.check(record.case, notes)

    def _likely_twice(self, case: Case) -> Iterator[tuple[Row, Row]]:
        """Rows that say under another key what one before them says: whose, when, where, what and how much."""
        seen: dict[object, Row] = {}
        for row in case.rows():
            day, known = self.program.entities[row.entity].date, row.facts
            facts = {name: self.program.facts[row.entity, name] for name in known}
            alike = {
                n for n, f in facts.items() if f.written in ("money", "area") or isinstance(f.type, Code)
            }
            paid = any(
                facts[n].written == "money" and isinstance(v, Decimal) and v > 0 for n, v in known.items()
            )
            if day not in known or row.parent is None or not paid or row.rejection is not None:
                continue
            said = frozenset((name, known[name]) for name in (*alike, day))
            other = seen.setdefault((row.entity, id(row.parent.current), said), row)
            if other is not row:
                yield row, other

    def notes(self, checked: Checked) -> list[Message]:
        """What else there is to say: facts that were assumed, placeholders, the dead, dates outside a life."""
        case = checked.case
        notes = [
            Message(
                f"未注明日期的事实按 {case.as_of} 的情况采用",
                f"facts without a date count as they stand on {case.as_of}",
            )
        ]
        if self._first_day is not None and case.as_of < self._first_day:
            notes.append(_BEFORE.filled(day=self._first_day))
        for row, other in self._likely_twice(case):
            title = self.program.entities[row.entity].title
            notes.append(
                Message(
                    f"{title.zh} {row.key} 与 {other.key} 同日同地、金额全同，可能重复结算",
                    f"{title.en} {row.key} is of the same day, place and amounts as {other.key}: likely settled twice",
                )
            )
        notes += self._assumptions(checked)
        for entity, name in sorted({(row.entity, name) for row in case.rows() for name in row.placeholders}):
            fact = self.program.facts[entity, name]
            notes.append(
                Message(
                    f"{fact.title.zh}（{name}）填的是占位值，按未知处理",
                    f"{fact.title.en} ({name}) holds a placeholder and is taken as unknown",
                )
            )
        return [*notes, *self._of_lives(case)]

    def _assumptions(self, checked: Checked) -> Iterator[Message]:
        """The facts that were taken for what they are where nobody gives them, those of one value in one sentence."""
        caveats = (*checked.benefit_caveats.values(), *checked.row_caveats.values())
        taken: dict[Message, list[tuple[Message, str]]] = {}
        for name in sorted({name for caveat in caveats for name in caveat.assumed}):
            fact = self._facts[name]
            value = self.words.value(fact.when_absent, fact.written, fact.type)
            taken.setdefault(value, []).append((fact.title, name))
        for value, facts in taken.items():
            zh = "、".join(f"{title.zh}（{name}）" for title, name in facts)
            en = ", ".join(f"{title.en} ({name})" for title, name in facts)
            are = "is" if len(facts) == 1 else "are"
            yield Message(f"未提供{zh}，按 {value.zh} 计", f"{en} {are} not given and taken as {value.en}")

    @cached_property
    def _first_day(self) -> dt.date | None:
        """The first day from which the rulebook says something; None where nothing in it is dated."""
        figures = (dated.start for figure in self.program.parameters.values() for dated in figure.series)
        provisions = (p.start for decision in self.program.decisions for p in decision.provisions)
        return min((day for day in (*figures, *provisions) if day is not None), default=None)

    def _of_lives(self, case: Case) -> Iterator[Message]:
        """Who died by the decision date, and rows that are dated before a birth or after a death."""
        entry = self.program.entities[self.program.entry]
        for row in case.rows():
            if row.entity != entry.name:
                continue
            born, died = (_day(row.current, name) for name in (entry.begins, entry.ends))
            if died is not None and died <= case.as_of and row.version_of is None:
                yield _DEAD.filled(who=row.key, day=died)
            for child in row.children:
                dated, named = _day(child, self.program.entities[child.entity].date), child.key or child.label
                if dated is not None and born is not None and dated < born:
                    yield _BEFORE_BIRTH.filled(named=named, dated=dated, who=row.key, day=born)
                if dated is not None and died is not None and dated > died:
                    yield _AFTER_DEATH.filled(named=named, dated=dated, who=row.key, day=died)

    def caveats(self, case: Case, result: BenefitResult) -> Caveats:
        """What a benefit rests on that is not certain."""
        names = [result.benefit.eligible]
        if result.status in ("eligible", "undetermined") and result.benefit.amount is not None:
            names.append(result.benefit.amount)
        if result.status == "eligible":
            names += result.benefit.shows
        return self.explainer.rests_on(case, result.row, *names)

    def row_footing(self, case: Case, result: RowResult) -> Caveats:
        """What a row's shown decisions rest on that is not certain."""
        return self.explainer.rests_on(case, result.row, *result.values)

    # -- as plain data -------------------------------------------------------------------------

    def answer(self, checked: Checked, lang: Lang, explain: bool = False) -> dict[str, Plain]:
        """The answer as the contract has it; with `explain`, each step of the trace too."""
        case, result, program = checked.case, checked.result, self.program
        entry = program.entities[program.entry]
        rulebook: dict[str, Plain] = {"name": program.name, "digest": f"sha256:{program.digest}"}
        if program.overlays:
            rulebook["overlays"] = list(program.overlays)
        rows: dict[str, Plain] = {
            child.children or child.name: [
                self._row(checked, row, lang) for row in result.rows if row.row.entity == child.name
            ]
            for child in program.children_of(entry.name)
        }
        return {
            entry.key: result.key,
            "as_of": result.as_of.isoformat(),
            "rulebook": rulebook,
            "benefits": {
                name: self._benefit(checked, benefit, lang) for name, benefit in result.benefits.items()
            },
            **rows,
            **self._own(checked),
            **self._reversed(result),
            "notes": [note.in_(lang) for note in checked.notes],
            "rejects": self._rejects(result, lang),
            **({"steps": self._steps(case, lang)} if explain else {}),
        }

    def _benefit(self, checked: Checked, result: BenefitResult, lang: Lang) -> Plain:
        benefit, row = result.benefit, result.row
        decided = self.words.provisions.get(result.reason)
        caveats = checked.benefit_caveats[benefit.name]
        content: dict[str, Plain] = {
            "status": result.status,
            "amount": None if result.amount is None else as_money(result.amount),
            "delivery": benefit.delivery,
            **_both(self.words.of_benefit(result, self.explainer), lang),
            "provision": None if decided is None else decided.name,
            "missing": _names(result.missing),
            "missing_from": self._from(result.missing),
            "provisional": list(caveats.provisional),
            "assumed": list(caveats.assumed),
            "clause": (benefit.citation if decided is None else decided.citation).plain,
        }
        if benefit.paid_to is not None:
            content["paid_to"] = benefit.paid_to.in_(lang)
        if benefit.shows:
            content["shows"] = {name: self._value(row, name, row.values[name]) for name in benefit.shows}
        if row is not checked.case.person:
            content["of"] = {"entity": row.entity, "key": row.key or None}
        return content

    def own_decisions(self, checked: Checked) -> list[tuple[Row, Decision]]:
        """The decisions about the person, and what stands above, that results show.

        Where the rulebook has no benefit for the person and marks nothing as shown, all about the person.
        """
        person, outputs = checked.case.person, list[tuple[Row, Decision]]()
        for row in person.lineage() if person.rejection is None else ():
            if row.rejection is None:
                outputs += [(row, decision) for decision in self.program.outputs(row.entity)]
        if outputs or checked.result.benefits or checked.result.rows or person.rejection is not None:
            return outputs
        return [(person, d) for d in self.program.decisions if d.entity == person.entity]

    def _own(self, checked: Checked) -> dict[str, Plain]:
        person = checked.case.person
        values = {
            d.name if row is person else f"{row.entity}.{d.name}": self._value(
                row, d.name, row.values[d.name]
            )
            for row, d in self.own_decisions(checked)
        }
        return {"decisions": values} if values else {}

    def _reversed(self, result: CaseResult) -> dict[str, Plain]:
        """The rows that cancel one another, where there are any."""
        if not result.reversed:
            return {}
        return {"reversed": [
            {"entity": row.entity, "key": row.key, "reversed_by": by.key} for by, row in result.reversed
        ]}  # fmt: skip

    def _settled(self, row: Row) -> dict[str, Plain]:
        """What was really paid of a row beside what the rules give, where that is told."""
        content: dict[str, Plain] = {
            settlement.decision: {
                "settled": as_money(settlement.settled),
                "ruled": as_money(settlement.ruled) if isinstance(settlement.ruled, Decimal) else None,
                "difference": None if settlement.difference is None else as_money(settlement.difference),
            }
            for settlement in settlements(self.program, row)
        }
        return {"settled": content} if content else {}

    def _row(self, checked: Checked, result: RowResult, lang: Lang) -> Plain:
        entity = self.program.entities[result.row.entity]
        decided = self.words.provisions.get(result.reason)
        caveats = checked.row_caveats[result.row]
        return {
            entity.key: result.row.key,
            **{name: self._value(result.row, name, value) for name, value in result.values.items()},
            "status": result.status,
            **_both(self.words.of_row(result), lang),
            "provision": None if decided is None else decided.name,
            "missing": _names(result.missing),
            "missing_from": self._from(result.missing),
            "not_modelled": [name for name, value in result.values.items() if not _is_known(value)
                             and not isinstance(value, Unknown)],
            "provisional": list(caveats.provisional),
            "assumed": list(caveats.assumed),
            "clause": None if decided is None else decided.citation.plain,
            **self._settled(result.row),
        }  # fmt: skip

    def _value(self, row: Row, name: str, value: Value) -> Plain:
        """A decision's value: money with two decimals, what is not known null."""
        written = self.words.decisions[row.entity, name].written
        match value:
            case bool():
                return value
            case Decimal():
                return as_money(value) if written == "money" else f"{value:f}"
            case dt.date():
                return value.isoformat()
            case str():
                return value
            case tuple():
                return list(value)
            case _:
                return None

    def _from(self, missing: Iterable[Missing]) -> list[Plain]:
        """Which row lacks which facts."""
        rows: dict[tuple[str, str], list[Plain]] = {}
        for fact in sorted(missing):
            if fact.entity:
                rows.setdefault((fact.entity, fact.key), []).append(fact.name)
        return [{"entity": entity, "key": key, "missing": names} for (entity, key), names in rows.items()]

    def _steps(self, case: Case, lang: Lang) -> list[Plain]:
        """The trace: each decision with the provisions behind it, what they read, and what lost."""
        return [
            {
                "entity": step.row.entity,
                "key": step.row.key,
                "decision": step.decision.name,
                "value": self._value(step.row, step.decision.name, step.value),
                "provisions": [self._used(used, lang) for used in step.used],
                "lost": [
                    {
                        "provision": lost.provision.name,
                        "why": lost.why,
                        "part": None if lost.part is None else to_text(lost.part, step.row.entity),
                        "by": lost.by,
                    }
                    for lost in step.lost
                ],
            }
            for step in self.explainer.trace(case).steps
        ]

    def _used(self, used: Used, lang: Lang) -> Plain:
        provision, limited = used.provision, used.limited
        content: dict[str, Plain] = {
            "provision": provision.name,
            "title": provision.title.in_(lang),
            "status": provision.status,
            "clause": provision.citation.plain,
            "when": provision.when_text,
            "formula": provision.value_text,
            "inputs": [self._input(input_, lang) for input_ in used.inputs],
        }
        if limited is not None:
            amounts = {
                "raw": limited.raw,
                "limit": limited.limit,
                "before": limited.before,
                "paid": limited.paid,
            }
            content["annual_limit"] = {
                "accumulator": limited.accumulator.name,
                **{
                    name: as_money(value) if isinstance(value, Decimal) else None
                    for name, value in amounts.items()
                },
                "withheld": None if limited.withheld is None else as_money(limited.withheld),
            }
        return content

    def _input(self, input_: Input, lang: Lang) -> Plain:
        content: dict[str, Plain] = {
            "kind": input_.name.kind,
            "name": input_.name.name,
            "of": input_.row.key,
            "value": self.words.shown(input_).in_(lang),
        }
        if input_.dated is not None:
            dated = input_.dated
            content |= {
                "from": dated.start.isoformat(),
                "until": None if dated.end is None else dated.end.isoformat(),
                "basis": dated.basis,
                "clause": dated.citation.plain,
            }
        return content

    def _rejects(self, result: CaseResult, lang: Lang) -> list[Plain]:
        return [
            {
                "entity": reject.entity,
                "key": reject.key,
                "field": reject.rejection.field,
                "code": CODES[reject.rejection.reason],
                "reason": reject.rejection.reason,
                "message": reject.rejection.message.in_(lang),
            }
            for reject in result.rejected
        ]


def _day(row: Row, name: str | None) -> dt.date | None:
    """The date that a fact of a row is; None where there is no such fact, or it is unknown."""
    day = row.facts.get(name or "")
    return day if isinstance(day, dt.date) else None


def _is_known(value: Value) -> bool:
    return isinstance(value, Decimal | bool | str | dt.date | tuple)


def _names(missing: Iterable[Missing]) -> Plain:
    return sorted({fact.name for fact in missing})


def _both(reason: Message, lang: Lang) -> dict[str, Plain]:
    """A reason in the language asked for, and in both."""
    return {"reason": reason.in_(lang), "reason_zh": reason.zh, "reason_en": reason.en}
