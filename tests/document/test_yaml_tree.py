"""Text to tree: literal values, positions, and whatever is refused."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from mianshen.document.yaml_tree import Mapping, Node, Scalar, Sequence, read_tree


def tree(text: str) -> Node:
    root, findings = read_tree(text)
    assert findings == []
    assert root is not None
    return root


def scalar(text: str) -> Scalar:
    """The value of the first key of a text."""
    root = tree(text)
    assert isinstance(root, Mapping)
    value = root.entries[0][1]
    assert isinstance(value, Scalar)
    return value


def codes(source: str | bytes) -> list[str]:
    return [finding.code for finding in read_tree(source)[1]]


@pytest.mark.parametrize(
    "literal", ["0.75", "75%", "550000.00", "2026-01-01", "true", "0010", "1e3", "~", "null", "-1"]
)
def test_a_plain_scalar_keeps_its_literal_text(literal: str) -> None:
    assert scalar(f"k: {literal}\n").text == literal


def test_a_tree_holds_mappings_sequences_and_scalars() -> None:
    root = tree("a: [1, {b: c}]\n")
    assert isinstance(root, Mapping)
    items = root.get("a")
    assert isinstance(items, Sequence)
    first, second = items.items
    assert isinstance(first, Scalar)
    assert first.plain
    assert isinstance(second, Mapping)
    assert second.get("missing") is None


def test_only_an_unquoted_null_is_null() -> None:
    assert scalar("k:\n").null
    assert scalar("k: ~\n").null
    assert scalar("k: null\n").null
    assert not scalar('k: "null"\n').null
    assert not scalar("k: ''\n").null


def test_an_empty_text_has_no_tree_and_no_mistake() -> None:
    assert read_tree("") == (None, [])
    assert read_tree("# only a comment\n") == (None, [])


def test_json_is_read_by_the_same_reader() -> None:
    value = {"a": [1.50, "x\ty", {"b/c": None}], "名": "低保 😀", "e": [], "f": {}}
    for indent in (None, 1):
        root = tree(json.dumps(value, indent=indent))
        assert isinstance(root, Mapping)
        assert [key.text for key, _ in root.entries] == list(value)
        named = root.get("名")
        assert isinstance(named, Scalar)
        assert named.text == "低保 😀"


def test_surrogate_pairs_are_one_character() -> None:
    assert scalar('{"k": "\\ud83d\\ude00!"}').text == "😀!"
    assert scalar('k: "\\\\ud83d x \\uD83D\\uDE00"').text == "\\ud83d x 😀"


def test_surrogate_pairs_are_only_escapes_inside_double_quotes() -> None:
    root = tree("a: \\ud83d\\ude00\nb: '\\ud83d\\ude00'\nc: |\n  \\ud83d\\ude00\nd: \"\\ud83d\\ude00\"\n")
    assert isinstance(root, Mapping)
    assert [value.text for _, value in root.entries if isinstance(value, Scalar)] == [
        "\\ud83d\\ude00",
        "\\ud83d\\ude00",
        "\\ud83d\\ude00\n",
        "😀",
    ]


def test_half_a_surrogate_pair_is_a_mistake() -> None:
    assert codes('{"k": "\\ud83d"}') == ["E109"]
    assert codes('{"k": "\\ude00\\ud83d"}') == ["E109"]


def test_a_byte_order_mark_is_passed_over_and_moves_nothing() -> None:
    root, findings = read_tree(b"\xef\xbb\xbfk: v\n")
    assert findings == []
    assert isinstance(root, Mapping)
    assert root.entries[0][1].span.column == 4
    assert codes("k: v\ufeff\n") == ["E103"]


def test_an_alias_stands_for_its_anchor() -> None:
    root = tree("a: &x {k: v}\nb: *x\nc: &y 'z'\nd: *y\n")
    assert isinstance(root, Mapping)
    assert root.get("b") is root.get("a")
    quoted = root.get("d")
    assert isinstance(quoted, Scalar)
    assert (quoted.text, str(quoted.span)) == ("z", "<text>:3:7")


def test_aliases_may_not_make_a_tree_deeper_than_the_limit() -> None:
    chain = "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}]\n" for i in range(1, 2000))
    assert codes(chain) == ["E115"]


def test_doubled_keys_are_reported_and_the_first_holds() -> None:
    root, findings = read_tree("a: 1\nb: 2\na: 3\n")
    assert isinstance(root, Mapping)
    first = root.get("a")
    assert isinstance(first, Scalar)
    assert first.text == "1"
    assert [(m.code, m.span.line, m.also[0][0].line) for m in findings] == [("E111", 3, 1)]


@pytest.mark.parametrize(
    ("source", "code"),
    [
        (b"\xff", "E102"),
        (b"\xff\xfea\x00", "E102"),
        ("a: \x00", "E103"),
        ("a: \ud800", "E103"),
        ("a: b: c", "E106"),
        ("a:\n\t- b", "E107"),
        ("a：b\nc: d", "E108"),
        ('a: "\\q"', "E109"),
        ("a: 'b", "E110"),
        ("a: 1\na: 2", "E111"),
        ("a: *b", "E112"),
        ("a: &b [*b]", "E113"),
        ("[" * 5000, "E115"),
        ("- " * 5000, "E115"),
        ("<<: {}", "E116"),
        ("a: !!str b", "E117"),
        ("a: !b [c]", "E117"),
        ("a: b\n---\nc: d", "E118"),
        ("? [a]\n: b", "E119"),
        ('"": b', "E119"),
    ],
)
def test_what_cannot_be_read_is_a_mistake_with_a_code(source: str | bytes, code: str) -> None:
    assert codes(source) == [code]


def test_a_file_that_is_not_there_is_a_mistake(tmp_path: Path) -> None:
    root, findings = read_tree(tmp_path / "none.yaml")
    assert root is None
    assert [finding.code for finding in findings] == ["E101"]
    assert [finding.code for finding in read_tree(tmp_path)[1]] == ["E101"]


def test_a_file_is_named_as_given(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text("a: [", encoding="utf-8")
    assert read_tree(tmp_path / "x.yaml")[1][0].span.file == str(tmp_path / "x.yaml")
    assert read_tree("a: [", "case.json")[1][0].span.file == "case.json"


def test_the_tree_and_the_digest_come_without_pydantic() -> None:
    code = (
        "import sys, mianshen.document, mianshen.document.yaml_tree, mianshen.document.digest;"
        "mianshen.document.read_tree('a: 1'); sys.exit('pydantic' in sys.modules)"
    )
    engine = Path(__file__).parents[2] / "engine"
    subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": str(engine)}, check=True)
