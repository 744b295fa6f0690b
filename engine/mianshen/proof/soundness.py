"""What every rulebook must keep, stated or not: no conflict, no gap, no provision that can never decide.

In: a `Prover`. Out: `Finding`s: one that all is well, or one for each place where it is not, with a person.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import takewhile
from typing import Any, Final

from mianshen.interpreter.rows import Candidates
from mianshen.program.core import Boolean, Const, Core, Date, Numeric, Op
from mianshen.program.overlap import Prover as Overlap
from mianshen.program.program import Benefit, Citation, Decision, Provision
from mianshen.program.selection import conjuncts
from mianshen.proof.failures import Failing
from mianshen.proof.lowering import Lowering
from mianshen.proof.prover import Finding, Posed, Prover, Question
from mianshen.proof.records import Record, Sampler
from mianshen.proof.symbols import NotLowered, Term, all_of, any_of, no
from mianshen.proof.world import World
from mianshen.source import Message
from mianshen.values import NOT_MODELLED
from mianshen.wording import wording

SOUND: Final = wording.group("sound")


def sound(prover: Prover) -> Iterator[Finding]:
    """Everything of the rulebook as a whole."""
    parts: dict[str, Callable[[], Iterator[Finding]]] = {
        "conflict": lambda: _failing(prover, "conflict"),
        "no_figure": lambda: _failing(prover, "no_figure"),
        "gap": lambda: _gaps(prover),
        "amount": lambda: _amounts(prover),
        "unreachable": lambda: _unreachable(prover),
    }
    for name, look in parts.items():
        if prover.asked_of(name):
            yield from _all_well(name, SOUND[name], look())


def _all_well(name: str, title: Message, findings: Iterable[Finding]) -> Iterator[Finding]:
    """The findings that are not proved; one that is, where there are none."""
    total, open_ = 0, 0
    for finding in findings:
        total += 1
        if finding.verdict != "proved":
            open_ += 1
            yield finding
    if not open_:
        yield Finding(name, title, "proved", Message(f"共 {total} 处，均成立", f"{total} places, all well"))


def _amounts(prover: Prover) -> Iterator[Finding]:
    """Each benefit with an amount: somebody eligible to whom no provision gives one."""
    for benefit in prover.program.benefits.values():
        if benefit.amount is None or not prover.asked(f"amount: {benefit.name}"):
            continue

        def pose(of: Benefit = benefit) -> Posed:
            world, lowering = prover.lowered(of.entity)
            eligible = lowering.decision((of.entity, of.eligible), world.row)
            amount = lowering.decision((of.entity, of.amount or ""), world.row)
            return Posed([(world, lowering)], all_of(eligible.true, no(amount.modelled)))

        def shows(record: Record, _: Record | None, of: Benefit = benefit) -> Message | None:
            row = _decided_row(prover, record, of.entity)
            if row is None or row.values.get(of.eligible) is not True:
                return None
            if row.values.get(of.amount) is not NOT_MODELLED:
                return None
            return Message(f"没有条款给出 {of.amount}", f"no provision gives {of.amount}")

        name = f"amount: {benefit.name}"
        yield prover.answer(Question(name, SOUND["amount"], benefit.citation, pose, shows))


# -- rows that fail ----------------------------------------------------------------------------------


def _failing(prover: Prover, kind: Failing) -> Iterator[Finding]:
    """Rows that would be rejected: for each place, whether there is one."""
    for decision in prover.program.decisions:
        if kind == "conflict" and not decision.conflicts:
            continue
        try:
            world, lowering = prover.lowered(decision.entity)
            lowering.decision(decision.key, world.row)
        except NotLowered as error:
            if prover.asked(f"{kind}: {decision.name}"):
                yield prover.answer(_failure(prover, kind, decision, decision.name, partial(_unposed, error)))
            continue
        yield from _failures(prover, kind, decision, world, lowering)


def _failures(
    prover: Prover, kind: Failing, decision: Decision, world: World, lowering: Lowering
) -> Iterator[Finding]:
    whens: dict[str, list[Term]] = defaultdict(list)
    for failure in lowering.failures:
        if failure.kind == kind and failure.of == decision.key:
            whens[failure.name].append(failure.when)
    for name, when in whens.items():
        if prover.asked(f"{kind}: {name}"):
            posed = Posed([(world, lowering)], any_of(*when))
            yield prover.answer(_failure(prover, kind, decision, name, lambda posed=posed: posed))  # type: ignore[misc]


def _failure(
    prover: Prover, kind: Failing, decision: Decision, name: str, pose: Callable[[], Posed]
) -> Question:
    """Whether a row fails so, of which the decision or a place in it is named."""

    def shows(record: Record, _: Record | None) -> Message | None:
        reason = _rejected(prover, record)
        if reason is None or reason[0] != kind:
            return None
        named = name.split(" / ") if kind == "conflict" else ()
        return reason[1] if all(part in reason[1].en for part in named) else None

    title = SOUND[kind]
    return Question(f"{kind}: {name}", title, _clause(decision), pose, shows, failing=True)


def _unposed(error: NotLowered) -> Posed:
    raise error


def _clause(decision: Decision) -> Citation:
    return decision.provisions[0].citation if decision.provisions else Citation(None, None)


def _rejected(prover: Prover, record: Record) -> tuple[str, Message] | None:
    """Why the record's first rejected row is, once it is decided."""
    case = prover.records.read(record)
    if case is None:
        return None
    prover.records.interpreter.run(case)
    rejections = [row.rejection for row in case.rows() if row.rejection is not None]
    return None if not rejections else (rejections[0].reason, rejections[0].message)


# -- provisions that never decide --------------------------------------------------------------------


def _unreachable(prover: Prover) -> Iterator[Finding]:
    """Each provision; those that decide for people made up need no solver."""
    deciding = _deciding(prover)
    for decision in prover.program.decisions:
        for provision in decision.provisions:
            name = f"unreachable: {provision.name}"
            if not prover.asked(name):
                continue
            if provision.name in deciding:
                because = Message("虚构人员中有适用者", "it decides for somebody made up")
                yield Finding(name, SOUND["unreachable"], "proved", because, clause=provision.citation)
            else:
                yield _reached(prover, decision, provision, name)


def _deciding(prover: Prover) -> set[str]:
    """The provisions that decide for some of the people made up."""
    sampler, names = Sampler(prover.program), set[str]()
    for _ in range(prover.sample):
        case = prover.records.decided(sampler.person(prover.records))
        for row in () if case is None else case.rows():
            for chosen in row.chosen.values():
                if len(chosen) == 1 and not isinstance(chosen, Candidates):
                    names.add(chosen[0].name)
    return names


def _reached(prover: Prover, decision: Decision, provision: Provision, name: str) -> Finding:
    def pose() -> Posed:
        world, lowering = prover.lowered(decision.entity)
        lowering.decision(decision.key, world.row)
        (mine,) = [one for one in lowering.chosen[decision.key] if one.branch.provision is provision]
        return Posed([(world, lowering)], mine.stands)

    def shows(record: Record, _: Record | None) -> Message | None:
        row = _decided_row(prover, record, decision.entity)
        if row is None or row.chosen.get(decision.name, ()) != (provision,):
            return None
        return Message("有适用者", "it decides for somebody")

    finding = prover.answer(Question(name, SOUND["unreachable"], provision.citation, pose, shows))
    if finding.verdict == "refuted":  # somebody it decides for
        return Finding(
            name, SOUND["unreachable"], "proved", finding.because, finding.record, clause=provision.citation
        )
    if finding.verdict == "unknown":
        return finding
    return _nearest(prover, decision, provision, name)


def _nearest(prover: Prover, decision: Decision, provision: Provision, name: str) -> Finding:
    """A person whom the provision would be for, as far as its conditions can hold together."""
    parts = tuple(conjuncts(provision.condition))
    for first in range(len(parts), -1, -1):

        def pose(count: int = first) -> Posed:
            world, lowering = prover.lowered(decision.entity)
            lowering.decision(decision.key, world.row)
            return Posed(
                [(world, lowering)], all_of(*(lowering.node(part, world.row).true for part in parts[:count]))
            )

        def shows(record: Record, _: Record | None, count: int = first) -> Message | None:
            row = _decided_row(prover, record, decision.entity)
            if row is None or any(prover.records.value(part, row) is not True for part in parts[:count]):
                return None
            chosen = row.chosen.get(decision.name, ())
            if provision in chosen:  # it is open whether it decides
                return None
            by = ", ".join(p.name for p in chosen)
            return Message(
                f"{provision.name} 从不适用；最接近之人" + (f"由 {by} 决定" if by else "没有条款决定"),
                f"{provision.name} never decides; for the nearest person "
                + (f"{by} does" if by else "nothing does"),
            )

        finding = prover.answer(Question(name, SOUND["unreachable"], provision.citation, pose, shows))
        if finding.verdict == "refuted":
            return finding
    because = Message(f"{provision.name} 从不适用", f"{provision.name} never decides")
    return Finding(name, SOUND["unreachable"], "refuted", because, clause=provision.citation)


def _decided_row(prover: Prover, record: Record, entity: str) -> Any:
    case = prover.records.decided(record)
    return None if case is None else prover.records.row(case, entity)


# -- tables with holes -------------------------------------------------------------------------------


def _gaps(prover: Prover) -> Iterator[Finding]:
    """Every table of which each row is a provision: a case between its rows that none of them takes."""
    for decision in prover.program.decisions:
        tables: dict[str, list[Provision]] = defaultdict(list)
        for provision in decision.provisions:
            if "." in provision.name:
                tables[provision.name.partition(".")[0]].append(provision)
        for table, rows in tables.items():
            if prover.asked(f"gap: {table}"):
                yield _gap(prover, decision, table, rows)


def _gap(prover: Prover, decision: Decision, table: str, rows: Sequence[Provision]) -> Finding:
    name = f"gap: {table}"
    conditions = [tuple(conjuncts(row.condition)) for row in rows]
    shared = [
        parts[0] for parts in takewhile(lambda parts: len(set(parts)) == 1, zip(*conditions, strict=False))
    ]
    own = [parts[len(shared) :] for parts in conditions]

    def pose() -> Posed:
        world, lowering = prover.lowered(decision.entity)
        value = lowering.decision(decision.key, world.row)
        inside = all_of(*(lowering.node(part, world.row).true for part in shared))
        hull = all_of(*_hull(prover, lowering, world, own))
        none = [all_of(*(lowering.node(part, world.row).true for part in parts)) for parts in own]
        return Posed([(world, lowering)], all_of(inside, hull, no(any_of(*none)), no(value.modelled)))

    def shows(record: Record, _: Record | None) -> Message | None:
        row = _decided_row(prover, record, decision.entity)
        if row is None or row.chosen.get(decision.name, (None,)) != ():
            return None
        if any(prover.records.value(part, row) is not True for part in shared):
            return None
        return Message(f"表 {table} 没有一行适用", f"no row of the table {table} applies")

    return prover.answer(Question(name, SOUND["gap"], rows[0].citation, pose, shows))


def _hull(prover: Prover, lowering: Lowering, world: World, rows: Sequence[Sequence[Core]]) -> Iterator[Term]:
    """For each input: a value that some row speaks of, or between two that rows speak of."""
    overlap = Overlap(prover.program.codes)
    spoken: dict[Core, list[tuple[int, Any, Core]]] = defaultdict(list)
    for number, parts in enumerate(rows):
        for part in parts:
            read = overlap.read(part, True)
            if read is not None:
                spoken[read[0]].append((number, read[1], part))
    for subject, tests in spoken.items():
        if len({number for number, _, _ in tests}) < len(rows):
            continue  # a row that takes any value
        parts = any_of(*(lowering.node(part, world.row).true for _, _, part in tests))
        ordered = isinstance(subject.type, Numeric | Date)
        yield _between(lowering, world, subject, [allowed for _, allowed, _ in tests]) if ordered else parts


def _between(lowering: Lowering, world: World, subject: Core, alloweds: Sequence[Any]) -> Term:
    """The subject lies between the least and the greatest that rows speak of."""

    def bounds(side: str) -> list[Any] | None:
        ends: list[Any] = []
        for allowed in alloweds:
            end = getattr(allowed, side)
            if end is None and allowed.only is None:
                return None  # as far as one likes
            ends += [end[0]] if end is not None else list(allowed.only)
        return ends

    parts: list[Term] = []
    low, high = bounds("low"), bounds("high")
    if low:
        parts.append(
            lowering.node(Op("ge", (subject, Const(min(low), subject.type)), Boolean()), world.row).true
        )
    if high:
        parts.append(
            lowering.node(Op("le", (subject, Const(max(high), subject.type)), Boolean()), world.row).true
        )
    return all_of(lowering.node(subject, world.row).there, *parts)
