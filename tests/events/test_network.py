"""The network joins events with the program's answers, and chains; it decides nothing itself."""

from __future__ import annotations

import sys
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from mianshen.events.network import Network, Said, reached, triggers
from mianshen.program.program import Program
from mianshen.source import RuleError


def said(benefit: str, who: str = "A", status: Any = "eligible", amount: str | None = None) -> Said:
    return Said(who, benefit, who, status, None if amount is None else Decimal(amount))


def brought_up(program: Program, type_: str, *answers: Said) -> list[tuple[str, str, str]]:
    return [(due.said.who, due.said.benefit, due.by) for due in Network(program).due(type_, answers)]


def test_an_event_makes_due_what_it_triggers(program: Program) -> None:
    assert brought_up(program, "identity", said("subsidy"), said("allowance")) == [
        ("A", "subsidy", "identity")
    ]


def test_a_benefit_makes_due_what_it_triggers_and_circles_end(program: Program) -> None:
    assert brought_up(program, "birth", said("allowance"), said("visit")) == [
        ("A", "allowance", "birth"),
        ("A", "visit", "allowance"),
    ]


def test_what_is_undetermined_comes_up_and_makes_nothing_else_due(program: Program) -> None:
    answers = (said("allowance", status="undetermined"), said("visit"))
    assert brought_up(program, "birth", *answers) == [("A", "allowance", "birth")]


def test_what_is_due_to_one_person_makes_nothing_due_to_another(program: Program) -> None:
    answers = (said("allowance", "A"), said("visit", "B"), said("visit", "A"))
    assert brought_up(program, "birth", *answers) == [
        ("A", "allowance", "birth"),
        ("A", "visit", "allowance"),
    ]


def test_an_answer_comes_up_once_however_many_rules_lead_to_it(program: Program) -> None:
    benefits = {
        **program.benefits,
        "visit": replace(program.benefits["visit"], triggers=("birth", "allowance")),
    }
    result = brought_up(replace(program, benefits=benefits), "birth", said("allowance"), said("visit"))
    assert sorted(benefit for _, benefit, _ in result) == ["allowance", "visit"]


def test_every_pair_of_a_trigger_and_a_benefit_is_a_rule(program: Program) -> None:
    assert triggers(program) == {
        "identity": ("subsidy",),
        "identity_lost": ("subsidy",),
        "birth": ("allowance",),
        "visit": ("allowance",),
        "allowance": ("visit",),
        "stay": ("warning", "refund"),
    }
    assert reached(program, "birth") == {"allowance", "visit"}
    assert reached(program, "nothing") == frozenset()
    assert Network(program).reach("nothing", ["visit"]) == {"visit", "allowance"}


def test_what_facts_were_asked_for_comes_up_again_with_any_event(program: Program) -> None:
    answers = [said("allowance", "A"), said("visit", "A"), said("subsidy", "B")]
    result = Network(program).due("nothing", answers, {("A", "allowance"), ("C", "subsidy")})
    assert [(due.said.benefit, due.by) for due in result] == [
        ("allowance", "nothing"),
        ("visit", "allowance"),
    ]


def test_no_answer_and_no_rule_are_no_error(program: Program) -> None:
    assert brought_up(program, "birth") == []
    assert brought_up(program, "nothing", said("allowance")) == []
    assert brought_up(replace(program, benefits={}), "birth") == []


def test_more_events_than_contexts_can_live_are_taken_one_after_another(program: Program) -> None:
    network = Network(program)
    answers = [said("allowance", amount="9999999999999999.99"), said("visit")]
    assert all(len(network.due("birth", answers)) == 2 for _ in range(3_000))


def test_names_with_any_characters_are_only_names(program: Program) -> None:
    who = '王"五\\ {"$and": 1}'
    assert brought_up(program, "birth", said("allowance", who)) == [(who, "allowance", "birth")]


def test_a_rule_that_fails_is_not_passed_over(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    network = Network(program)
    monkeypatch.setattr(network, "_fire", None)
    with pytest.raises(RuntimeError, match="durable-rules stopped"):
        network.due("birth", [said("allowance")])


def test_without_durable_rules_it_says_so(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "durable", None)
    with pytest.raises(RuleError) as caught:
        Network(program)
    [diagnostic] = caught.value.diagnostics
    assert diagnostic.code == "E601"
    assert "durable_rules" in diagnostic.show("zh")
