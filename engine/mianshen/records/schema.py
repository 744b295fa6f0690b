"""JSON Schemas of records and case files: every fact, code and decision the vocabulary has.

In: a program. Out: JSON Schema (draft 2020-12) as plain dicts, for editors and for other front ends.
Invariants: names, codes and labels are those that `check` reads. The reader takes a number or a boolean
as text too, and null always; so does the schema.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final, TypeAlias

from mianshen.program.core import AsOf, Boolean, Code, Date, Listing, Numeric, Type
from mianshen.program.program import Entity, Fact, Program
from mianshen.records.monthly import EVERY_MONTH_UNTIL
from mianshen.records.versions import HISTORY

Schema: TypeAlias = dict[str, Any]
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_WORDS: Final[Schema] = {"type": "array", "items": {"type": "string"}}
_DAY: Final[Schema] = {"type": "string", "format": "date"}
_CELL: Final[Schema] = {"type": ["string", "number", "boolean", "null", "array"]}


def record_schema(program: Program) -> Schema:
    """The schema of one record, as `check` reads it."""
    entry = program.entities[program.entry]
    return {
        "$schema": DIALECT,
        "title": "Mianshen record",
        **_closed(_record(program), required=[entry.name]),
        "$defs": _definitions(program),
    }


def case_schema(program: Program) -> Schema:
    """The schema of a case file: records, each with what is expected of it."""
    title = {"anyOf": [{"type": "string"}, {"type": "object", "required": ["zh", "en"]}]}
    name = {"type": "string", "pattern": "^[a-z][a-z0-9_]*$|^[\u4e00-\u9fff][\u4e00-\u9fffa-z0-9_]*$"}
    record = {**_record(program), "overlays": _WORDS}
    case = _closed({"name": name, "title": title, "expect": _expected(program), **record}, ["name", "expect"])
    files = {"defaults": _closed(record), "cases": {"type": "array", "items": case}}
    return {
        "$schema": DIALECT,
        "title": "Mianshen case file",
        **_closed(files, required=["cases"]),
        "$defs": _definitions(program),
    }


def _closed(properties: Schema, required: list[str] | None = None) -> Schema:
    needs = {"required": required} if required else {}
    return {"type": "object", "properties": properties, **needs, "additionalProperties": False}


# -- records ---------------------------------------------------------------------------------


def _record(program: Program) -> Schema:
    """The parts of a record: the person, those above, the rows below, the other children of its parent."""
    entry = program.entities[program.entry]
    record: Schema = {"as_of": _DAY, entry.name: _of(entry.name)}
    for above in program.ancestors(entry.name):
        record[above] = {"anyOf": [_of(above), {"type": "null"}]}
        others = (child for child in program.children_of(above) if child.name not in record)
        record |= {child.children or child.name: _list(_of(child.name)) for child in others}
    if entry.parent is not None:
        record[entry.children or f"other_{entry.name}"] = _list(_of(f"{entry.name}_with_rows"))
    return record | _below(program, entry)


def _below(program: Program, entity: Entity) -> Schema:
    lists = {e.children or e.name: _list(_of(e.name)) for e in program.children_of(entity.name)}
    return lists | ({} if entity.valid_from is None else {HISTORY: _list(_of(entity.name))})


def _of(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _list(items: Schema) -> Schema:
    return {"anyOf": [{"type": "array", "items": items}, {"type": "null"}]}


def _definitions(program: Program) -> Schema:
    """What a row of each entity may say."""
    definitions: Schema = {}
    for entity in program.entities.values():
        facts = {
            fact.name: fact_schema(program, fact)
            for (owner, _), fact in program.facts.items()
            if owner == entity.name
        }
        if entity.date is not None and entity.parent is not None:
            facts[EVERY_MONTH_UNTIL] = {"type": "string", "format": "date"}
        definitions[entity.name] = {
            "title": entity.title.zh,
            "description": entity.title.en,
            **_closed(facts),
        }
        if entity.name == program.entry:
            definitions[f"{entity.name}_with_rows"] = _closed(facts | _below(program, entity))
    return definitions


def fact_schema(program: Program, fact: Fact) -> Schema:
    """What a fact may be; the description has its English title, the type of the vocabulary and the range."""
    said = [fact.written, "required" if fact.required else ""]
    if fact.low is not None or fact.high is not None:
        said.append(f"{'' if fact.low is None else fact.low} … {'' if fact.high is None else fact.high}")
    if fact.when_absent is not None:
        assumed = "as_of" if isinstance(fact.when_absent, AsOf) else fact.when_absent
        said.append(f"{assumed} when absent")
    words = "; ".join(filter(None, said))
    return {
        "title": fact.title.zh,
        "description": f"{fact.title.en} ({words})",
        **_cell(program, fact, fact.type),
    }


def _cell(program: Program, fact: Fact, type_: Type) -> Schema:
    match type_:
        case Listing(item=item):
            items = _cell(program, fact, item)
            return {"anyOf": [{"type": "array", "items": items}, {"type": ["string", "null"]}]}
        case Code(codes=codes):
            listed = program.codes[codes]
            spelt = [spelling for spelling in listed.spellings if spelling not in listed.values]
            numbers = [int(item) for item in spelt if item.isascii() and item.isdecimal()]
            return {"enum": [*listed.values, *spelt, *numbers, None]}
        case Boolean():
            return {"type": ["boolean", "string", "null"]}
        case Date():
            return {"type": ["string", "null"], "format": "date"}
        case Numeric():
            bounds = {"minimum": _whole(fact.low), "maximum": _whole(fact.high)}
            return {"type": ["number", "string", "null"]} | {k: v for k, v in bounds.items() if v is not None}
        case _:
            return {"type": ["string", "integer", "null"]}


def _whole(bound: Decimal | None) -> int | None:
    """A bound that JSON writes exactly."""
    return int(bound) if bound is not None and bound == bound.to_integral_value() else None


# -- what cases expect -----------------------------------------------------------------------


def _expected(program: Program) -> Schema:
    entry = program.entities[program.entry]
    expected: Schema = {"status": {"type": "string"}, "reason": {"type": "string"}, "missing": _WORDS}
    due = _closed({**expected, "amount": {"type": ["number", "string"]}})
    reject = _closed({part: {"type": ["string", "integer"]} for part in ("key", "field", "reason")}, ["key"])
    above = [entry.name, *program.ancestors(entry.name)]
    result: Schema = {
        "benefits": _closed({name: due for name, b in program.benefits.items() if b.entity in above}),
        "rejects": {"type": "array", "items": reject},
    }
    below = sorted(program.entities.values(), key=lambda entity: entity.parent == entry.name)
    for child in (entity for entity in below if entity.parent is not None and entity.children):
        row = _closed({**_decisions(program, child), **expected})
        result[child.children or child.name] = {"type": "object", "additionalProperties": row}
    for name in above:
        result[name] = _closed(_decisions(program, program.entities[name]))
    return _closed(result)


def _decisions(program: Program, entity: Entity) -> Schema:
    return {
        d.name: {"title": d.title.zh, "description": f"{d.title.en} ({d.written})", **_CELL}
        for d in program.decisions
        if d.entity == entity.name
    }
