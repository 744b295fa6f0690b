"""What rows tell before anything is decided: doubled keys, rows over time, reversals; whatever their order in a file."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.backends.test_any_rulebook import rulebook
from tests.support.campaigns import few

from mianshen.document import read
from mianshen.elaboration.build import build
from mianshen.native.deciding import STATUSES, Decided, Deciding, Table
from mianshen.native.encoding import Encoding
from mianshen.native.layout import Layout
from mianshen.native.library import Compiled, compiled, compiler
from mianshen.native.translation_unit import Unit
from mianshen.program.program import Program
from mianshen.values import Known

pytestmark = pytest.mark.skipif(compiler() is None, reason="needs a C compiler")
AS_OF = dt.date(2026, 6, 30)
LIMIT = {"spent": {"entity": "bill", "title": "spent", "sums": "paid"}}


@dataclass
class Rows:
    """Rows of one entity: key, parent's key, facts; which are rejected, with what is unreadable in them."""

    rows: list[tuple[str | None, str | None, dict[str, Known]]]
    rejected: dict[int, tuple[str, ...]] = field(default_factory=dict)


@pytest.fixture(scope="module")
def program_compiled(tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    rules = rulebook(
        {
            "home": {}, "person": {"parent": "home", "valid_from": "since", "children": "members"},
            "bill": {"parent": "person", "date": "day", "reverses": "voids", "children": "bills"},
        },
        {
            "home": {"rent": {"type": "money", "min": 0, "max": 9999}},
            "person": {"home_id": "text", "since": "date", "rate": {"type": "integer", "min": 0, "max": 9}},
            "bill": {
                "person_id": "text", "day": "date", "voids": "text", "cost": {"type": "money", "min": 0, "max": 9999},
                "settled": {"type": "money", "min": 0, "max": 9999, "settles": "paid"},
            },
        },
        {"home": {"rented": "money"}, "person": {"total": "money"}, "bill": {"paid": "money"}},
        {
            "rented": {"value": "rent + sum(members.total)"}, "total": {"value": "sum(bills.paid)"},
            "paid": {"value": "cost * person.rate", "annual_limit": {"accumulator": "spent", "limit": 100}},
        },
        accumulators=LIMIT,
    )  # fmt: skip
    file = tmp_path_factory.mktemp("rules") / "rules.yaml"
    file.write_text(yaml.safe_dump(rules, sort_keys=False), "utf-8")
    document, findings = read([Path(file)])
    program, _ = build(document, findings)
    return compiled(
        Unit(Layout(program), tuple(d.key for d in program.decisions), (), details=True, quick=True), None
    )


def decided(program_compiled: Compiled, entities: dict[str, Rows], large: bool = False) -> Decided:
    program: Program = program_compiled.unit.layout.program
    encoding = Encoding(program_compiled.unit.layout)
    tables = {}
    for name in program_compiled.unit.layout.entities:
        listed = entities.get(name, Rows([]))
        facts = [facts for _, _, facts in listed.rows]
        text = pa.large_string() if large else pa.string()
        voids = program.entities[name].reverses
        tables[name] = Table(
            pa.array([key for key, _, _ in listed.rows], text),
            None if program.entities[name].parent is None else pa.array([above for _, above, _ in listed.rows], text),
            {c.name: encoding.column(c, [f.get(c.name) for f in facts]) for c in program_compiled.unit.layout.facts[name]},
            np.array([i in listed.rejected for i in range(len(facts))], np.uint8),
            name in entities,
            {n: np.array([i for i, names in listed.rejected.items() if n in names]) for n in ("since", "rate", "cost")},
            None if voids is None else pa.array([f.get(voids) for f in facts], text),
        )  # fmt: skip
    return Deciding(program_compiled, tables, AS_OF, 2).decide()


def statuses(result: Decided, entity: str) -> list[str]:
    return [STATUSES[status] for status in result.status[entity]]


def values(result: Decided, entity: str, decision: str) -> list[object]:
    """In fen; what is missing of an unknown one."""
    columns = {(w.name, w.part): c for w, c in result.columns.items() if w.entity == entity}
    sets = [set(names) for names in result.sets.to_pylist()]
    return [
        int(value) if state == 0 else sets[missing]
        for value, state, missing in zip(
            columns[decision, "value"], columns[decision, "state"], columns[decision, "missing"], strict=True
        )
    ]


DAY = dt.date(2026, 3, 2)


def _yuan(rows: Sequence[tuple[str, str, dict[str, object]]]) -> Rows:
    """Rows whose whole numbers are amounts."""
    return Rows([(key, above, {n: _fact(v) for n, v in facts.items()}) for key, above, facts in rows])


def _fact(value: object) -> Known:
    return Decimal(value) if isinstance(value, int) else value  # type: ignore[return-value]


HOME = _yuan([("H", "", {"rent": 10})])


def test_a_person_is_the_row_in_force_and_bills_read_that_of_their_day(program_compiled: Compiled) -> None:
    people = _yuan(
        [
            ("P", "H", {"rate": 1}),
            ("P", "H", {"rate": 2, "since": DAY}),
            ("P", "H", {"since": dt.date(2027, 1, 1)}),
        ]
    )
    bills = _yuan([
        ("B1", "P", {"day": dt.date(2026, 3, 1), "cost": 10}), ("B2", "P", {"day": DAY, "cost": 10}),
        ("B3", "Q", {"day": DAY, "cost": 10}),
    ])  # fmt: skip
    result = decided(
        program_compiled, {"home": _yuan([("H", "", {"rent": 10})]), "person": people, "bill": bills}
    )
    assert statuses(result, "person") == ["history", "decided", "history"]
    assert statuses(result, "bill") == ["decided", "decided", "unknown_parent"]
    assert values(result, "bill", "paid")[:2] == [1000, 2000]
    assert values(result, "person", "total")[1] == 3000
    assert values(result, "home", "rented") == [4000]


def test_before_the_first_row_nothing_is_known(program_compiled: Compiled) -> None:
    people = _yuan(
        [("P", "H", {"rate": 2, "since": DAY}), ("Q", "H", {"rate": 1, "since": dt.date(2027, 1, 1)})]
    )
    bills = _yuan(
        [("B1", "P", {"day": dt.date(2026, 3, 1), "cost": 10}), ("B2", "Q", {"day": DAY, "cost": 10})]
    )
    result = decided(program_compiled, {"home": _yuan([("H", "", {})]), "person": people, "bill": bills})
    assert statuses(result, "person") == ["decided", "decided"]
    assert values(result, "bill", "paid") == [{"rate"}, {"rate"}]


def test_reversals_leave_in_pairs_and_a_rejected_one_leaves_doubt(program_compiled: Compiled) -> None:
    bills = _yuan([
        ("B1", "P", {"day": DAY, "cost": 10}), ("B2", "P", {"day": DAY, "cost": 20}),
        ("R1", "P", {"voids": "B1"}), ("R2", "P", {"voids": "B1", "day": DAY}), ("R3", "P", {"voids": "none"}),
        ("R4", "P", {"voids": "B2"}), ("B3", "P", {"day": dt.date(2026, 4, 1), "cost": 5}),
    ])  # fmt: skip
    bills.rejected[5] = ()
    result = decided(
        program_compiled, {"home": HOME, "person": _yuan([("P", "H", {"rate": 1})]), "bill": bills}
    )
    assert statuses(result, "bill") == [
        "reversed", "decided", "reversed", "already_reversed", "reverses_nothing", "rejected", "decided",
    ]  # fmt: skip
    paid = values(result, "bill", "paid")
    assert paid[1] == {"bill R4"}  # what would void it
    assert paid[6] == {"bill R2", "bill R3", "bill R4"}


def test_a_rejected_household_is_one_of_which_nothing_is_known(program_compiled: Compiled) -> None:
    homes = _yuan([("H", "", {"rent": 10})])
    homes.rejected[0] = ()
    bills = _yuan([("B1", "P", {"day": DAY, "cost": 10})])
    result = decided(
        program_compiled, {"home": homes, "person": _yuan([("P", "H", {"rate": 1})]), "bill": bills}
    )
    assert statuses(result, "person") == ["decided"]
    assert statuses(result, "home") == ["rejected"]
    assert values(result, "bill", "paid") == [1000]


def test_settled_amounts_use_up_the_limit_and_are_shown_as_ruled(program_compiled: Compiled) -> None:
    bills = _yuan([
        ("B1", "P", {"day": DAY, "cost": 80, "settled": 95}), ("B2", "P", {"day": DAY, "cost": 80, "settled": 1}),
        ("B3", "P", {"day": DAY, "cost": 80}),
    ])  # fmt: skip
    result = decided(
        program_compiled, {"home": HOME, "person": _yuan([("P", "H", {"rate": 1})]), "bill": bills}
    )
    assert values(result, "bill", "paid") == [8000, 2000, 0]


def test_doubled_rows_are_told_with_and_without_rows_over_time(program_compiled: Compiled) -> None:
    twice = _yuan([("P", "H", {"rate": 1}), ("P", "H", {"rate": 2})])
    result = decided(
        program_compiled,
        {"home": HOME, "person": twice, "bill": _yuan([("B", "P", {"day": DAY}), ("B", "P", {})])},
    )
    assert statuses(result, "person") == ["duplicate", "duplicate"]
    assert statuses(result, "bill") == ["duplicate", "duplicate"]
    dated = _yuan(
        [("P", "H", {"rate": 1}), ("P", "H", {"rate": 2, "since": DAY}), ("P", "H", {"since": DAY})]
    )
    result = decided(
        program_compiled, {"home": HOME, "person": dated, "bill": _yuan([("B", "P", {"day": DAY})])}
    )
    assert statuses(result, "person") == ["parent_rejected", "duplicate", "duplicate"]
    assert statuses(result, "bill") == ["parent_rejected"]


people = st.lists(
    st.tuples(
        st.sampled_from("PQR"), st.sampled_from("HG"),
        st.fixed_dictionaries({"rate": st.integers(0, 3)}, optional={"since": st.sampled_from([DAY, dt.date(2027, 1, 1)])}),
    ),
    max_size=6,
)  # fmt: skip
bills = st.lists(
    st.tuples(
        st.sampled_from(["B1", "B2", "B3", "B4", "B5", "B6", "B7"]), st.sampled_from("PQRS"),
        st.fixed_dictionaries(
            {"cost": st.integers(0, 90)},
            optional={
                "day": st.sampled_from([dt.date(2025, 12, 31), dt.date(2026, 3, 1), DAY]), "settled": st.integers(0, 90),
                "voids": st.sampled_from(["B1", "B2"]),
            },
        ),
    ),
    max_size=9,
)  # fmt: skip


@settings(max_examples=few(50, 1500), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(people, bills, st.sets(st.integers(0, 8)), st.randoms(use_true_random=False))
def test_the_order_of_rows_makes_no_difference(
    program_compiled: Compiled,
    people: list[tuple[str, str, dict[str, object]]],
    bills: list[tuple[str, str, dict[str, object]]],
    rejected: set[int],
    rng: random.Random,
) -> None:
    keys = [key for key, _, _ in people]
    one_home = {key: home for key, home, _ in people}  # a person of two households is another matter
    people = [(key, one_home[key], facts) for key, _, facts in people]
    homes: list[tuple[str, str, dict[str, object]]] = [("H", "", {"rent": 10}), ("G", "", {})]
    order, turn = list(range(len(bills))), list(range(len(keys)))
    rng.shuffle(order)
    rng.shuffle(turn)

    def run(mine: list[int], theirs: list[int], large: bool) -> dict[str, list[str]]:
        rows = _yuan([bills[i] for i in mine])
        rows.rejected = {at: () for at, i in enumerate(mine) if i in rejected}
        entities = {"home": _yuan(homes), "person": _yuan([people[i] for i in theirs]), "bill": rows}
        result = decided(program_compiled, entities, large)
        answers: dict[str, list[str]] = {}
        for entity, listed in entities.items():
            columns = (statuses(result, entity), values_or_none(result, entity, DECISIONS[entity]))
            answers[entity] = sorted(map(repr, zip(listed.rows, *columns, strict=True)))
        return answers

    assert run(list(range(len(bills))), list(range(len(keys))), False) == run(order, turn, True)


DECISIONS = {"home": "rented", "person": "total", "bill": "paid"}


def values_or_none(result: Decided, entity: str, decision: str) -> list[object]:
    return [
        sorted(value)
        if isinstance(value, set) and status == "decided"
        else value
        if status == "decided"
        else None
        for value, status in zip(values(result, entity, decision), statuses(result, entity), strict=True)
    ]
