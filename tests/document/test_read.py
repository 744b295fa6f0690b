"""A rulebook's files become one document: values as written, defaults filled in, places kept."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from tests.document.rulebook import RULES, read_valid, write_rulebook

from mianshen.document import Document, read
from mianshen.document.model import AnnualLimit, Bracket
from mianshen.source import Span, unlined


@pytest.fixture
def document(tmp_path: Path) -> Document:
    return read_valid(write_rulebook(tmp_path))


def place(span: Span) -> tuple[str, int, int]:
    return Path(span.file).name, span.line, span.column


def line_of(text: str) -> int:
    return next(number for number, line in enumerate(RULES.splitlines(), 1) if text in line)


def test_every_section_is_read(document: Document) -> None:
    assert document.header is not None
    assert document.header.title.zh == "示例"
    assert list(document.entities) == ["resident", "claim"]
    assert document.entities["claim"].checks[0].condition == "total_cost >= 0"
    assert document.codes["care_type"].values["outpatient"].en == "门诊"
    assert list(document.facts["claim"]) == ["total_cost", "care_type"]
    assert document.decisions["claim"]["basic_payment"].output
    assert document.sources["S2"].number == "2019-1"
    assert document.out_of_scope[0].clause == ("9",)
    assert list(document.benefits) == ["aid"]
    assert document.overlays == ()


def test_values_keep_their_literal_text(document: Document) -> None:
    values = document.parameters["employee_rate"].values
    assert [value.value for value in values] == ["75%", "0.80", None]
    fact = document.facts["resident"]["opening_basic_paid"]
    assert (fact.when_absent, fact.min) == ("0.00", "0")
    assert document.parameters["scale"].values[0].value == (
        Bracket(over="0", rate="60%"),
        Bracket(over="50000.00", rate="70%"),
    )


def test_formulas_that_look_like_numbers_or_booleans_stay_text(document: Document) -> None:
    assert (document.provisions["everywhere"].when, document.provisions["everywhere"].value) == ("true", "0")
    assert document.tables["deductibles"].rows[1].cells == ("-", "-")
    limit = document.provisions["shanghai_employee_basic"].annual_limit
    assert isinstance(limit, AnnualLimit)
    assert limit.limit == "550000"


def test_defaults_fill_provisions_and_tables(document: Document) -> None:
    provision = document.provisions["shanghai_employee_basic"]
    assert provision.area == ("31",)
    assert provision.from_ == dt.date(2020, 1, 1)
    assert (provision.source, provision.clause, provision.basis) == ("S2", "一（三）5", "cited")
    assert document.tables["deductibles"].area == ("31",)
    assert document.tables["deductibles"].rows[0].area is None


def test_an_explicit_null_sets_a_default_aside(document: Document) -> None:
    assert document.provisions["everywhere"].area is None


def test_values_of_parameters_take_their_parameters_words_before_the_defaults(document: Document) -> None:
    first, second, third = document.parameters["employee_rate"].values
    assert first.from_ == dt.date(2020, 1, 1)
    assert (first.clause, second.clause) == ("二（一）", "3")
    assert (first.basis, third.basis) == ("cited", "missing")
    assert first.review_by == dt.date(2027, 12, 31)
    assert first.source == "S2"


def test_defaults_hold_for_their_own_file_only(tmp_path: Path) -> None:
    folder = write_rulebook(tmp_path, other="provisions:\n  p: {decision: basic_payment, value: 1}\n")
    assert read_valid(folder).provisions["p"].area is None


def test_places_of_what_is_written(document: Document) -> None:
    formula = line_of("value: (total_cost")
    assert place(document.span("provisions", "shanghai_employee_basic", "value")) == (
        "rules.yaml",
        formula,
        12,
    )
    assert place(document.span("provisions", "shanghai_employee_basic"))[1:] == (
        line_of("shanghai_employee_basic:"),
        3,
    )
    row = line_of("id: tertiary")
    assert place(document.span("tables", "deductibles", "rows", 0))[1:] == (row, 9)
    assert place(document.span("tables", "deductibles", "rows", 0, "cells", 1))[1:] == (row, 47)
    assert place(document.span("parameters", "employee_rate", "values", 1, "from"))[1:] == (
        line_of("75%"),
        35,
    )
    assert place(document.span("facts", "claim", "total_cost", "type")) == ("vocabulary.yaml", 15, 24)
    assert place(document.span("header", "name")) == ("vocabulary.yaml", 1, 18)
    assert place(document.span("out_of_scope", 0, "subject"))[0] == "vocabulary.yaml"


def test_what_is_not_written_is_shown_at_the_defaults_or_at_the_nearest_ancestor(document: Document) -> None:
    assert place(document.span("provisions", "later", "area"))[1:] == (1, 18)
    assert place(document.span("provisions", "later", "from_"))[1:] == (1, 30)
    assert place(document.span("parameters", "employee_rate", "values", 0, "clause"))[1:] == (
        line_of("二（一）"),
        13,
    )
    assert place(document.span("parameters", "employee_rate", "values", 0, "review_by"))[1] == 1
    assert document.span("provisions", "later", "when") == document.span("provisions", "later")
    assert document.span("provisions", "none") == document.span("provisions")
    assert document.span("nothing", "at", "all") == unlined(document.files[0])


def test_a_scalar_given_for_a_list_or_a_title_is_its_own_place(document: Document) -> None:
    assert place(document.span("provisions", "later", "area", 0))[1:] == (1, 18)
    title = document.span("parameters", "scale", "title")
    assert document.span("parameters", "scale", "title", "zh") == title


def test_texts_know_the_place_of_each_character(document: Document) -> None:
    text = document.text("provisions", "shanghai_employee_basic", "when")
    assert text.value == 'resident.covered\n  and care_type = "inpatient"\n'
    start = text.value.index("care_type")
    span = text.span(start, start + len("care_type"))
    assert (span.line, span.column, span.end_column) == (line_of("and care_type"), 13, 22)
    cell = document.text("tables", "deductibles", "rows", 0, "cells", 1)
    assert (cell.value, cell.span(0, 1).column) == ('"tertiary"', 48)
    assert document.text("provisions", "later", "when").value == ""


def test_a_broken_entry_is_left_out_and_remembered(tmp_path: Path) -> None:
    folder = write_rulebook(
        tmp_path,
        bad="provisions:\n  p: {decision: d}\nfacts:\n  claim:\n    x: {type: money}\n",
    )
    document, findings = read([folder])
    assert len(findings) == 2
    assert "p" not in document.provisions
    assert document.is_broken("provisions", "p")
    assert document.broken("provisions") == {"p"}
    assert not document.is_broken("provisions", "later")
    assert document.is_broken("facts", "claim", "x")
    assert not document.is_broken("facts", "claim", "y")
    assert document.span("provisions", "p").line == 2


def test_anything_may_be_in_a_section_or_file_that_cannot_be_read(tmp_path: Path) -> None:
    misspelt, _ = read([write_rulebook(tmp_path, bad="provision:\n  p: {}\n")])
    assert misspelt.is_broken("provisions", "p")  # read as the section it was meant for
    assert not misspelt.is_broken("provisions", "anything")
    twice, _ = read([write_rulebook(tmp_path, bad="provision:\n  p: {}\nprovisions: {}\n")])
    assert twice.is_broken("provisions", "anything")
    assert not twice.is_broken("tables", "anything")
    unreadable, _ = read([write_rulebook(tmp_path, bad="provisions: [")])
    assert unreadable.is_broken("tables", "anything")
    assert unreadable.provisions


def test_a_faulty_default_is_reported_once_and_not_missed_by_entries(tmp_path: Path) -> None:
    text = """\
defaults: {from: 2020-1-1, source: S9}
parameters:
  a: {type: rate, title: 甲, values: [{value: 1}]}
  b: {type: rate, title: 乙, values: [{from: 2020-01-01, value: 1}]}
"""
    document, findings = read([write_rulebook(tmp_path, bad=text)])
    assert [finding.code for finding in findings] == ["E126"]
    assert document.is_broken("parameters", "a")
    assert document.parameters["b"].values[0].source == "S9"


def test_a_section_may_be_empty(tmp_path: Path) -> None:
    read_valid(write_rulebook(tmp_path, more="provisions:\ntables: {}\nout_of_scope:\n", nothing="# later\n"))


def test_files_are_read_in_the_order_of_their_names_without_overlays_and_hidden_ones(tmp_path: Path) -> None:
    write_rulebook(tmp_path, overlays__x="overlay: {name: x, title: x}", _hidden__y="codes: {}")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "z.yaml").write_text("?", encoding="utf-8")
    names = [Path(file).relative_to(tmp_path).as_posix() for file in read_valid(tmp_path).files]
    assert names == ["_hidden/y.yaml", "shanghai/rules.yaml", "vocabulary.yaml"]


def test_a_file_named_twice_is_read_once(tmp_path: Path) -> None:
    write_rulebook(tmp_path)
    _, findings = read([tmp_path, tmp_path / "vocabulary.yaml"])
    assert findings == ()


def test_a_missing_folder_is_a_mistake_and_not_an_error(tmp_path: Path) -> None:
    document, findings = read([tmp_path / "none"])
    assert [finding.code for finding in findings] == ["E101"]
    assert document.provisions == {}


def test_an_unreadable_name_is_a_mistake() -> None:
    _, findings = read([Path("a\0b")])
    assert [finding.code for finding in findings] == ["E101"]


def test_mistakes_come_in_the_order_of_files_and_lines(tmp_path: Path) -> None:
    folder = write_rulebook(
        tmp_path,
        b="provisions:\n  q: {decision: d}\n  p: {value: 1}\n",
        a="tables: 1\n",
    )
    _, findings = read([folder])
    places = [(Path(finding.span.file).name, finding.span.line) for finding in findings]
    assert places == [("a.yaml", 1), ("b.yaml", 2), ("b.yaml", 3)]


@pytest.mark.parametrize(
    ("value", "meant"),
    [("yes", "true"), ("off", "false"), ("1", "true"), ("True", "true"), ("maybe", "true or false")],
)
def test_only_true_and_false_are_booleans(tmp_path: Path, value: str, meant: str) -> None:
    text = f"facts: {{claim: {{x: {{type: money, title: x, required: {value}}}}}}}\n"
    _, (finding,) = read([write_rulebook(tmp_path, bad=text)])
    assert finding.code == "E127"
    assert finding.fix.en == f"Write {meant}"


@pytest.mark.parametrize(
    "value", ["2021-02-29", "20210101", "1767225600", "2021-01-01T00:00:00", "２０２１-01-01"]
)
def test_only_days_are_dates(tmp_path: Path, value: str) -> None:
    text = f"provisions: {{p: {{decision: d, value: 1, from: {value}}}}}\n"
    _, (finding,) = read([write_rulebook(tmp_path, bad=text)])
    assert finding.code == "E126"


def test_python_names_of_keys_are_not_keys(tmp_path: Path) -> None:
    _, (finding,) = read(
        [write_rulebook(tmp_path, bad="provisions: {p: {decision: d, value: 1, from_: 2020-01-01}}\n")]
    )
    assert (finding.code, finding.fix.en) == ("E121", "Perhaps from is meant")
