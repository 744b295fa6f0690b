"""Small rulebooks for the tests of this room: a vocabulary, and what a test adds to it."""

from __future__ import annotations

from pathlib import Path

from mianshen.document import read
from mianshen.elaboration.build import build
from mianshen.program.program import Program
from mianshen.source import Diagnostic, RuleError

VOCABULARY = """\
rulebook: {name: small, title: Small}
entities:
  resident: {title: resident, key: person_id, area: insured_area}
  claim: {title: claim, key: claim_id, parent: resident, children: claims, date: service_date}
codes:
  care_type: {title: care type, values: {inpatient: stay, outpatient: visit, delivery: birth}}
facts:
  resident:
    person_id: {type: text, title: number}
    insured_area: {type: area, title: area}
    opening: {type: money, min: 0, when_absent: 0, title: opening}
  claim:
    claim_id: {type: text, title: number}
    service_date: {type: date, title: date}
    care_type: {type: code care_type, title: care type}
    cost: {type: money, min: 0, title: cost}
    days: {type: integer, min: 0, max: 9, title: days}
    limit: {type: integer, min: 0, max: 9, title: limit}
    urgent: {type: boolean, title: urgent}
decisions:
  resident:
    total: {type: money, title: total}
  claim:
    payment: {type: money, title: payment}
    share: {type: rate, title: share}
    level: {type: integer, title: level}
    flag: {type: boolean, title: flag}
sources:
  S1: {title: a notice}
"""
DEFAULTS = "defaults: {source: S1, clause: 1}\n"


def write(folder: Path, rules: str) -> Path:
    (folder / "vocabulary.yaml").write_text(VOCABULARY, "utf-8")
    (folder / "rules.yaml").write_text(DEFAULTS + rules, "utf-8")
    return folder


def program_of(folder: Path, rules: str) -> Program:
    program, _ = build(*read([write(folder, rules)]))
    return program


def mistakes_of(folder: Path, rules: str) -> tuple[Diagnostic, ...]:
    try:
        build(*read([write(folder, rules)]))
    except RuleError as error:
        return error.diagnostics
    return ()
