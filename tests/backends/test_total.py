"""Every operator, kind of node, hit policy and function is carried everywhere: where one is missing, it is named.

A closed set is declared in one place. Types name the places that match over it; this test names the others: the
tables of examples here, the words of the grammar, the texts that tell how a function is used, the printers and the
generator of random rulebooks. Each example is decided by every back end.
"""

from __future__ import annotations

import json
import random
import re
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Literal, get_args

import pytest
from tests.support import rulebooks
from tests.support.agreement import by_interpreter, differences, rows_of
from tests.support.compiled import compiled_differences
from tests.support.homes import AS_OF, Record, homes
from tests.support.rulebooks import Doc

from mianshen import closed_sets
from mianshen.casework import wording as casework_words
from mianshen.casework.notice import phrases
from mianshen.document import read
from mianshen.elaboration.build import build
from mianshen.exchange.decisions import POLICIES as DMN_POLICIES
from mianshen.formulas.usage import USAGE
from mianshen.interpreter.formula import to_text
from mianshen.native import library
from mianshen.native.library import compiler
from mianshen.native.placing import Status
from mianshen.past_runs import verify
from mianshen.policy import rule_diff
from mianshen.policy.mutation import nodes as mutated
from mianshen.program import core
from mianshen.program.core import Core, Derived, Op, Operator, Primitive, walk
from mianshen.program.lower import lowered
from mianshen.program.operators import ALL_FUNCTIONS, ROUNDINGS
from mianshen.program.periods import SPANS
from mianshen.program.program import Program
from mianshen.program.stages import nodes_of
from mianshen.proof import prover
from mianshen.source import Span, Text
from mianshen.syntax import parse_expression, tree
from mianshen.syntax.printer import to_text as surface_text
from mianshen.syntax.words import CALLED, KEYWORDS, SPACED
from mianshen.values import _DECIMAL_MODE
from mianshen.wording import wording
from mianshen_cli.wording import wording as cli_wording

# A formula at a claim for each operator: (type of its value, text). None: only lowering makes it.
OPERATORS: Final[dict[Operator, tuple[str, str] | None]] = {
    "neg": ("money", "-cost"),
    "add": ("money", "cost + extra"),
    "sub": ("money", "cost - extra"),
    "mul": ("money", "small * factor"),
    "abs": ("money", "abs(extra)"),
    "min": ("money", "min(cost, extra, small)"),
    "max": ("money", "max(cost, extra)"),
    "eq": ("boolean", "cost = extra"),
    "ne": ("boolean", "cost != extra"),
    "lt": ("boolean", "cost < extra"),
    "le": ("boolean", "cost <= extra"),
    "gt": ("boolean", "cost > extra"),
    "ge": ("boolean", "cost >= extra"),
    "and": ("boolean", "urgent and cost > 1"),
    "or": ("boolean", "urgent or cost > 1"),
    "not": ("boolean", "not(urgent)"),
    "age": ("integer", "age on(resident.born, seen)"),
    "year": ("integer", "seen.year"),
    "month": ("integer", "seen.month"),
    "day": ("integer", "seen.day"),
    "days_between": ("integer", "days between(day, seen)"),
    "add_months": ("date", 'seen + duration("P1M")'),
    "add_days": ("date", 'seen - duration("P5D")'),
    "working_day": ("boolean", "working day(seen)"),
    "add_working_days": ("date", "add working days(seen, 3)"),
    "working_day_of_month": ("date", "working day of month(seen, 5)"),
    "working_days_between": ("integer", "working days between(day, seen)"),
    "list_count": ("integer", "count(items)"),
    "list_distinct": ("integer", "distinct count(items)"),
    "list_contains": ("boolean", 'contains(items, "primary")'),
    "holds": None,
    "place_prefix": None,
}
# The same for each kind of node.
NODES: Final[dict[type[Core], tuple[str, str] | None]] = {
    core.Const: ("money", "5.00"),
    core.FactRef: ("money", "cost"),
    core.DecisionRef: ("boolean", "not(operator_not)"),
    core.ParameterRef: ("money", "p_money"),
    core.AsOf: ("date", "as_of"),
    core.Op: ("money", "cost + 1"),
    core.Within: ("boolean", 'within(hospital, "31", "11")'),
    core.If: ("money", "if urgent then cost else extra"),
    core.Round: ("money", "round half up(cost / 3, 2)"),
    core.IsKnown: ("boolean", "ward is known"),
    core.Aggregate: ("resident money", "sum(claims[urgent].cost)"),
    core.YearToDate: ("money", "year to date(acc)"),
    core.SamePlace: ("boolean", "hospital = resident.insured_area"),
    core.InSet: ("boolean", 'care in ("inpatient", "chronic")'),
    core.Marginal: ("number", "marginal(cost, p_scale)"),
    core.Earlier: None,  # SQL refuses it; tests/rulebooks has one
    core.FigureAt: ("money", "p_money at seen"),
    core.BenefitYear: ("integer", "benefit year(seen, year_two)"),
    core.Choice: None,  # each hit policy has a table below
    core.MissingFigure: None,
    core.InForce: None,
    core.NoValue: None,
    core.Fail: None,
}
AGGREGATES: Final[dict[closed_sets.AggregateKind, tuple[str, str]]] = {
    "sum": ("resident money", "sum(claims.cost)"),
    "count": ("resident integer", "count(claims[urgent])"),
    "min": ("resident money", "min(claims.cost)"),
    "max": ("resident money", "max(claims.cost)"),
    "some": ("resident boolean", "some c in claims satisfies c.urgent"),
    "every": ("resident boolean", "every c in claims satisfies c.urgent"),
    "first": ("household boolean", "some m in first(members) satisfies m.insured_area is known"),
}
# What a table gives whose rows say 50 where urgent, 20 where the cost is above 10 and 50 where it is above 20.
POLICIES: Final[dict[closed_sets.ChoicePolicy, dict[tuple[bool, int], object]]] = {
    "any": {(True, 0): 50, (False, 15): 20, (True, 30): "rejected", (False, 0): None, (True, 15): "rejected"},
    "first": {(True, 0): 50, (False, 15): 20, (True, 30): 50, (False, 0): None, (False, 30): 20},
    "collect sum": {(True, 0): 50, (False, 15): 20, (True, 30): 120, (False, 0): None},
    "collect min": {(True, 0): 50, (False, 15): 20, (True, 30): 20, (False, 0): None},
    "collect max": {(True, 0): 50, (False, 15): 20, (True, 30): 50, (False, 0): None},
    "collect count": {(True, 0): 1, (False, 15): 1, (True, 30): 3, (False, 0): None},
}


def members(of: Any) -> set[Any]:
    """The members of a `Literal` or union, those of unions within it one by one."""
    results: set[Any] = set()
    for member in get_args(of):
        results |= members(member) if get_args(member) else {member}
    return results


def built(folder: Path, doc: Doc) -> Program:
    (folder / "rules.yaml").write_text(json.dumps(doc, ensure_ascii=False), encoding="utf-8")
    return build(*read([folder / "rules.yaml"]))[0]


def base() -> Doc:
    """Vocabulary, figures and calendar of the random rulebooks, without their decisions."""
    draft = rulebooks.Drafting(random.Random(8), depth=1)
    draft.risky = False
    draft.figures()
    whole = rulebooks.rulebook(random.Random(8), 1, calendar=True)
    stored = ("rulebook", "defaults", "sources", "entities", "codes", "facts", "calendar")
    return {
        **{section: whole[section] for section in stored},
        "parameters": draft.doc["parameters"],
        "decisions": {},
        "provisions": {},
    }


def decided(doc: Doc, name: str, typed: str, **provision: Any) -> None:
    """Add a decision and its one provision; `typed`: a type, at the claim unless an entity stands before it."""
    entity, _, written = typed.rpartition(" ")
    decisions = doc["decisions"].setdefault(entity or "claim", {})
    decisions[name] = {"type": written, "title": rulebooks.TITLE}
    doc["provisions"][f"{name}_given"] = {"decision": name, **provision}


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """A rulebook with a decision for each example."""
    doc = base()
    decided(doc, "paid", "money", value="small", annual_limit={"accumulator": "acc", "limit": "100"})
    doc["accumulators"] = {"acc": {"title": rulebooks.TITLE, "sums": "paid"}}
    examples = {f"operator_{op}": example for op, example in OPERATORS.items()}
    examples |= {f"node_{node.__name__.lower()}": example for node, example in NODES.items()}
    examples |= {f"aggregate_{kind}": example for kind, example in AGGREGATES.items()}
    for mode in ROUNDINGS:
        text = f"{mode}(extra)" if mode in ("floor", "ceiling") else f"{mode}(extra, 1)"
        examples[f"rounding_{mode.replace(' ', '_')}"] = ("money", text)
    for name, example in examples.items():
        if example is not None:
            decided(doc, name, example[0], value=example[1])
    return built(tmp_path_factory.mktemp("total"), doc)


def nodes(program: Program) -> list[Core]:
    """Every node of a program, derived ones beside what they are lowered to."""
    results = [node for d in program.decisions for root in nodes_of(d) for node in walk(root)]
    for node in results:
        if isinstance(node, Derived):
            results += walk(lowered(node, program.parameters))
    return results


@pytest.mark.parametrize(
    ("declared", "examples"),
    [(Operator, OPERATORS), (Core, NODES), (closed_sets.AggregateKind, AGGREGATES),
     (closed_sets.ChoicePolicy, POLICIES), (closed_sets.HitPolicy, DMN_POLICIES),
     (closed_sets.RoundingMode, set(ROUNDINGS.values()))],
    ids=["operators", "nodes", "aggregates", "hit policies", "hit policies of DMN", "roundings"],
)  # fmt: skip
def test_each_member_of_a_closed_set_has_an_example(declared: Any, examples: Any) -> None:
    assert members(declared) == set(examples)


@pytest.mark.parametrize(
    ("declared", "tables"),
    [
        (closed_sets.Basis, [casework_words.BASIS]),
        (closed_sets.Delivery, [casework_words.DELIVERY, phrases.DELIVERY]),
        (closed_sets.BenefitStatus, [casework_words.STATUS]),
        (closed_sets.BenefitStatus | closed_sets.RowStatus, [phrases.STATUS]),
        (Literal[closed_sets.ProvisionStatus, "planned"], [rule_diff._STATUS]),
        (closed_sets.Period, [SPANS, wording.group("periods")]),
        (closed_sets.RoundingMode, [_DECIMAL_MODE, mutated.ROUNDED]),
        (closed_sets.AggregateKind, [mutated.AGGREGATED]),
        (closed_sets.ChoicePolicy, [mutated.CHOSEN]),
        (prover.Verdict, [cli_wording.group("prove.verdicts")]),
        (verify.Outcome, [cli_wording.group("verify_run.outcomes")]),
    ],
    ids=str,
)
def test_each_table_has_every_member_of_its_closed_set(declared: Any, tables: list[dict[str, Any]]) -> None:
    """No type says that a table of words has a line for each; here they are named."""
    for number, table in enumerate(tables):
        assert members(declared) - set(table) == set(), (number, list(table))


def test_the_compiled_program_numbers_what_becomes_of_rows_as_python_does() -> None:
    text = (Path(library.__file__).parent / "rows.c").read_text("utf-8")
    listed = re.search(r"/\* Places of `STATUSES`\. \*/\s*enum \{([^}]*)\}", text)
    assert listed is not None
    names = [name.strip().lower() for name in listed[1].split(",")]
    renamed = {"unplaced": "history_unreadable"}
    assert [renamed.get(name, name) for name in names] == [*get_args(Status)]


def test_the_examples_hold_what_they_stand_for(everything: Program) -> None:
    seen = nodes(everything)
    operators = {node.op for node in seen if isinstance(node, Op)}
    assert {op for op, example in OPERATORS.items() if example} - operators == set()
    assert {kind for kind, example in NODES.items() if example} - {type(node) for node in seen} == set()


def test_each_example_means_the_same_on_every_back_end(everything: Program) -> None:
    people = homes(random.Random(4), everything, 12)
    assert differences(everything, people) == []
    if compiler() is not None:
        assert compiled_differences(everything, people) == []


def test_each_node_can_be_printed(everything: Program) -> None:
    assert all(to_text(node, "claim") for node in nodes(everything))


@pytest.mark.parametrize("policy", sorted(members(closed_sets.ChoicePolicy)))
def test_each_hit_policy_gives_what_it_says(policy: closed_sets.ChoicePolicy, tmp_path: Path) -> None:
    doc = base()
    doc["decisions"] = {"claim": {"given": {"type": "integer", "title": rulebooks.TITLE}}}
    cells = [("true", "-", "50"), ("-", "> 10", "20"), ("-", "> 20", "50")]
    rows = [{"id": f"r{i}", "cells": [a, b], "value": value} for i, (a, b, value) in enumerate(cells)]
    doc["tables"] = {
        "t": {"decision": "given", "inputs": ["urgent", "cost"], "hit_policy": policy, "rows": rows}
    }
    del doc["provisions"]
    program = built(tmp_path, doc)
    people = [person(urgent, cost) for urgent, cost in POLICIES[policy]]
    answers = by_interpreter(
        program, [row for row in rows_of(program, people, AS_OF) if row.parent is None], AS_OF
    )
    for urgent, cost in POLICIES[policy]:
        wanted = POLICIES[policy][urgent, cost]
        answer = answers["claim", f"C-{urgent}-{cost}"]
        shown = "rejected" if "rejected" in answer else answer["given"]
        assert shown == ("not modelled" if wanted is None else wanted)
    assert differences(program, people) == []
    if compiler() is not None:
        assert compiled_differences(program, people) == []


def person(urgent: bool, cost: int) -> Record:
    """A household with one claim."""
    facts: dict[str, Any] = {"day": AS_OF, "urgent": urgent, "cost": Decimal(cost)}
    claim = Record("claim", f"C-{urgent}-{cost}", facts)
    resident = Record("resident", f"P-{urgent}-{cost}", {}, children=[claim])
    return Record("household", f"H-{urgent}-{cost}", {}, children=[resident])


# -- words -------------------------------------------------------------------------------------------


def test_the_grammar_reads_and_prints_every_function_and_operator() -> None:
    span = Span("", 1, 1)
    literals = {"date": "2026-01-31", "duration": "P1M"}
    for name in ALL_FUNCTIONS:
        argument = tree.String(literals[name], span) if name in literals else tree.Name("a", span)
        call = tree.Not(argument, span) if name == "not" else tree.Function(name, (argument,), span)
        text = surface_text(call)
        assert surface_text(parse_expression(Text.inline(text))) == text
    for op in members(tree.BinaryOp):
        text = surface_text(tree.Binary(op, tree.Name("a", span), tree.Name("b", span), span))
        assert surface_text(parse_expression(Text.inline(text))) == text == f"a {op} b"


def test_every_function_has_a_text_that_tells_how_it_is_used() -> None:
    assert set(USAGE) == set(ALL_FUNCTIONS)


def test_every_function_is_known_where_its_brackets_are_forgotten() -> None:
    spelt = {name for name in ALL_FUNCTIONS if KEYWORDS.isdisjoint(name.split())}
    assert spelt == {*CALLED, *SPACED}


def test_the_generator_writes_every_function_operator_and_hit_policy() -> None:
    drafts = [rulebooks.rulebook(random.Random(seed), calendar=seed % 4 == 0) for seed in range(300)]
    policies = {table["hit_policy"] for doc in drafts for table in doc.get("tables", {}).values()}
    assert policies == members(closed_sets.HitPolicy)
    text = json.dumps(drafts)
    assert {name for name in ALL_FUNCTIONS if not re.search(rf"\b{name}\(", text)} == set()
    assert {op for op in members(tree.BinaryOp) if f" {op} " not in text} == set()
    assert {
        kind
        for kind in members(closed_sets.AggregateKind)
        if f"{kind} one in" not in text and f"{kind}(" not in text
    } == set()


def test_primitive_and_derived_nodes_are_apart() -> None:
    assert members(Primitive).isdisjoint(members(Derived))
