"""The OpenAPI document: what each route takes and answers, by the vocabulary of the rulebook served.

In: the app's routes, a program. Out: OpenAPI 3.1 as a dict. Invariant: every response is described, errors as problem
details; the schemas of records and answers are those that `mianshen schema` prints.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, get_args

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from mianshen.casework.answer_schema import answer_body
from mianshen.casework.interview import askable_benefits
from mianshen.closed_sets import Basis
from mianshen.program.program import Program
from mianshen.records.schema import Schema, record_schema
from mianshen.rulebook import shipped_overlays
from mianshen.serve.problems import MEDIA_TYPE, STATUS, TITLES, Kind
from mianshen.version import __version__

A_PDF: Final = Path("notice.pdf")  # the form asked for; written nowhere
_TEXT: Final[Schema] = {"type": "string"}
_MAYBE: Final[Schema] = {"type": ["string", "null"]}
_SCALAR: Final = ["string", "number", "boolean", "null"]
_NAMES: Final[Schema] = {"type": "array", "items": _TEXT}
_DAY: Final[Schema] = {"type": "string", "format": "date"}
_BOTH: Final[Schema] = {
    "type": "object",
    "properties": {"zh": _TEXT, "en": _TEXT},
    "required": ["zh", "en"],
    "additionalProperties": False,
}
_SUMMARIES: Final = {
    "check": "Decide a record, or several: what `mianshen check --format json` prints",
    "next": "The next question of an interview, or the answer: what `mianshen ask --next` prints",
    "redetermine": "One person decided twice: what `mianshen redetermine --format json` prints",
    "notice": "One answer as a printable notice, HTML, or PDF where the client accepts that",
    "compare": "Which expectations of the server's cases an overlay moves, and why",
    "rulebook": "The rulebook and its benefits",
    "figures": "Every figure: dated values with basis and clause",
    "figure": "One figure: dated values with basis and clause",
    "health": "Whether the server answers, and by which rulebook",
    "metrics": "Counts of requests, for Prometheus",
}


def operation(
    name: str, *, body: str | None, answer: str | None, missing: bool = False, open_: bool = False
) -> dict[str, Any]:
    """What FastAPI is told of a route: the schemas of its body and answer, the problems it may come to."""
    kinds: list[Kind] = ["wrong_host", "too_many", "internal"]
    kinds += [] if open_ else ["no_token", "wrong_role"]
    kinds += ["not_found"] if missing or body else []
    kinds += ["unreadable", "too_large", "other_site", "conflict"] if body else ["bad_parameter"]
    responses: dict[int | str, dict[str, Any]] = {
        STATUS[kind]: {
            "description": TITLES[kind].en,
            "content": {MEDIA_TYPE: {"schema": _ref("Problem")}},
        }
        for kind in kinds
    }
    good = {"application/json": {"schema": _ref(answer)}} if answer else _OTHER_ANSWERS[name]
    responses[200] = {"description": "The answer", "content": good}
    extra: dict[str, Any] = {}
    if body:
        content = {"application/json": {"schema": _ref(body)}}
        extra["requestBody"] = {"required": True, "content": content}
    if open_:
        extra["security"] = []
    return {"operation_id": name, "summary": _SUMMARIES[name], "responses": responses, "openapi_extra": extra}


_OTHER_ANSWERS: Final[dict[str, dict[str, Any]]] = {
    "notice": {
        "text/html": {"schema": _TEXT},
        "application/pdf": {"schema": {"type": "string", "format": "binary"}},
    },
    "metrics": {"text/plain": {"schema": _TEXT}},
}


def document(app: FastAPI, program: Program, secured: bool) -> dict[str, Any]:
    """The OpenAPI document of an app's API by the vocabulary of a program."""
    content = get_openapi(
        title="Mianshen 免申", version=__version__, routes=app.routes, openapi_version="3.1.0",
        description="Who is due which medical-insurance benefit, how much, under which clause; money as text.",
    )  # fmt: skip
    components = content.setdefault("components", {})
    components["schemas"] = schemas(program)
    if secured:
        components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        content["security"] = [{"token": []}]
    return content


def schemas(program: Program) -> Schema:
    """Every schema that operations refer to, by name."""
    record = record_schema(program)
    local = {"Record": {k: v for k, v in record.items() if k not in ("$schema", "$defs")}, **record["$defs"]}
    for entity in record["$defs"].values():
        entity["properties"] = {name: _described(fact) for name, fact in entity["properties"].items()}
    named: Schema = json.loads(json.dumps(local).replace("#/$defs/", "#/components/schemas/"))
    record_ref, answer = _ref("Record"), _ref("Answer")
    benefits = {"type": "array", "items": {"enum": [*askable_benefits(program), "all"]}, "minItems": 1}
    overlays = {"type": "array", "items": {"enum": shipped_overlays()}}
    change = [{"required": [name]} for name in ("new", "from_date", "overlays", "late", "with")]
    row = _row(program)
    subject = [{"required": ["benefit"]}, {"required": ["claim"]}]
    days = {"from_date": ["to_date"], "to_date": ["from_date"]}
    return named | {
        "CheckRequest": {"anyOf": [record_ref, {"type": "array", "items": record_ref, "minItems": 1}]},
        "Answer": answer_body(program),
        "CheckAnswer": {"anyOf": [answer, {"type": "array", "items": answer}]},
        "NextRequest": _object({"benefits": benefits, "record": record_ref, "answers": _NAMES}, ["benefits"]),
        "NextAnswer": {"anyOf": [
            _object({"question": _question()}, ["question"]), _object({"answer": answer}, ["answer"]),
        ]},
        "RedetermineRequest": _object(
            {"record": record_ref, "new": record_ref, "from_date": _DAY, "to_date": _DAY, "overlays": overlays,
             "late": _NAMES, "with": {"type": "array", "items": row}}, ["record"],
        ) | {"anyOf": change, "dependentRequired": days},
        "RedetermineAnswer": _redetermination(program),
        "NoticeRequest": _object(
            {"record": record_ref, "benefit": {"enum": [*program.benefits]}, "claim": _TEXT, "as_of": _DAY}, ["record"],
        ) | {"anyOf": subject},
        "CompareRequest": _object({"overlay": _TEXT, "overlays": overlays | {"minItems": 1}}, []) | {
            "minProperties": 1
        },
        "CompareAnswer": _comparison(),
        "Rulebook": _rulebook(),
        "Figure": _figure(),
        "Figures": {"type": "array", "items": _ref("Figure")},
        "Health": _object({"status": {"const": "ok"}, "version": _TEXT, "rulebook": _TEXT}),
        "Problem": _problem(),
    }  # fmt: skip


def _row(program: Program) -> Schema:
    """A row below the person, which says something."""
    rows = [_ref(child.name) for child in program.children_of(program.entry)[:1]]
    return {"allOf": [*rows, {"type": "object", "minProperties": 1}]}


def _described(fact: Schema) -> Schema:
    """A fact of which the words say what it may be: the API takes any value, and rejects the row where it is wrong."""
    if "title" not in fact:
        return fact
    codes = f": {', '.join(map(str, fact['enum'][:-1]))}" if "enum" in fact else ""
    described = {"title": fact["title"], "description": fact["description"] + codes}
    if "anyOf" not in fact:
        return described | {"type": _SCALAR}
    return described | {"anyOf": [{"type": "array", "items": {"type": _SCALAR}}, {"type": _SCALAR}]}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _object(properties: Schema, required: Sequence[str] | None = None) -> Schema:
    needed = list(properties if required is None else required)
    return {"type": "object", "properties": properties, "required": needed, "additionalProperties": False}


def _list(properties: Schema, required: Sequence[str] | None = None) -> Schema:
    return {"type": "array", "items": _object(properties, required)}


def _question() -> Schema:
    bounds = {"anyOf": [_object({"low": _TEXT, "high": _TEXT}), {"type": "null"}]}
    return _object({
        "fact": _TEXT, "entity": _TEXT, "key": _TEXT, "answer_as": _TEXT, "title": _BOTH, "type": _TEXT,
        "choices": _list({"code": _TEXT, "zh": _TEXT, "en": _TEXT}), "range": bounds, "assumed": _MAYBE,
        "can_be_unknown": {"type": "boolean"}, "why": _NAMES,
    })  # fmt: skip


def _causes() -> Schema:
    return _list({"kind": _TEXT, "name": _TEXT, "before": _TEXT, "after": _TEXT})


def _redetermination(program: Program) -> Schema:
    side = _object({"as_of": _DAY, "overlays": _NAMES}, ["as_of"])
    state = {"anyOf": [_object({"status": _TEXT, "amount": _MAYBE}), {"type": "null"}]}
    decision = {
        "decision": _TEXT,
        "before": _MAYBE,
        "after": _MAYBE,
        "paid": _MAYBE,
        "owed": _MAYBE,
        "causes": _causes(),
    }
    benefit = {"benefit": _TEXT, "before": state, "after": state, "owed": _MAYBE, "causes": _causes()}
    row = {"entity": _TEXT, "key": _TEXT, "before": _MAYBE, "after": _MAYBE, "decisions": _list(decision)}
    return _object({
        program.entities[program.entry].key: _TEXT, "before": side, "after": side, "benefits": _list(benefit),
        "rows": _list(row), "owed": _MAYBE, "owed_known": _MAYBE, "open": {"type": "integer"},
    })  # fmt: skip


def _comparison() -> Schema:
    change = {
        "case": _TEXT,
        "what": _TEXT,
        "expected": _TEXT,
        "before": _TEXT,
        "after": _TEXT,
        "causes": _causes(),
    }
    return _object({"cases": {"type": "integer"}, "left_out": _NAMES, "changes": _list(change)})


def _rulebook() -> Schema:
    clause = _object({"source": _MAYBE, "clause": _MAYBE})
    benefit = {"name": _TEXT, "title": _BOTH, "entity": _TEXT, "delivery": _TEXT, "clause": clause}
    return _object({
        "name": _TEXT, "title": _BOTH, "digest": _TEXT, "overlays": _NAMES, "shipped_overlays": _NAMES,
        "version": _TEXT, "benefits": _list(benefit),
    })  # fmt: skip


def _figure() -> Schema:
    brackets = {"anyOf": [_list({"over": _TEXT, "rate": _TEXT}), {"type": "null"}]}
    clause = _object({"source": _MAYBE, "clause": _MAYBE})
    value = {
        "from": _DAY, "until": _MAYBE, "value": _MAYBE, "brackets": brackets, "clause": clause, "review_by": _MAYBE,
        "basis": {"enum": [*get_args(Basis)]}, "note": _MAYBE,
    }  # fmt: skip
    return _object({"name": _TEXT, "title": _BOTH, "type": _TEXT, "values": _list(value)})


def _problem() -> Schema:
    place = {"type": ["integer", "null"]}
    diagnostic = {
        "code": _TEXT, "severity": {"enum": ["error", "warning"]}, "place": _TEXT, "line": place, "column": place,
        "what": _BOTH, "fix": _BOTH, "message": _TEXT,
    }  # fmt: skip
    content = {
        "type": _TEXT,
        "title": _TEXT,
        "status": {"type": "integer"},
        "detail": _TEXT,
        "diagnostics": _list(diagnostic),
    }
    return _object(content, ["type", "title", "status", "detail"])
