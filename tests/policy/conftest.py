"""A small rulebook with cases, for the instruments of a policy team."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

RULES = """\
rulebook: {name: desk, title: desk, entry: person}
defaults: {source: S, clause: "1"}
sources: {S: {title: S}}
entities:
  person: {title: person, key: person_id}
codes:
  standing: {title: standing, values: {poor: poor, ordinary: ordinary}}
facts:
  person:
    person_id: {type: text, required: true, title: number}
    age: {type: integer, min: 0, max: 120, title: age}
    cost: {type: money, min: 0.00, max: 1000000.00, title: cost}
    standing: {type: code standing, title: standing}
decisions:
  person:
    rate: {type: rate, title: rate}
    paid: {type: money, title: paid, output: true, paid: true}
    old: {type: boolean, title: old}
    excess: {type: money, title: excess}
parameters:
  floor: {type: money, title: floor, basis: cited, values: [{from: 2020-01-01, value: 100.00}]}
tables:
  rates:
    decision: rate
    inputs: [standing]
    rows:
      - {id: poor, cells: ['"poor"'], value: 80%}
      - {id: ordinary, cells: ['"ordinary"'], value: 50%}
provisions:
  of_age: {decision: old, value: age >= 60}
  above_floor: {decision: excess, value: "max(0.00, cost - floor)"}
  share: {decision: paid, value: excess * rate}
"""
CASES = """\
defaults: {as_of: 2026-01-01, person: {person_id: P1, age: 60, cost: 1100.05, standing: poor}}
cases:
  - {name: poor, expect: {person: {paid: 800.04, old: true}}}
  - {name: ordinary, person: {age: 59, standing: ordinary}, expect: {person: {paid: 500.03, old: false}}}
  - {name: older, person: {age: 61, standing: ordinary, cost: 100.02}, expect: {person: {paid: 0.01, old: true}}}
  - {name: floor, person: {cost: 99.99}, expect: {person: {paid: 0.00, excess: 0.00}}}
  - {name: ageless, person: {age: null}, expect: {person: {old: unknown}}}
  - {name: costless, person: {cost: null}, expect: {person: {excess: unknown, paid: unknown}}}
  - {name: without_standing, person: {standing: null}, expect: {person: {rate: unknown}}}
"""
Write: TypeAlias = Callable[..., tuple[Path, Path]]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes the rulebook and its cases, with texts in them replaced; gives both files."""

    def write(*changes: tuple[str, str], cases: str = CASES) -> tuple[Path, Path]:
        rules, written = RULES, cases
        for before, after in changes:
            assert before in rules + written, before
            rules, written = rules.replace(before, after), written.replace(before, after)
        (tmp_path / "rules.yaml").write_text(rules, "utf-8")
        (tmp_path / "cases.yaml").write_text(written, "utf-8")
        return tmp_path / "rules.yaml", tmp_path / "cases.yaml"

    return write
