"""A figure that was wrong while amounts were settled is named first, with its days."""

from __future__ import annotations

import datetime as dt
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from random import Random

import pytest
from tests.impact.small import write_small

from mianshen.batch.request import Request
from mianshen.impact.drift import Drift, drift
from mianshen.source import RuleError

AS_OF = dt.date(2026, 12, 31)


def ruled(day: dt.date, cost: Decimal, rate: Decimal | None = None, floor: Decimal = Decimal(100)) -> Decimal:
    share = rate if rate is not None else Decimal("0.85") if day >= dt.date(2026, 1, 1) else Decimal("0.80")
    return (max(cost - floor, Decimal(0)) * share).quantize(Decimal("0.01"), ROUND_HALF_UP)


def settled_year(
    folder: Path, wrong: dict[str, Decimal], first: dt.date, last: dt.date, noise: int = 0
) -> Drift:
    """A made-up year of settlements with wrong figures between two days, and a few amounts that are wrong anyhow."""
    rng, lines = Random(4), ["claim_id,person_id,service_date,total_cost,settled_payment"]
    for number in range(400):
        day = dt.date(2026, 1, 1) + dt.timedelta(days=rng.randrange(360))
        cost = Decimal(rng.randrange(5000, 2000000)).scaleb(-2)
        paid = ruled(day, cost, **wrong) if first <= day <= last else ruled(day, cost)
        if number < noise:
            paid += Decimal("1.23")
        lines.append(f"C{number},P{number % 50},{day},{cost},{paid}")
    folder.mkdir(parents=True, exist_ok=True)
    claims, people = folder / "claims.csv", folder / "residents.csv"
    claims.write_text("\n".join(lines) + "\n", encoding="utf-8")
    people.write_text("person_id\n" + "".join(f"P{n}\n" for n in range(50)), encoding="utf-8")
    rules = write_small(folder / "rules")
    inputs = {"resident": str(people), "claim": str(claims)}
    return drift([rules], (), Request(inputs, AS_OF, folder / "out", 1, engine="interpreter"))


def test_the_old_rate_still_used_is_named_with_its_days(tmp_path: Path) -> None:
    result = settled_year(
        tmp_path, {"rate": Decimal("0.80")}, dt.date(2026, 1, 1), dt.date(2026, 6, 30), noise=7
    )
    best = result.suspects[0]
    assert (best.parameter.name, best.value) == ("rate", Decimal("0.80"))
    assert best.first == dt.date(2026, 1, 1)
    assert best.last is not None
    assert dt.date(2026, 6, 24) <= best.last <= dt.date(2026, 6, 30)
    assert best.own is not None
    assert best.own.start == dt.date(2020, 1, 1)
    assert best.spoilt == 0
    assert result.differing - best.explained <= 7


@pytest.mark.parametrize(("name", "value"), [("rate", "0.835"), ("floor", "250.00")])
def test_a_value_that_never_was_is_inferred(tmp_path: Path, name: str, value: str) -> None:
    result = settled_year(tmp_path, {name: Decimal(value)}, dt.date(2026, 4, 1), AS_OF, noise=5)
    best = result.suspects[0]
    assert (best.parameter.name, best.value) == (name, Decimal(value))
    assert (best.first, best.last) == (dt.date(2026, 4, 1), None)
    content = result.content()["suspects"][0]
    assert content["from"] == "2026-04-01"
    assert content["clause"].startswith("S ")


EXTRA = """\
overlay: {name: extra, title: x}
provisions:
  poor_pay_less:
    decision: payment
    title: x
    when: resident.income <= line
    value: total_cost * rate
    exception_to: pays
    source: S
    clause: 七
"""


def test_a_provision_that_was_not_applied_is_named(tmp_path: Path) -> None:
    rules = write_small(tmp_path / "rules")
    extra = tmp_path / "extra.yaml"
    extra.write_text(EXTRA, encoding="utf-8")
    rng, lines = Random(5), ["claim_id,person_id,service_date,total_cost,settled_payment"]
    for number in range(120):
        day, cost = (
            dt.date(2026, 2, 1) + dt.timedelta(days=rng.randrange(300)),
            Decimal(rng.randrange(20000, 90000)),
        )
        lines.append(f"C{number},P{number % 20},{day},{cost.scaleb(-2)},{ruled(day, cost.scaleb(-2))}")
    people, claims = tmp_path / "residents.csv", tmp_path / "claims.csv"
    claims.write_text("\n".join(lines) + "\n", encoding="utf-8")
    people.write_text(
        "person_id,income\n" + "".join(f"P{n},{10000 * (n % 4)}.00\n" for n in range(20)), encoding="utf-8"
    )
    request = Request(
        {"resident": str(people), "claim": str(claims)}, AS_OF, tmp_path, 1, engine="interpreter"
    )
    suspects = drift([rules], [extra], request).rules
    assert suspects[0].provision.name == "poor_pay_less"
    assert suspects[0].explained == suspects[0].looked_at


def test_nothing_is_suspected_where_nothing_differs(tmp_path: Path) -> None:
    result = settled_year(tmp_path, {}, AS_OF, AS_OF)
    assert (result.differing, result.suspects) == (0, [])


def test_records_without_settled_amounts_are_told(tmp_path: Path) -> None:
    rules = write_small(tmp_path / "rules")
    people, claims = tmp_path / "residents.csv", tmp_path / "claims.csv"
    people.write_text("person_id\nP1\n", encoding="utf-8")
    claims.write_text("claim_id,person_id,service_date,total_cost\nC1,P1,2026-03-01,5.00\n", encoding="utf-8")
    request = Request(
        {"resident": str(people), "claim": str(claims)}, AS_OF, tmp_path, 1, engine="interpreter"
    )
    with pytest.raises(RuleError) as caught:
        drift([rules], (), request)
    assert [d.code for d in caught.value.diagnostics] == ["E828"]
