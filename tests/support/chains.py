"""Decisions that rest on one another, as long a chain as asked for.

In: a number. Out: a rulebook as one mapping, over the vocabulary of `rulebooks`: `d0` of a claim reads facts,
each later one the one before it, a resident's sums the last; some are unknown, not modelled or fail where the
first is not.
"""

from __future__ import annotations

from random import Random

from tests.support.formulas import CODES
from tests.support.rulebooks import FACTS, TITLE, Doc, entities


def chain(length: int, limits: int = 0) -> Doc:
    """`limits`: so many of the decisions, evenly spread, pay under an annual limit."""
    limited = {length * n // limits for n in range(limits)} if limits else set()
    claim, above = (result := entities(Random(0))).pop("claim"), result
    provisions: Doc = {"total": {"decision": "total", "value": f"sum(claims.d{length - 1})"}}
    for n in range(length):
        provisions |= _link(n, n in limited)
    money = {"type": "money", "title": TITLE, "output": "true"}
    return {
        "rulebook": {"name": "chain", "title": TITLE},
        "defaults": {"source": "S", "clause": "1"},
        "sources": {"S": {"title": TITLE}},
        "entities": {**above, "claim": {**claim, "outcome": f"d{length - 1}"}},
        "codes": {n: {"title": TITLE, "values": {v: v for v in values}} for n, values in CODES.items()},
        "facts": FACTS,
        "parameters": {
            "year_one": {
                "type": "month_day", "title": TITLE,
                "values": [{"from": "2000-01-01", "value": "01-01", "basis": "provisional"}],
            }
        },
        "accumulators": {
            f"a{n}": {"title": TITLE, "sums": f"d{n}", "opening": "opening_one", "year_starts": "year_one"}
            for n in sorted(limited)
        },
        "decisions": {"claim": {f"d{n}": money for n in range(length)}, "resident": {"total": money}},
        "provisions": provisions,
    }  # fmt: skip


def _link(n: int, limited: bool) -> Doc:
    """Two provisions of one decision: the second is the first's exception, and may not be known to apply."""
    before = f"d{n - 1}" if n else "cost"
    first: Doc = {"decision": f"d{n}", "value": f"max(0.00, {before} - 0.0{n % 4})"}
    if n % 7 == 3:
        first["when"] = f"{before} < 99999"  # else not modelled
    if limited:
        first["annual_limit"] = {"accumulator": f"a{n}", "limit": f"{3000 + n}.00"}
    second = {
        "decision": f"d{n}", "value": f"{before} + 0.01", "exception_to": [f"p{n}"],
        "when": f'days = {n} or {before} = 50.0{n % 9} or (care = "{CODES["care"][0]}" and urgent)',
    }  # fmt: skip
    return {f"p{n}": first, f"q{n}": second} if n % 10 == 0 else {f"p{n}": first}
