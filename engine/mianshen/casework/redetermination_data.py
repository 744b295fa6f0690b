"""A redetermination as plain data.

In: a redetermination, the programs of its two sides. Out: the JSON object: money as text, unknown null, `owed`
below 0 where too much was paid, null where some of it is open; `owed_known` is what is known of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from mianshen.casework.causes import Cause
from mianshen.casework.check import Plain
from mianshen.casework.redetermination import Redetermination, RowChange
from mianshen.interpreter.result import BenefitResult
from mianshen.interpreter.rows import Case
from mianshen.program.program import Program
from mianshen.values import Unknown, Value, as_money


def to_plain(result: Redetermination, old: Program, new: Program) -> dict[str, Plain]:
    """What `mianshen redetermine --format json` prints; `old`, `new`: the programs of the two sides."""
    entry = new.entities[new.entry]
    rows: list[Plain] = [_plain_row(row, new) for row in result.rows]
    benefits: list[Plain] = [
        {
            "benefit": benefit.name,
            "before": _plain_benefit(benefit.before),
            "after": _plain_benefit(benefit.after),
            "owed": _money(benefit.owed),
            "causes": _plain_causes(benefit.causes),
        }
        for benefit in result.benefits
    ]
    return {
        entry.key: result.after.person.key,
        "before": _plain_side(result.before, old),
        "after": _plain_side(result.after, new),
        "benefits": benefits,
        "rows": rows,
        "owed": None if result.open else _money(result.owed),
        "owed_known": _money(result.owed),
        "open": result.open,
    }


def _plain_row(row: RowChange, program: Program) -> Plain:
    return {
        "entity": row.entity,
        "key": row.key,
        "before": row.before,
        "after": row.after,
        "decisions": [
            {
                "decision": decision.name,
                "before": _plain_value(decision.before),
                "after": _plain_value(decision.after),
                "paid": _money(decision.paid) if (row.entity, decision.name) in program.paid else None,
                "owed": _money(decision.owed),
                "causes": _plain_causes(decision.causes),
            }
            for decision in row.decisions
        ],
    }


def _plain_side(case: Case, program: Program) -> dict[str, Plain]:
    overlays: dict[str, Plain] = {"overlays": list(program.overlays)} if program.overlays else {}
    return {"as_of": case.as_of.isoformat(), **overlays}


def _money(amount: Decimal | None) -> str | None:
    return None if amount is None else as_money(amount)


def _plain_benefit(result: BenefitResult | None) -> Plain:
    return None if result is None else {"status": result.status, "amount": _money(result.amount)}


def _plain_value(value: Value | None) -> Plain:
    if isinstance(value, Decimal):
        return as_money(value)
    return None if value is None or isinstance(value, Unknown) else str(value)


def _plain_causes(causes: Iterable[Cause]) -> Plain:
    return [{"kind": c.kind, "name": c.name, "before": c.before, "after": c.after} for c in causes]
