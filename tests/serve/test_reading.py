"""Bodies read without places: the same tree as with them, or none."""

from __future__ import annotations

import json
from typing import Any

from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from mianshen.document.yaml_tree import Mapping, Node, Scalar
from mianshen.serve.requests import placeless, tree
from mianshen.source import RuleError

TEXTS = st.text(st.characters(codec="utf-8"), max_size=5)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXTS),
    lambda parts: st.one_of(st.lists(parts, max_size=3), st.dictionaries(TEXTS, parts, max_size=3)),
    max_leaves=8,
)


def plain(node: Node | None) -> Any:
    """What a tree says, without places."""
    match node:
        case None:
            return None
        case Scalar():
            return node.text, node.plain
        case Mapping():
            return {key.text: plain(part) for key, part in node.entries}
        case _:
            return [plain(part) for part in node.items]


@given(VALUES)
def test_a_tree_without_places_says_the_same(value: object) -> None:
    body = json.dumps(value, ensure_ascii=False).encode()
    quick = placeless(body)
    try:
        placed = tree(body)
    except RuleError:
        assert quick is None
    else:
        assert quick is None or plain(quick) == plain(placed)


def test_amounts_keep_their_digits() -> None:
    assert plain(placeless(b'{"a": 60300.10, "b": [1e5, "07", null, true]}')) == {
        "a": ("60300.10", True),
        "b": [("1e5", True), ("07", False), ("null", True), ("true", True)],
    }


def test_what_only_the_reader_with_places_can_tell_is_left_to_it() -> None:
    doubled, deep, escaped = b'{"a": 1, "a": 2}', b"[" * 200 + b"]" * 200, b'"\\ud83d\\ude00"'
    assert [placeless(body) for body in (doubled, deep, escaped, b"a: 1", b"", b"\xff", b"[NaN]")] == [
        None
    ] * 7


def test_a_mistake_has_its_place_in_the_body(local: TestClient) -> None:
    body = '{\n"as_of": "2026-11-21",\n"resident": {"person_id": "P1"},\n"claim": []}'
    (finding,) = local.post("/check", content=body).json()["diagnostics"]
    assert (finding["line"], finding["column"]) == (4, 1)
