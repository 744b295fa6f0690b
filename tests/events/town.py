"""A town for the tests of this room: a small rulebook with chained benefits, and how a test watches it.

A birth makes the allowance due, the allowance the visit, the visit the allowance again (a circle); an
identity makes the subsidy due; a stay makes the warning due to everybody of the household.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mianshen.document import read
from mianshen.elaboration.build import build
from mianshen.program.program import Program
from mianshen.watch.run import Request, Watched, run_watch

RULES = """\
rulebook: {name: town, title: {zh: 镇, en: Town}, entry: resident}
entities:
  household: {title: household, key: household_id}
  resident: {title: resident, key: person_id, parent: household, children: members, counted_by: size, area: area}
  claim:
    title: claim
    key: claim_id
    parent: resident
    children: claims
    date: day
    outcome: payment
    checks: [{name: low_bill, condition: bill < 1000000, field: bill, title: {zh: 费用过高, en: The bill is too high}}]
codes:
  event_type:
    title: life event
    values:
      birth: {zh: 生育, en: birth}
      identity: identity
      identity_lost: identity lost
      stay: stay
      nothing: nothing
  category: {title: category, values: {poor: {zh: 困难, en: poor}, none: none}}
facts:
  household:
    household_id: {type: text, required: true, title: household number}
    size: {type: integer, min: 1, max: 99, title: size}
    income: {type: money, min: 0, max: 99999999, title: income}
  resident:
    person_id: {type: text, required: true, title: person number}
    household_id: {type: text, title: household number}
    area: {type: area, title: area}
    category: {type: code category, title: category}
    premium: {type: money, min: 0, max: 99999, title: premium}
    child_born: {type: date, title: day the child was born}
    children: {type: integer, min: 1, max: 9, title: children}
    tags: {type: list of code category, title: tags}
  claim:
    claim_id: {type: text, required: true, title: claim number}
    person_id: {type: text, required: true, title: person number}
    day: {type: date, required: true, title: day}
    kind: {type: code category, title: kind}
    bill: {type: money, min: 0, max: 99999999, title: bill}
events:
  birth: {changes: [children], carries: [child_born]}
  identity: {changes: [category], carries: [premium, tags]}
  identity_lost: {sets: {category: none}}
  stay: {adds: claim, sets: {kind: none}}
decisions:
  household:
    burden: {type: money, title: burden}
  resident:
    subsidy_due: {type: boolean, title: subsidy due}
    subsidy: {type: money, title: subsidy}
    allowance_due: {type: boolean, title: allowance due}
    allowance: {type: money, title: allowance}
    visit_due: {type: boolean, title: visit due}
    warning_due: {type: boolean, title: warning due}
    costs: {type: money, title: costs}
  claim:
    payment: {type: money, output: true, title: payment}
    refund_due: {type: boolean, title: refund due}
sources: {S1: {title: a notice}}
defaults: {source: S1, clause: 1}
provisions:
  subsidy_for_the_poor: {decision: subsidy_due, title: {zh: 困难补贴, en: Subsidy for the poor}, value: category = "poor"}
  whole_premium: {decision: subsidy, value: premium}
  allowance_for_children: {decision: allowance_due, value: children >= 1}
  allowance_each: {decision: allowance, value: 100.00 * children}
  visit_for_many: {decision: visit_due, value: children >= 2}
  costs_of_claims: {decision: costs, value: sum(claims.payment)}
  burden_of_members: {decision: burden, value: sum(members.costs)}
  heavy: {decision: warning_due, value: household.burden > household.income}
  half: {decision: payment, value: bill * 0.5}
  small_bills: {decision: refund_due, value: bill < 100}
benefits:
  subsidy: {title: {zh: 补贴, en: Subsidy}, eligible: subsidy_due, amount: subsidy, delivery: automatic,
            triggers: [identity, identity_lost], source: S1, clause: 1}
  allowance: {title: allowance, eligible: allowance_due, amount: allowance, delivery: automatic, once_per: child_born,
              triggers: [birth, visit], source: S1, clause: 2}
  visit: {title: visit, eligible: visit_due, delivery: confirm, once_per: event, triggers: [allowance], source: S1, clause: 3}
  warning: {title: warning, eligible: warning_due, delivery: automatic, once_per: month, triggers: [stay], source: S1, clause: 4}
  refund: {title: refund, entity: claim, eligible: refund_due, delivery: application, once_per: life, triggers: [stay],
           source: S1, clause: 5}
"""
RESIDENTS = "person_id,household_id,area,category,premium\nA,H1,31,none,380.00\nB,H1,31,none,\nC,,31,,\n"
HOUSEHOLDS = "household_id,size,income\nH1,2,100.00\n"

Fields = dict[str, Any]


def town(folder: Path, rules: str = RULES) -> Program:
    """The rulebook's program."""
    written = folder / "rules"
    written.mkdir(parents=True, exist_ok=True)
    (written / "town.yaml").write_text(rules, "utf-8")
    program, _ = build(*read([written]))
    return program


def event(id_: str, person: str, type_: str, date: str, **facts: Any) -> Fields:
    return {"event_id": id_, "person_id": person, "type": type_, "date": date, **facts}


def request(folder: Path, events: list[Fields] | str, name: str = "events.jsonl", **more: Any) -> Request:
    """A request with files in the folder; `events` as rows or as the text of the file."""
    folder.mkdir(parents=True, exist_ok=True)
    text = events if isinstance(events, str) else "".join(json.dumps(item) + "\n" for item in events)
    (folder / name).write_text(text, "utf-8")
    (folder / "residents.csv").write_text(more.pop("residents", RESIDENTS), "utf-8")
    (folder / "households.csv").write_text(more.pop("households", HOUSEHOLDS), "utf-8")
    records = {"resident": folder / "residents.csv", "household": folder / "households.csv"}
    if "claims" in more:
        (folder / "claims.csv").write_text(more.pop("claims"), "utf-8")
        records["claim"] = folder / "claims.csv"
    out = folder / more.pop("out", "work.jsonl")
    return Request(folder / name, records, out, folder / more.pop("journal", "work.journal"), **more)


def watched(program: Program, folder: Path, events: list[Fields] | str, **more: Any) -> Watched:
    return run_watch(program, request(folder, events, **more))


def items(folder: Path, name: str = "work.jsonl") -> list[Fields]:
    return [json.loads(line) for line in (folder / name).read_text("utf-8").splitlines()]


def brief(folder: Path) -> list[tuple[str, str, str, str, str | None]]:
    """Event, person, benefit, kind and amount of each item."""
    return [(i["event_id"], i["person_id"], i["benefit"], i["kind"], i["amount"]) for i in items(folder)]


def refused(outcome: Watched, folder: Path) -> list[str]:
    return [entry.diagnostic.show("en").replace(f"{folder}/", "") for entry in outcome.refused]
