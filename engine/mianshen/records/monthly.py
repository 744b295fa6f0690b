"""A dated row written once for several months.

In: the rows of a list, of which one may say `every_month_until`. Out: the rows, that one once for each month from its
date on, its key followed by the month: `M-2026-01`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import takewhile

from mianshen.document.yaml_tree import Mapping, Node, Scalar
from mianshen.program.program import Entity
from mianshen.values import add_months

EVERY_MONTH_UNTIL = "every_month_until"
MOST_MONTHS = 1200


def monthly(items: Iterable[Node], entity: Entity) -> Iterator[Node]:
    """The rows; one whose first or last day cannot be read stays as it is, and the key is refused there."""
    for item in items:
        if isinstance(item, Mapping) and entity.date is not None and (days := _days(item, entity)):
            yield from (_of_month(item, entity, day) for day in days)
        else:
            yield item


def _days(item: Mapping, entity: Entity) -> list[dt.date]:
    first, last = _day(item.get(str(entity.date))), _day(item.get(EVERY_MONTH_UNTIL))
    if first is None or last is None:
        return []
    return list(takewhile(lambda day: day <= last, (add_months(first, at) for at in range(MOST_MONTHS))))


def _day(node: Node | None) -> dt.date | None:
    try:
        return dt.date.fromisoformat(node.text) if isinstance(node, Scalar) else None
    except ValueError:
        return None


def _of_month(item: Mapping, entity: Entity, day: dt.date) -> Mapping:
    entries: list[tuple[Scalar, Node]] = []
    for key, value in item.entries:
        if key.text == EVERY_MONTH_UNTIL:
            continue
        if isinstance(value, Scalar) and key.text == entity.key:
            value = replace(value, text=f"{value.text}-{day:%Y-%m}", style='"')
        elif isinstance(value, Scalar) and key.text == entity.date:
            value = replace(value, text=day.isoformat())
        entries.append((key, value))
    return replace(item, entries=tuple(entries))
