"""The digests of a record and of an answer, and the text in a notice's QR code that holds them.

In: a case, the result that a notice tells. Out: canonical texts, `sha256:` and 64 digits of each.
Invariants: the same facts and answers give the same digest, however their file is written and in whatever language they
are told; what was assumed because it was absent, and what was given and could not be read, is part of the record by name.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from hashlib import sha256
from typing import Final, TypeAlias

from mianshen.interpreter.result import BenefitResult, RowResult
from mianshen.interpreter.rows import Case, Row
from mianshen.values import Known, NotModelled, Unknown, Value

Plain: TypeAlias = "str | list[str]"
_CODE: Final = re.compile(
    r"MIANSHEN/1 RECORD:([0-9A-F]{64}) RULEBOOK:([0-9A-F]{64}) ANSWER:([0-9A-F]{64}) DAY:(\d{4}-\d{2}-\d{2})"
)


@dataclass(frozen=True, slots=True)
class Digests:
    """What a notice can be held against: `sha256:` and 64 digits of each, the decision date."""

    record: str
    rulebook: str
    answer: str
    day: str

    def code(self) -> str:
        """The text of the QR code; only characters that such a code holds densely."""
        parts = {"RECORD": self.record, "RULEBOOK": self.rulebook, "ANSWER": self.answer}
        digests = " ".join(
            f"{name}:{digest.removeprefix('sha256:').upper()}" for name, digest in parts.items()
        )
        return f"MIANSHEN/1 {digests} DAY:{self.day}"


def digests_in(text: str) -> Digests | None:
    """The digests of the first code that stands in a text, be it scanned or a notice's page; None: there is none."""
    matched = _CODE.search(text)
    if matched is None:
        return None
    record, rulebook, answer = (f"sha256:{digest.lower()}" for digest in matched.groups()[:3])
    return Digests(record, rulebook, answer, matched[4])


def digest_of(text: str) -> str:
    """The digest of a canonical text."""
    return f"sha256:{sha256(text.encode()).hexdigest()}"


def record_digest(case: Case) -> str:
    """The digest of everything the case was decided from, its day included."""
    return digest_of(canonical_record(case))


def canonical_record(case: Case) -> str:
    """Everything the case was decided from as one text."""
    record_digest = dict.fromkeys((*case.rows(), *(row for pair in case.reversed for row in pair)))
    rows = sorted((_row(case, row) for row in record_digest), key=lambda row: json.dumps(row, sort_keys=True))
    content = {"as_of": case.as_of.isoformat(), "rows": rows}
    return _canonical(content)


def canonical_answer(case: Case, result: BenefitResult | RowResult) -> str:
    """What was decided, of whom and for which day, as one text."""
    content: dict[str, object] = {
        "as_of": case.as_of.isoformat(),
        "person": case.person.key,
        "of": f"{result.row.entity} {result.row.key}",
        "status": result.status,
        "missing": sorted({f"{fact.entity} {fact.key} {fact.name}" for fact in result.missing}),
    }
    if isinstance(result, BenefitResult):
        content["benefit"] = result.benefit.name
        content["amount"] = None if result.amount is None else text_of(result.amount)
    else:
        content["values"] = {name: _told(value) for name, value in result.values.items()}
    return _canonical(content)


def _canonical(content: Mapping[str, object]) -> str:
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _told(value: Value) -> Plain:
    match value:
        case Unknown():
            return "unknown"
        case NotModelled():
            return "not modelled"
        case _:
            return text_of(value)


def _row(case: Case, row: Row) -> dict[str, object]:
    return {
        "entity": row.entity,
        "key": row.key,
        "of": "" if row.parent is None else f"{row.parent.entity} {row.parent.key}",
        "subject": row is case.person,
        "facts": {name: text_of(value) for name, value in row.facts.items() if name not in row.assumed},
        "assumed": sorted(row.assumed),
        "unreadable": sorted(row.unreadable),
    }


def text_of(value: Known) -> Plain:
    """A value in a canonical text."""
    match value:
        case bool():
            return "true" if value else "false"
        case Decimal():
            text = f"{value:f}"
            return text.rstrip("0").rstrip(".") if "." in text else text
        case dt.date():
            return value.isoformat()
        case str():
            return value
        case tuple():
            return list(value)
