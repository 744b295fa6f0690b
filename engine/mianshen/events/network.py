"""The network of rules between life events and benefits, generated from a program.

In: a program; for one event, which answers the program has given. Out: what is due because of it, each
with what made it due: the event, or another benefit.
One rule for each event type and benefit it triggers, one for each benefit and benefit it triggers, one for
each benefit whose facts were asked for: the event and the answer to a benefit together make it due, what is
due makes due what it triggers, and what was asked for comes up again.
Invariants: the network only joins; whether anybody is eligible, and for how much, comes in as a fact.
One short context at a time is alive, in this thread (`Host`, which starts threads, is not used); money
goes in as integers of fen; nothing that no rule matches is asserted.
"""

from __future__ import annotations

import platform
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Literal, TypeAlias

from mianshen.catalogue import diagnostic
from mianshen.program.program import Program
from mianshen.source import RuleError, unlined

_CONTEXT: Final = "household"  # the one context there is
_RULESET: Final = "mianshen"

Rule = dict[str, Any]
Kind: TypeAlias = Literal["event", "due", "asked"]


@dataclass(frozen=True, slots=True)
class Said:
    """What the program says of one benefit at one row; `amount` in yuan, None where there is none."""

    who: str  # the person
    benefit: str
    row: str  # the key of the row it is decided at; the person's where it is the person's own
    status: Literal["eligible", "undetermined"]
    amount: Decimal | None


@dataclass(frozen=True, slots=True)
class Due:
    """An answer that an event brings up; `by`: the event's type, or the benefit that made it due."""

    said: Said
    by: str


def durable_rules() -> Any:
    """The `durable.engine` module. Raises RuleError where it cannot be imported."""
    try:
        from durable import engine
    except ImportError:
        version = platform.python_version()
        raise RuleError([diagnostic("E601.no_durable_rules", unlined("watch"), version=version)]) from None
    return engine


class Network:
    """The rules of one program; make one and use it for many events."""

    def __init__(self, program: Program) -> None:
        self._reached = {name: reached(program, name) for name in (*program.events, *program.benefits)}
        self._triggers = triggers(program)
        self._ruleset = None
        self._found: list[tuple[str, str]] = []  # (answer, what made it due), as the rules fire
        rules: list[tuple[Kind, str, str]] = [
            ("event" if name in program.events else "due", name, benefit)
            for name, benefits in self._triggers.items()
            for benefit in benefits
        ]
        rules += [("asked", name, name) for name in sorted({benefit for _, _, benefit in rules})]
        if rules:
            engine = durable_rules()
            runnables = {"/".join(item): self._runnable(engine, *item) for item in rules}
            self._ruleset = engine.Ruleset(_RULESET, None, runnables)

    def reach(self, event_type: str, benefits: Iterable[str] = ()) -> frozenset[str]:
        """The benefits that an event of a type can make due, where facts were asked for some benefits."""
        return self._reached[event_type].union(benefits, *(self._reached[benefit] for benefit in benefits))

    def due(
        self, event_type: str, answers: Iterable[Said], open_benefits: Collection[tuple[str, str]] = ()
    ) -> list[Due]:
        """What an event of a type makes due among the answers given for it.

        `open_benefits`: people and benefits for which facts were asked; the event may have brought them.
        """
        reached, open_ = self.reach(event_type, [benefit for _, benefit in open_benefits]), set(open_benefits)
        known = [answer for answer in answers if answer.benefit in reached]
        said = {f"a{number}": answer for number, answer in enumerate(known)}
        if self._ruleset is None or not said:
            return []
        facts = [_fact(name, value) for name, value in said.items()]
        if event_type in self._triggers:
            facts.append({"sid": _CONTEXT, "id": "event", "event": event_type})
        asked_for = sorted(open_ & {(item.who, item.benefit) for item in known})
        facts += [
            {"sid": _CONTEXT, "id": f"asked {number}", "asked": benefit, "who": who}
            for number, (who, benefit) in enumerate(asked_for)
        ]
        self._found = []
        self._run(facts)
        by: dict[str, str] = {}
        for name, because in self._found:
            by.setdefault(name, because)
        return [
            Due(part, event_type if by[name] == part.benefit else by[name])
            for name, part in said.items()
            if name in by
        ]

    def _run(self, facts: list[Mapping[str, Any]]) -> None:
        ended: list[Any] = []
        assert self._ruleset is not None
        try:
            handle = self._ruleset.assert_facts(facts)
            self._ruleset.do_actions(handle, lambda error, state: ended.extend((error, state)))
        finally:
            self._ruleset.delete_state(_CONTEXT)
        error, state = (*ended, None, None)[:2]
        failed = error or (state or {}).get("exception")
        if failed:
            raise RuntimeError(f"durable-rules stopped: {failed}")

    def _fire(self, trigger: str, benefit: str, context: Any) -> None:
        """What a rule does: note the answer, and assert that it is due if that makes others due."""
        answer = context.answer
        first = all(answer.name != part for part, _ in self._found)
        self._found.append((answer.name, trigger))
        if first and benefit in self._triggers and answer.status == "eligible":
            context.assert_fact({"id": f"due {answer.name}", "due": benefit, "who": answer.who})

    def _runnable(self, engine: Any, kind: Kind, trigger: str, benefit: str) -> Rule:
        def run(context: Any) -> None:
            self._fire(trigger, benefit, context)

        return {**rule(kind, trigger, benefit), "run": engine.Promise(run)}


def triggers(program: Program) -> dict[str, tuple[str, ...]]:
    """Each event type or benefit with the benefits it makes due."""
    names: dict[str, list[str]] = {}
    for benefit in program.benefits.values():
        for name in benefit.triggers:
            names.setdefault(name, []).append(benefit.name)
    return {name: tuple(dict.fromkeys(benefits)) for name, benefits in names.items()}


def reached(program: Program, trigger: str) -> frozenset[str]:
    """The benefits that an event of a type, or a benefit, can make due, by itself or through others."""
    after = triggers(program)
    names: set[str] = set()
    pending = list(after.get(trigger, ()))
    while pending:
        benefit = pending.pop()
        if benefit not in names:
            names.add(benefit)
            pending += after.get(benefit, ())
    return frozenset(names)


def rule(kind: Kind, trigger: str, benefit: str) -> Rule:
    """The rule by which something makes a benefit due, as durable-rules has it.

    An event concerns everybody whose answer is there; what is due, or was asked for, one person.
    """
    tests: list[Rule] = [{"benefit": benefit}]
    if kind != "event":
        tests.append({"who": {"by": "who"}})
    return {"all": [{"by": {kind: trigger}}, {"answer": {"$and": tests} if len(tests) > 1 else tests[0]}]}


def _fact(name: str, said: Said) -> Mapping[str, Any]:
    fact = {"sid": _CONTEXT, "id": name, "name": name, "who": said.who, "benefit": said.benefit}
    amount = {} if said.amount is None else {"fen": int(said.amount.scaleb(2))}
    return {**fact, "status": said.status, **amount}
