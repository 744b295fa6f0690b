"""JSON Schema of the answer that `check --format json` prints.

In: a program. Out: JSON Schema (draft 2020-12) as plain dicts: every benefit, list of rows and decision by its name.
Invariant: `Checker.answer` prints nothing that the schema does not allow; an unknown is null.
"""

from __future__ import annotations

from typing import Final, get_args

from mianshen.closed_sets import BenefitStatus, Delivery
from mianshen.program.core import Boolean, Listing
from mianshen.program.program import Decision, Entity, Program
from mianshen.records.schema import DIALECT, Schema
from mianshen.values import ZERO, as_money

_TEXT: Final[Schema] = {"type": "string"}
_MAYBE: Final[Schema] = {"type": ["string", "null"]}
_NAMES: Final[Schema] = {"type": "array", "items": _TEXT}
_DAY: Final[Schema] = {"type": "string", "format": "date"}
_MONEY: Final[Schema] = {
    "type": ["string", "null"],
    "pattern": r"^-?[0-9]+\.[0-9]{2}$",
    "examples": [as_money(ZERO)],
}
_CLAUSE: Final[Schema] = {"source": _MAYBE, "clause": _MAYBE}


def answer_schema(program: Program) -> Schema:
    """The schema of the answer about one record."""
    return {"$schema": DIALECT, "title": "Mianshen answer", **answer_body(program)}


def answer_body(program: Program) -> Schema:
    """The schema without its dialect and title, to stand within another."""
    entry = program.entities[program.entry]
    rows = {child.children or child.name: _rows(program, child) for child in program.children_of(entry.name)}
    content: Schema = {
        entry.key: _TEXT,
        "as_of": _DAY,
        "rulebook": _object({"name": _TEXT, "digest": _TEXT, "overlays": _NAMES}, optional=["overlays"]),
        "benefits": {"type": "object", "properties": dict.fromkeys(program.benefits, _benefit()),
                     "additionalProperties": False},
        **rows,
        "decisions": {"type": "object", "additionalProperties": _ANY},
        "reversed": _list(_object({"entity": _TEXT, "key": _TEXT, "reversed_by": _TEXT})),
        "notes": _NAMES,
        "rejects": _list(_object(dict.fromkeys(("entity", "key", "field", "code", "reason", "message"), _TEXT))),
        "steps": _list({"type": "object"}),
    }  # fmt: skip
    return _object(content, optional=["decisions", "reversed", "steps"])


_ANY: Final[Schema] = {"type": ["string", "boolean", "array", "null"]}
_MISSING_FROM: Final[Schema] = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {"entity": _TEXT, "key": _TEXT, "missing": _NAMES},
        "required": ["entity", "key", "missing"],
        "additionalProperties": False,
    },
}


def _object(properties: Schema, optional: list[str] | None = None) -> Schema:
    needed = [name for name in properties if name not in (optional or [])]
    return {"type": "object", "properties": properties, "required": needed, "additionalProperties": False}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _grounds() -> Schema:
    """What benefits and rows have in common."""
    clause = _object(_CLAUSE)
    return {
        "reason": _TEXT, "reason_zh": _TEXT, "reason_en": _TEXT, "provision": _MAYBE,
        "missing": _NAMES, "missing_from": _MISSING_FROM,
        "provisional": _NAMES, "assumed": _NAMES, "clause": {"anyOf": [clause, {"type": "null"}]},
    }  # fmt: skip


def _benefit() -> Schema:
    content: Schema = {
        "status": {"enum": [*get_args(BenefitStatus)]},
        "amount": _MONEY,
        "delivery": {"enum": [*get_args(Delivery)]},
        **_grounds(),
        "paid_to": _TEXT,
        "shows": {"type": "object", "additionalProperties": _ANY},
        "of": _object({"entity": _TEXT, "key": _MAYBE}),
    }
    return _object(content, optional=["paid_to", "shows", "of"])


def _rows(program: Program, entity: Entity) -> Schema:
    outputs = program.shown.get(entity.name, ())
    values = {d.name: _value(d) for d in program.decisions if d.entity == entity.name and d.name in outputs}
    settled = _object({"settled": _TEXT, "ruled": _MAYBE, "difference": _MAYBE})
    content: Schema = {
        entity.key: _TEXT,
        **values,
        "status": {"enum": ["decided", "undetermined", "not_modelled"]},
        **_grounds(),
        "not_modelled": _NAMES,
        "settled": {"type": "object", "additionalProperties": settled},
    }
    return _list(_object(content, optional=["settled"]))


def _value(decision: Decision) -> Schema:
    titles: Schema = {"title": decision.title.zh, "description": f"{decision.title.en} ({decision.written})"}
    match decision.type:
        case Boolean():
            return titles | {"type": ["boolean", "null"]}
        case Listing():
            return titles | {"type": ["array", "null"], "items": _TEXT}
        case _:
            return titles | (_MONEY if decision.written == "money" else _MAYBE)
