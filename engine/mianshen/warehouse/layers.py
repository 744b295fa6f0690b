"""Layers of columns, cut into statements and pruned to what is read later.

In: layers in order, each a list of aliased expressions over the columns before it; some end in a
cut, where the rows are written to a table so that a narrow part of them can be windowed and joined
back. Out: one SELECT a statement. Invariants: a column is carried only as far as it is read; no
statement stands on more than `DEEPEST` layers, however long a chain of decisions is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final

from sqlglot import exp

from mianshen.warehouse import expressions as terms
from mianshen.warehouse.expressions import Sql

DEEPEST: Final = 30  # queries within queries: printers, parsers and optimisers go down them one by one


@dataclass(frozen=True, slots=True)
class Windowed:
    """Columns made from part of the rows of a cut: `query` reads the cut's table by its name."""

    reads: frozenset[str]
    columns: tuple[str, ...]
    queries: tuple[
        tuple[str, exp.Query], ...
    ]  # tables to make, in order; the last has `?row` and the columns


@dataclass(slots=True)
class Layer:
    """Columns over what came before; `windowed` is joined first, by `?row`."""

    columns: list[Sql]
    cut: str | None = None  # the table the rows so far are written to before this layer
    windowed: list[Windowed] = field(default_factory=list)


def names_in(values: Iterable[Sql]) -> set[str]:
    """The columns that expressions read."""
    return {c.name for value in values for c in value.find_all(exp.Column)}


def apart(layer: Layer) -> list[Layer]:
    """The layer, or several where its named values are made of one another; none where it is empty."""
    if layer.cut is not None or not all(c.alias.startswith("?let") for c in layer.columns):
        return [layer]
    waiting, layers = layer.columns, []
    while waiting:
        open_ = {c.alias for c in waiting}
        ready = [c for c in waiting if not names_in([c]) & open_]
        assert ready  # a value is named after what it is made of
        layers.append(Layer(ready))
        waiting = [c for c in waiting if c not in ready]
    return layers


def statements(
    base: exp.Select, base_names: list[str], layers: list[Layer], columns: list[Sql], target: str
) -> list[tuple[str, exp.Query]]:
    """(table, query) pairs that make every cut, every windowed part and at last the target."""
    return _statements(base, base_names, _shallow(layers, target), columns, target)


def stacked(base: exp.Select, base_names: list[str], layers: list[Layer], columns: list[Sql]) -> exp.Query:
    """The layers as one query; none of them ends in a cut."""
    ((_, query),) = _statements(base, base_names, layers, columns, "")
    return query


def _statements(
    base: exp.Select, base_names: list[str], layers: list[Layer], columns: list[Sql], target: str
) -> list[tuple[str, exp.Query]]:
    carried = _carried(base_names, layers, columns)
    tables: list[tuple[str, exp.Query]] = []
    query = terms.select_from(base.subquery("rows", copy=False), *(terms.column(n) for n in carried[0]))
    for index, layer in enumerate(layers):
        if layer.cut is not None:
            tables.append((layer.cut, query))
            for part in layer.windowed:
                tables.extend(part.queries)
            query = _joined(layer, carried[index])
        following = carried[index + 1]
        alive = {c.alias for c in layer.columns}
        names = [n for n in following if n not in alive]
        used = [c for c in layer.columns if c.alias in following]
        query = terms.select_from(
            query.subquery("below", copy=False), *(terms.column(n) for n in names), *used
        )
    tables.append((target, terms.select_from(query.subquery("made", copy=False), *columns)))
    return tables


def _shallow(layers: list[Layer], target: str) -> list[Layer]:
    """The layers with more cuts, so that nowhere too many are put on top of one another."""
    shallow: list[Layer] = []
    depth = cuts = 0
    for layer in layers:
        if layer.cut is None and depth == DEEPEST:
            layer = replace(layer, cut=f"{target}_deep{cuts}")
            cuts += 1
        depth = 1 if layer.cut is not None else depth + 1
        shallow.append(layer)
    return shallow


def _carried(base_names: list[str], layers: list[Layer], columns: list[Sql]) -> list[list[str]]:
    """For each layer the columns it is given, and last those the target reads; in a stable order."""
    order = [*base_names]
    for layer in layers:
        order += [c for part in layer.windowed for c in part.columns]
        order += [c.alias for c in layer.columns]
    needed = names_in(columns) | {"?row"}
    carried = [needed]
    for layer in reversed(layers):
        alive = {c.alias for c in layer.columns}
        needed = (needed - alive) | names_in(c for c in layer.columns if c.alias in needed)
        for part in layer.windowed:
            needed = (needed - set(part.columns)) | part.reads
        carried.append(needed | {"?row"})
    carried.reverse()
    ranked = {name: rank for rank, name in enumerate(dict.fromkeys(order))}
    return [sorted(names, key=lambda n: ranked.get(n, len(ranked))) for names in carried]


def _joined(layer: Layer, names: list[str]) -> exp.Select:
    """The rows of a cut with the windowed columns beside them."""
    assert layer.cut is not None
    query = terms.select_from(terms.table(layer.cut, "cut"), *(terms.column(n, "cut") for n in names))
    for number, part in enumerate(layer.windowed):
        name = f"windowed{number}"
        on = terms.equal(terms.column("?row", name), terms.column("?row", "cut"))
        query = terms.left_join(query, terms.table(part.queries[-1][0], name), on)
        query = query.select(*(terms.column(c, name) for c in part.columns), copy=False)
    return query
