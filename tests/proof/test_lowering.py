"""The solver's meaning of the shipped rulebook is the interpreter's, on people made up."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from mianshen.interpreter import Interpreter, Row
from mianshen.program.core import Boolean, Code, Date, Numeric, String
from mianshen.program.program import Fact, Program
from mianshen.rulebook import open_program
from mianshen.values import NotModelled, Unknown

z3 = pytest.importorskip("z3")

from mianshen.proof.lowering import Lowering  # noqa: E402  # after z3 is known to be there
from mianshen.proof.records import Records, Sampler  # noqa: E402
from mianshen.proof.symbols import Sym, code_of, day_of, holds  # noqa: E402
from mianshen.proof.world import World, dated_fact  # noqa: E402

PEOPLE = 20
DECISIONS = (
    "deductible", "basic_payment", "supplementary_payment", "critical_illness_payment", "assistance_payment", "patient_pays",
)  # fmt: skip


@pytest.fixture(scope="module")
def program() -> Program:
    return open_program()


@pytest.mark.parametrize("entity", ["claim", "resident"])
def test_the_solver_decides_as_the_interpreter_does(program: Program, entity: str) -> None:
    world = World(program, entity)
    lowering = Lowering(world)
    keys = [
        d.key
        for d in program.decisions
        if d.entity == entity and (entity == "resident" or d.name in DECISIONS)
    ]
    keys = [key for key in keys if not key[1].startswith(("settlement_", "unassisted_"))]  # by the calendar
    wanted = {key: lowering.decision(key, world.row) for key in keys}
    assert lowering.operations.loose <= {"the working-day calendar"}
    records, sampler = Records(Interpreter(program)), Sampler(program, 7, 0.0, (1,))
    compared = 0
    for _ in range(40 * PEOPLE):
        if compared == PEOPLE:
            break
        case = records.decided(sampler.person(records))
        row = None if case is None else records.row(case, entity)
        if row is None or not _fits(world, row, entity):
            continue
        given = _given(world, row)
        if given is None:
            continue
        for key, sym in wanted.items():
            assert _seen(given, sym, program, key) == _shown(row.values[key[1]]), (key, row.facts)
        compared += 1
    assert compared == PEOPLE


def _fits(world: World, row: Row, entity: str) -> bool:
    """One row of each kind, in the benefit years that openings belong to, known where the solver takes it to be."""
    rows = {row.entity: row, **{up.entity: up for up in _above(row)}}
    person = rows["resident"]
    if any(len([c for c in person.children if c.entity == name]) > 1 for name in ("claim", "visit")):
        return False
    rows |= {child.entity: child for child in person.children}
    for owner, name in world.variables.facts:
        known = owner not in rows or name in rows[owner].facts or (owner, name) in world.tested
        if owner and not known:
            return False
    day = row.facts.get("service_date")
    if entity != "claim":
        return True
    assert isinstance(day, dt.date)
    return (day.year, day.month > 6) == (row.as_of.year, row.as_of.month > 6)


def _above(row: Row) -> list[Row]:
    rows = []
    while row.parent is not None:
        row = row.parent
        rows.append(row)
    return rows


def _given(world: World, row: Row) -> Any:
    """A model in which the facts are those of the case; None where the solver has no such place."""
    rows = {row.entity: row, **{up.entity: up for up in _above(row)}}
    rows |= {child.entity: child for child in rows["resident"].children if child.entity not in rows}
    solver = z3.Solver()
    for name, sym_row in world.rows.items():
        solver.add(holds(sym_row.exists) if name in rows else z3.Not(holds(sym_row.exists)))
    solver.add(world.as_of.value == code_of(row.as_of))
    for (owner, name), sym in world.variables.facts.items():
        if not owner or owner not in rows:
            continue
        value = rows[owner].facts.get(name)
        if not isinstance(sym.known, bool):
            solver.add(sym.known if value is not None else z3.Not(sym.known))
        if value is None:
            continue
        if isinstance(value, tuple):
            count, different = world.variables.counts[owner, name]
            solver.add(count == len(value), different == len(set(value)))
            continue
        number = _coded(world, world.program.facts[owner, name], value)
        if number is None:
            return None
        solver.add(sym.value == number)
    solver.add(*world.variables.domain)
    return solver.model() if solver.check() == z3.sat else None


def _coded(world: World, fact: Fact, value: Any) -> Any:
    match fact.type:
        case Boolean():
            return value
        case Numeric(scale=scale):
            return int(value.scaleb(scale))
        case Date():
            return code_of(value)
        case Code(codes=codes):
            return list(world.program.codes[codes].values).index(value)
        case String(area=True):
            return world.places.index(value) if value in world.places else None
        case String():
            return world.text(value)
        case _:
            return None


def _seen(model: Any, sym: Sym, program: Program, key: tuple[str, str]) -> Any:
    """What the solver's value is in the model."""

    def truth(term: Any) -> bool:
        return term if isinstance(term, bool) else z3.is_true(model.eval(term, model_completion=True))

    if not truth(sym.modelled):
        return "not modelled"
    if not truth(sym.known):
        return "unknown"
    value = sym.value if isinstance(sym.value, bool | int) else model.eval(sym.value, model_completion=True)
    match program.decision(*key).type:
        case Boolean():
            return value if isinstance(value, bool) else z3.is_true(value)
        case Numeric():
            number = value if isinstance(value, int) else value.as_long()
            return Decimal(number).scaleb(-sym.scale)
        case Date():
            return day_of(value if isinstance(value, int) else value.as_long())
        case _:
            return "other"


def _shown(value: Any) -> Any:
    match value:
        case NotModelled():
            return "not modelled"
        case Unknown():
            return "unknown"
        case bool() | Decimal() | dt.date():
            return value
        case _:
            return "other"


def test_the_reference_date_of_claims_is_a_fact(program: Program) -> None:
    assert dated_fact(program, "claim") == ("claim", "service_date")
    assert dated_fact(program, "resident") is None
