"""Whatever a file holds, reading it ends in a document and mistakes, never in a traceback."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from tests.document.rulebook import RULES, VOCABULARY

from mianshen.document import Document, Mapping, Node, Scalar, Sequence, read, read_tree
from mianshen.source import Diagnostic

BASE = (VOCABULARY + RULES).encode()
OVERLAY = b"""\
overlay: {name: change, title: {zh: x, en: y}}
provisions: {added: {decision: basic_payment, value: 1}}
replace: {parameters: {employee_rate: {type: rate, title: x, values: [{from: 2025-01-01, value: 0.9}]}}}
remove: {provisions: [everywhere]}
switch_on: later
"""
PARTS = b"""\
overlay: {name: change, title: {zh: x, en: y}, source: S2, clause: 1}
set:
  employee_rate: [{from: 2025-01-01, until: 2025-12-31, value: 0.9}, {from: 2026-07-01, value: 91%}]
  scale: {from: 2026-01-01, value: [{over: 0, rate: 50%}]}
extend:
  codes: {care_type: {day_surgery: {zh: x, en: y}, other: z}}
  rows: {deductibles: [{id: last, cells: [-, -], value: 5}]}
replace: {rows: {deductibles: {tertiary: {cells: ['-', '-'], value: 1200}}}}
"""
SCRAPS = (
    b"", b" ", b"\n", b"  ", b"\t", b":", b": ", b"- ", b"#", b"'", b'"', b"\\", b"|", b">", b"&a ", b"*a", b"!x ",
    b"{", b"}", b"[", b"]", b",", b"?", b"%", b"@", b"<<: ", b"null", b"~", b"true", b"yes", b"1e9", b"---\n",
    b"...\n", b"\xff", b"\x00", b"\xef\xbb\xbf", "：".encode(), "“".encode(), "中".encode(), b"\\ud83d", b"\r",
    b"provisions:\n", b"overlay: {name: x, title: x}\n", b"zh", b"from", b"2021-02-30",
)  # fmt: skip
Plain: TypeAlias = "str | int | bool | list[Plain] | dict[str, Plain] | None"


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as place:
        yield Path(place)


def scalar_count(node: Node) -> int:
    match node:
        case Scalar():
            return len(node.located.positions) and 1
        case Sequence(items):
            return sum(map(scalar_count, items))
        case Mapping(entries):
            return sum(scalar_count(key) + scalar_count(value) for key, value in entries)


def assert_well_formed(findings: tuple[Diagnostic, ...] | list[Diagnostic], *contents: bytes) -> None:
    most_lines = max(len(content.splitlines()) for content in contents) + 1
    for finding in findings:
        assert finding.code != "E130", f"has no sentence of its own: {finding}"
        assert 1 <= finding.span.line <= most_lines
        assert finding.span.column >= 1
        assert all(finding.show(lang) for lang in ("zh", "en"))


def visit(document: Document) -> None:
    """Ask for every formula, as later rooms do."""
    for name, provision in document.provisions.items():
        assert document.text("provisions", name, "value").value == provision.value
    for name, table in document.tables.items():
        for number, row in enumerate(table.rows):
            for place, cell in enumerate(row.cells):
                assert document.text("tables", name, "rows", number, "cells", place).value == cell
    for name, parameter in document.parameters.items():
        for number, value in enumerate(parameter.values):
            if isinstance(value.value, str):
                assert document.text("parameters", name, "values", number, "value").value == value.value
            assert document.span("parameters", name, "values", number, "source").line >= 1


def read_bytes(folder: Path, content: bytes, overlay: bytes | None = None) -> tuple[Diagnostic, ...]:
    (folder / "rules.yaml").write_bytes(content)
    overlays = []
    if overlay is not None:
        overlays = [folder / "overlays" / "x.yaml"]
        overlays[0].parent.mkdir(exist_ok=True)
        overlays[0].write_bytes(overlay)
    document, findings = read([folder], overlays)
    visit(document)
    assert_well_formed(findings, content, overlay or b"")
    return findings


@st.composite
def damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    """A few cuts and insertions anywhere in a valid file."""
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(whole)))
        end = min(len(whole), start + draw(st.sampled_from((0, 0, 1, 2, 5, 40))))
        whole = whole[:start] + draw(st.sampled_from(SCRAPS)) + whole[end:]
    return whole


LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.sampled_from(["", "x", "31", "2021-01-01", "yes", "基本", "A b", "0.75", "cited", "<<", "first"]),
)
ANYTHING: st.SearchStrategy[Plain] = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["zh", "en", "from", "value", "over", "title", "x", "", "rows", "cells"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)


@st.composite
def misshapen(draw: st.DrawFn, whole: bytes) -> bytes:
    """A valid file in which some values are replaced by anything, and some keys renamed."""
    root: Any = yaml.safe_load(whole.replace(b"-01", b"_01"))
    for _ in range(draw(st.integers(1, 3))):
        node: Any = root
        while isinstance(node, dict | list) and node:
            keys = list(node) if isinstance(node, dict) else list(range(len(node)))
            key = draw(st.sampled_from(keys))
            inner = node[key]
            if not isinstance(inner, dict | list) or draw(st.integers(0, 3)) == 0:
                node[key] = draw(ANYTHING)
                break
            node = inner
    text: str = yaml.safe_dump(root, allow_unicode=True, sort_keys=False)
    return text.replace("_01", "-01").encode()


def test_the_file_the_others_are_made_from_has_no_mistakes(folder: Path) -> None:
    assert read_bytes(folder, BASE, PARTS) == ()
    assert [finding.code for finding in read_bytes(folder, BASE, OVERLAY)] == [
        "E149"
    ]  # of history, a warning


@given(content=st.binary(max_size=60))
def test_random_bytes_end_in_a_tree_or_mistakes(content: bytes) -> None:
    root, findings = read_tree(content)
    assert_well_formed(findings, content)
    if root is not None:
        scalar_count(root)


@given(content=st.lists(st.sampled_from(SCRAPS), max_size=12).map(b"".join))
def test_random_scraps_of_yaml_end_in_a_tree_or_mistakes(content: bytes) -> None:
    root, findings = read_tree(content)
    assert_well_formed(findings, content)
    if root is not None:
        scalar_count(root)


@given(text=st.text(max_size=30))
def test_random_text_ends_in_a_tree_or_mistakes(text: str) -> None:
    _, findings = read_tree(text)
    assert_well_formed(findings, text.encode("utf-8", "replace"))


@given(content=damaged(BASE))
def test_a_damaged_rulebook_ends_in_a_document_and_mistakes(folder: Path, content: bytes) -> None:
    read_bytes(folder, content)


@given(content=damaged(OVERLAY) | damaged(PARTS))
def test_a_damaged_overlay_ends_in_a_document_and_mistakes(folder: Path, content: bytes) -> None:
    read_bytes(folder, BASE, content)


@given(content=misshapen(BASE))
def test_a_misshapen_rulebook_ends_in_a_document_and_mistakes(folder: Path, content: bytes) -> None:
    read_bytes(folder, content)


@given(content=misshapen(OVERLAY) | misshapen(PARTS))
def test_a_misshapen_overlay_ends_in_a_document_and_mistakes(folder: Path, content: bytes) -> None:
    read_bytes(folder, BASE, content)
