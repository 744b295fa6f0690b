"""What share of the in-scope cost of stays insurance paid, by province and scheme, against the targets.

In: a finished run, the schemes of its residents and the care types of its claims. Out: `Ratio`s.
Invariants: only decided stays of people with active coverage count; a target is what the rulebook
decides for somebody of that province and scheme, with its basis and source; it is no rate and pays nobody.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import duckdb

from mianshen.batch.output_files import EntityFile
from mianshen.ingest.inputs import identifier, quoted
from mianshen.interpreter import Case, Interpreter, Row, make_row
from mianshen.interpreter.trace.explain import Explainer
from mianshen.past_runs.finished_run import FinishedRun
from mianshen.program.program import Dated, Key, Program
from mianshen.values import Known

# The indicator of the sources' table (rows 18 and 19), in the vocabulary's names. It decides nothing.
_CARE: Final[Key] = ("claim", "care_type")
_STAY: Final = "inpatient"
_SCHEME: Final[Key] = ("resident", "insurance_scheme")
_COVERAGE: Final[Key] = ("resident", "coverage_status")
_ACTIVE: Final = "active"
_COSTS: Final = ("total_cost", "out_of_scope_cost")
_COST: Final = "in_scope_cost"
_INSURANCE: Final = ("basic_payment", "supplementary_payment", "critical_illness_payment")
_ASSISTANCE: Final = "assistance_payment"
_TARGET: Final[Key] = ("resident", "inpatient_ratio_target")
_PROVINCE: Final = 2  # digits of an area that name the province


@dataclass(frozen=True, slots=True)
class Ratio:
    """Yuan of the stays of one province and scheme. `target` is None where the rulebook has none."""

    province: str
    scheme: str
    claims: int
    cost: Decimal
    insurance: Decimal
    assistance: Decimal
    target: Dated | None

    @property
    def share(self) -> Decimal | None:
        """What insurance paid of the in-scope cost; None without any cost."""
        return None if self.cost == 0 else self.insurance / self.cost

    @property
    def with_assistance(self) -> Decimal | None:
        return None if self.cost == 0 else (self.insurance + self.assistance) / self.cost

    @staticmethod
    def facts(program: Program, entity: str) -> tuple[str, ...]:
        """The facts of an entity that the ratios need; none where the vocabulary lacks any of theirs."""
        needed = (_CARE, _SCHEME, _COVERAGE)
        return tuple(name for owner, name in needed if owner == entity and Ratio.of_stays(program))

    @staticmethod
    def of_stays(program: Program) -> bool:
        """Whether the vocabulary has everything that the ratios are made of."""
        needed = (_CARE, _SCHEME, _COVERAGE, *((_CARE[0], cost) for cost in _COSTS))
        decisions = {decision.key for decision in program.decisions}
        columns = {(_CARE[0], name) for name in (_COST, *_INSURANCE, _ASSISTANCE)}
        return all(key in program.facts for key in needed) and columns <= decisions


def ratios(
    program: Program, run: FinishedRun, connection: duckdb.DuckDBPyConnection, people: str, records: str
) -> list[Ratio]:
    """The ratio of each province and scheme that has stays.

    `people` and `records` hold the facts of `Ratio.facts` and the area by key.
    """
    person, claim = program.entities[_SCHEME[0]], program.entities[_CARE[0]]
    assert person.area is not None
    key, number, scheme = (identifier(name) for name in (person.key, claim.key, _SCHEME[1]))
    paid = " + ".join(f"made.{identifier(name)}" for name in _INSURANCE)
    rows = connection.execute(
        f"SELECT left(people.{identifier(person.area)}, {_PROVINCE}) AS province, people.{scheme} AS scheme, count(*), "
        f"sum(made.{identifier(_COST)}), sum({paid}), sum(made.{identifier(_ASSISTANCE)}) "
        f"FROM {run.rows(EntityFile(program, claim).name)} AS made JOIN {records} AS records ON records.{number} = made.{number} "
        f"JOIN {people} AS people ON people.{key} = made.{key} WHERE made.status = 'decided' "
        f"AND records.{identifier(_CARE[1])} = {quoted(_STAY)} AND people.{identifier(_COVERAGE[1])} = {quoted(_ACTIVE)} "
        "AND province IS NOT NULL AND scheme IS NOT NULL GROUP BY province, scheme ORDER BY province, scheme"
    ).fetchall()
    targets = _Targets(program, run.as_of)
    zero = Decimal(0)
    return [
        Ratio(
            province,
            code,
            count,
            cost or zero,
            insurance or zero,
            aid or zero,
            targets.of(province, code),
        )
        for province, code, count, cost, insurance, aid in rows
        if insurance or targets.of(province, code)
    ]


class _Targets:
    """Asks the rulebook for targets."""

    def __init__(self, program: Program, day: dt.date) -> None:
        self.program = program
        self.day = day
        self.interpreter = Interpreter(program)
        self.explainer = Explainer(self.interpreter)
        self.known = any(decision.key == _TARGET for decision in program.decisions)

    def of(self, province: str, scheme: str) -> Dated | None:
        """The figure behind the target of somebody covered in that province and scheme."""
        if not self.known:
            return None
        case = self._case(province, scheme)
        self.interpreter.run(case)
        if case.person.rejection is not None or not isinstance(case.person.values[_TARGET[1]], Decimal):
            return None
        [used] = self.explainer.step(case, case.person, _TARGET[1]).used
        return next((value_read.dated for value_read in used.inputs if value_read.dated is not None), None)

    def _case(self, province: str, scheme: str) -> Case:
        entity = self.program.entities[_TARGET[0]]
        assert entity.area is not None
        covered: dict[str, Known] = {entity.area: province, _SCHEME[1]: scheme, _COVERAGE[1]: _ACTIVE}
        person = make_row(self.program, entity.name, "?", covered)
        top = person
        while (above := self.program.entities[top.entity].parent) is not None:
            top.parent = Row(above, "?", {}, children=[top])
            top = top.parent
        stay = make_row(self.program, _CARE[0], "?", self._stay())
        stay.parent, person.children = person, [stay]
        return Case(self.day, top, person)

    def _stay(self) -> dict[str, Known]:
        """One yuan of a stay, for a target is one of those who had any."""
        date = self.program.entities[_CARE[0]].date
        assert date is not None
        costs = dict.fromkeys(_COSTS, Decimal(0))
        return {date: self.day, _CARE[1]: _STAY, **costs, _COSTS[0]: Decimal(1)}
