"""What would change an answer: every proposal really does, the smallest ones are found, and days are exact."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from itertools import product
from random import Random

import pytest
from tests.support.campaigns import seeds
from tests.support.homes import AS_OF
from tests.support.pensions import pensions

from mianshen.interpreter import Case, Interpreter, Row
from mianshen.interpreter.what_if.counterfactuals import Counterfactuals, CounterfactualSearch, FactChange
from mianshen.interpreter.what_if.due_dates import DueDate, DueDateSearch
from mianshen.program.program import Program
from mianshen.values import Known

DUE: dict[str, Known] = {
    "place": "310113",
    "kind": "worker",
    "born": dt.date(1960, 2, 29),
    "joined": dt.date(2020, 1, 1),
    "months": Decimal(200),
    "income": Decimal("5000.00"),
    "frozen": False,
}
DAY = dt.timedelta(days=1)


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    return pensions(tmp_path_factory.mktemp("rules"))


def case(facts: dict[str, Known | None], as_of: dt.date = AS_OF) -> Case:
    told = {name: value for name, value in (DUE | facts).items() if value is not None}
    row = Row("person", "P1", {"person_id": "P1", **told})
    return Case(as_of, row, row)


def due(program: Program, benefit: str, given: Case) -> object:
    """The eligibility as the whole program decides it; None where the row is rejected."""
    fresh = Case(given.as_of, row := Row("person", "P1", dict(given.person.facts)), row)
    Interpreter(program).run(fresh)
    return None if row.rejection else row.values[program.benefits[benefit].eligible]


def changes(program: Program, benefit: str, **facts: Known | None) -> Counterfactuals:
    return CounterfactualSearch(program, program.benefits[benefit], Interpreter(program)).changes(case(facts))


def later(program: Program, benefit: str, **facts: Known | None) -> DueDate:
    return DueDateSearch(program, program.benefits[benefit], Interpreter(program)).later(case(facts))


def shown(counterfactuals: Counterfactuals) -> list[dict[str, Known]]:
    return [{change.fact.name: change.after for change in flip.changes} for flip in counterfactuals.flips]


def test_one_fact_is_enough_and_its_smallest_value_is_found(program: Program) -> None:
    assert shown(changes(program, "pension", months=Decimal(100))) == [{"months": Decimal(180)}]
    assert shown(changes(program, "pension", frozen=True)) == [{"frozen": False}]
    assert shown(changes(program, "relief", income=Decimal("12000.00"))) == [{"income": Decimal("11999.99")}]


def test_every_code_and_area_that_does_is_shown(program: Program) -> None:
    assert shown(changes(program, "pension", kind="other")) == [{"kind": "worker"}, {"kind": "farmer"}]
    assert shown(changes(program, "pension", place="11")) == [{"place": "31"}, {"place": "3201"}]


def test_two_facts_where_neither_alone_would_do(program: Program) -> None:
    counterfactuals = changes(program, "pension", months=Decimal(0), frozen=True)
    assert shown(counterfactuals) == [{"months": Decimal(180), "frozen": False}]
    assert counterfactuals.complete


def test_a_date_that_may_change_is_narrowed_to_the_day(program: Program) -> None:
    result = CounterfactualSearch(program, program.benefits["bonus"], Interpreter(program)).changes(
        case({"joined": dt.date(2026, 12, 1)}, dt.date(2026, 12, 31))
    )
    assert shown(result) == [{"joined": dt.date(2026, 6, 30)}]


def test_what_cannot_change_is_named_and_never_proposed(program: Program) -> None:
    counterfactuals = changes(program, "pension", born=dt.date(1980, 5, 1))
    assert shown(counterfactuals) == []
    assert [(fixed.fact.name, fixed.value) for fixed in counterfactuals.fixed] == [
        ("born", dt.date(1980, 5, 1))
    ]


def test_an_unknown_fact_may_be_told_even_where_it_could_not_change(program: Program) -> None:
    counterfactuals = shown(changes(program, "pension", born=None))
    assert {"born": dt.date(1966, 11, 21)} in counterfactuals
    assert {"born": dt.date(1966, 11, 22)} not in counterfactuals


def test_of_an_unknown_number_the_line_is_told(program: Program) -> None:
    assert shown(changes(program, "relief", income=None)) == [{"income": Decimal("11999.99")}]


FACTS: dict[str, tuple[Known, ...]] = {
    "place": ("31", "3201", "11"),
    "kind": ("worker", "farmer", "other"),
    "months": tuple(map(Decimal, (0, 179, 180, 500))),
    "frozen": (True, False),
}


@pytest.mark.parametrize("seed", seeds(0, few=6, many=40))
def test_as_many_facts_change_as_have_to(program: Program, seed: int) -> None:
    """Against trying every combination of the values that make a difference here."""
    rng = Random(seed)
    facts: dict[str, Known | None] = {name: rng.choice(values) for name, values in FACTS.items()}
    before = {name: facts[name] for name in FACTS}
    wanted = min(
        (
            sum(facts[name] != value for name, value in zip(FACTS, values, strict=True))
            for values in product(*FACTS.values())
            if due(program, "pension", case(dict(zip(FACTS, values, strict=True)))) is True
        ),
        default=9,
    )
    counterfactuals = changes(program, "pension", **facts)
    if due(program, "pension", case(facts)) is not True:
        assert {len(flip.changes) for flip in counterfactuals.flips} == ({wanted} if wanted <= 2 else set())
    for flip in counterfactuals.flips:
        new: dict[str, Known | None] = {change.fact.name: change.after for change in flip.changes}
        assert due(program, "pension", case(before | new)) is True
        assert all(not is_due_closer(program, before | new, change) for change in flip.changes)


def is_due_closer(program: Program, facts: dict[str, Known | None], change: FactChange) -> bool:
    """Whether a number one step nearer to what it was would do as well."""
    if not isinstance(change.before, Decimal) or not isinstance(change.after, Decimal):
        return False
    step = 1 if change.before > change.after else -1
    return due(program, "pension", case(facts | {change.fact.name: change.after + step})) is True


def test_the_day_by_itself_is_the_first_one(program: Program) -> None:
    entry = later(program, "pension", born=dt.date(1967, 3, 2))
    assert entry.day == dt.date(2027, 3, 2)
    assert later(program, "pension", born=dt.date(1968, 2, 29)).day == dt.date(2028, 2, 29)
    assert later(program, "pension", born=dt.date(2009, 2, 28)).day == dt.date(2069, 2, 28)


def test_a_day_past_other_figures_is_told_with_a_warning(program: Program) -> None:
    assert later(program, "pension", born=dt.date(1967, 3, 2)).whole
    assert not later(program, "pension", born=dt.date(1970, 3, 2)).whole


def test_a_provision_that_begins_later_gives_the_day(program: Program) -> None:
    assert later(program, "bonus").day == dt.date(2026, 12, 24)
    assert later(program, "bonus", joined=dt.date(2026, 8, 31)).day == dt.date(2027, 3, 1)


def test_a_figure_that_changes_gives_the_day(program: Program) -> None:
    assert later(program, "relief", income=Decimal("13000.49")).day == dt.date(2027, 7, 1)


def test_a_figure_past_its_review_ends_what_can_be_told(program: Program) -> None:
    entry = later(program, "relief", income=Decimal("13000.50"))
    assert (entry.day, entry.known_until) == (None, dt.date(2028, 6, 30))
    assert entry.stopped is not None
    assert (entry.stopped.reason, entry.stopped.field) == ("past_review", "poverty_line")


def test_time_alone_may_never_do(program: Program) -> None:
    assert later(program, "pension", frozen=True) == DueDate(None)


@pytest.mark.parametrize("seed", seeds(0, few=4, many=25))
def test_no_earlier_day_is_due(program: Program, seed: int) -> None:
    """Against looking at every day."""
    rng = Random(seed)
    facts: dict[str, Known | None] = {
        "born": dt.date(1966, 1, 1) + DAY * rng.randrange(1500),
        "joined": dt.date(2026, 1, 1) + DAY * rng.randrange(500),
        "income": Decimal(rng.choice(("11999.99", "12500.00", "14000.00"))),
    }
    for benefit in program.benefits:
        given = case(facts)
        if due(program, benefit, given) is True:
            continue
        days = (given.as_of + DAY * n for n in range(1, 580))  # up to the review
        first = next((day for day in days if due(program, benefit, case(facts, day)) is True), None)
        entry = later(program, benefit, **facts).day
        assert entry == first or (first is None and (entry is None or entry > given.as_of + DAY * 579))
