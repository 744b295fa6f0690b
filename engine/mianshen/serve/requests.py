"""What a request's body says: JSON text as a tree whose places are lines and columns of the body.

In: bytes. Out: nodes, texts, dates of the members that a route knows.
Invariants: numbers are never read as floats, for the tree keeps their text; a member that no route knows is refused.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping as Members
from collections.abc import Sequence as Sequence_
from functools import lru_cache
from typing import Final

from mianshen.catalogue import diagnostic
from mianshen.document.yaml_source import YamlSource
from mianshen.document.yaml_tree import DEEPEST, REFUSED, Mapping, Node, Scalar, Sequence, read_tree
from mianshen.program.literals import read_date
from mianshen.records import diagnostics as record_diagnostics
from mianshen.source import RuleError, Span, unlined

BODY: Final = "body"
_NOWHERE: Final = YamlSource(BODY, "", (0,))


def tree(body: bytes) -> Node:
    """The body as a tree. Raises RuleError where it is empty or no JSON."""
    root, findings = read_tree(body, BODY)
    if root is None or findings:
        raise RuleError(findings or [record_diagnostics.no_record(BODY)])
    _check_json(body)
    return root


def placeless(body: bytes) -> Node | None:
    """The same tree without places, read faster; None where only `tree` can tell what the body says.

    For a body that is expected to be right: whoever finds something wrong reads it again, with places.
    """
    if b"\\" in body:
        return None
    try:
        text = body.decode("utf-8")
        value = json.loads(
            text, parse_int=_Literal, parse_float=_Literal, parse_constant=_none, object_pairs_hook=_Members
        )
        return None if REFUSED.search(text) else _node(value, DEEPEST)
    except (ValueError, RecursionError):
        return None


class _Literal(str):
    """A number as it is written."""

    __slots__ = ()


class _Members(list[tuple[str, object]]):
    """The members of an object, in order."""

    __slots__ = ()


_PLAIN: Final = {None: "null", True: "true", False: "false"}


def _node(value: object, room: int) -> Node:
    """A value as a node; ValueError where it is too deep, or a name is doubled or empty."""
    if isinstance(value, _Members):
        names = {name for name, _ in value}
        if not room or len(names) < len(value) or "" in names:
            raise ValueError
        return Mapping(tuple([(_name(name), _node(part, room - 1)) for name, part in value]), _NOWHERE, 0, 0)
    if isinstance(value, list):
        if not room:
            raise ValueError
        return Sequence(tuple([_node(part, room - 1) for part in value]), _NOWHERE, 0, 0)
    if isinstance(value, str):
        return Scalar(value, "" if isinstance(value, _Literal) else '"', _NOWHERE, 0, 0)
    return Scalar(_PLAIN[value], "", _NOWHERE, 0, 0)  # type: ignore[index]  # JSON has nothing else


@lru_cache(1024)
def _name(text: str) -> Scalar:
    return Scalar(text, '"', _NOWHERE, 0, 0)


def _check_json(body: bytes) -> None:
    """Raises RuleError at the place where YAML that can be read stops being JSON."""
    try:
        json.loads(
            body.decode("utf-8").removeprefix("\ufeff"), parse_int=str, parse_float=str, parse_constant=_none
        )
    except json.JSONDecodeError as error:
        raise RuleError([diagnostic("E895.not_json", Span(BODY, error.lineno, error.colno))]) from None
    except ValueError:
        raise RuleError([diagnostic("E895.not_json", unlined(BODY))]) from None


def _none(constant: str) -> object:
    """NaN and the infinities, which JSON does not have."""
    raise ValueError(constant)


def members(body: bytes, known: Sequence_[str], needed: Sequence_[str]) -> Members[str, Node]:
    """The members of the body, an object. Raises RuleError where one is not known or a needed one is not there."""
    root = tree(body)
    if not isinstance(root, Mapping):
        raise RuleError([diagnostic("E889.wrong_member", root.span, name=BODY, kind="object")])
    strange = [
        diagnostic("E887.no_such_member", key.span, known=", ".join(known))
        for key, _ in root.entries
        if key.text not in known
    ]
    nodes = {key.text: node for key, node in root.entries}
    absent = [diagnostic("E888.missing_member", root.span, name=name) for name in needed if name not in nodes]
    if strange or absent:
        raise RuleError([*strange, *absent])
    return nodes


def texts(nodes: Members[str, Node], name: str) -> tuple[tuple[str, Span], ...]:
    """A member that is a list of texts, each with its place; empty where it is not there."""
    node = nodes.get(name)
    if node is None:
        return ()
    items = node.items if isinstance(node, Sequence) else ()
    written = tuple((item.text, item.span) for item in items if isinstance(item, Scalar) and not item.null)
    if not isinstance(node, Sequence) or len(written) < len(items):
        raise RuleError([diagnostic("E889.wrong_member", node.span, name=name, kind="array of strings")])
    return written


def text(nodes: Members[str, Node], name: str) -> str | None:
    """A member that is a text; None where it is not there."""
    node = nodes.get(name)
    if node is None:
        return None
    if not isinstance(node, Scalar) or node.plain:
        raise RuleError([diagnostic("E889.wrong_member", node.span, name=name, kind="string")])
    return node.text


def day(nodes: Members[str, Node], name: str) -> dt.date | None:
    """A member that is a date; None where it is not there."""
    written = text(nodes, name)
    date = None if written is None else read_date(written)
    if written is not None and date is None:
        raise RuleError([record_diagnostics.bad_day(nodes[name].span, written)])
    return date


def rows(nodes: Members[str, Node], name: str) -> tuple[Node, ...]:
    """A member that is a list of rows; empty where it is not there."""
    node = nodes.get(name)
    if node is None:
        return ()
    if not isinstance(node, Sequence) or not all(
        isinstance(item, Mapping) and item.entries for item in node.items
    ):
        raise RuleError([diagnostic("E889.wrong_member", node.span, name=name, kind="array of objects")])
    return node.items
