"""The digest of a record: the same for the same facts, however their file is written.

In: a case. Out: `sha256:` and 64 digits.
Invariants: the order of rows and facts, comments and the spelling of numbers make no difference; what
was assumed because it was absent is not part of the record, what was given and could not be read is
part of it by name.
"""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from hashlib import sha256

from mianshen.interpreter.rows import Case, Row
from mianshen.values import Known


def record_digest(case: Case) -> str:
    """The digest of everything the case was decided from, its day included."""
    record_digest = dict.fromkeys((*case.rows(), *(row for pair in case.reversed for row in pair)))
    rows = sorted((_row(case, row) for row in record_digest), key=lambda row: json.dumps(row, sort_keys=True))
    content = {"as_of": case.as_of.isoformat(), "rows": rows}
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return f"sha256:{sha256(text.encode()).hexdigest()}"


def _row(case: Case, row: Row) -> dict[str, object]:
    return {
        "entity": row.entity,
        "key": row.key,
        "of": "" if row.parent is None else f"{row.parent.entity} {row.parent.key}",
        "subject": row is case.person,
        "facts": {name: _text(value) for name, value in row.facts.items() if name not in row.assumed},
        "unreadable": sorted(row.unreadable),
    }


def _text(value: Known) -> str | list[str]:
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
