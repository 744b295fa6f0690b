"""Tables of data: each column is a parameter with the table's keys.

In: a document. Out: the document with those parameters, and the mistakes of tables whose rows do not fit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mianshen.catalogue import diagnostic
from mianshen.document.model import Parameter, ParameterValue
from mianshen.program import diagnostics
from mianshen.source import Diagnostic, Message

if TYPE_CHECKING:
    from mianshen.document import Document
    from mianshen.document.model import DataTable


def with_data(document: Document, findings: list[Diagnostic]) -> Document:
    """The document with a parameter for each column of its tables of data."""
    for name, table in document.data.items():
        span = document.span("data", name)
        taken = [column for column in table.columns if column in document.parameters]
        meaning = Message("参数", "a parameter")
        findings += [diagnostics.name_taken(span, column, meaning) for column in taken]
        for index, value in enumerate(table.values):
            for cell, row in _rows(value.rows):
                if len(row) != len(table.columns):
                    at = document.span("data", name, "values", index, "rows", *cell)
                    findings.append(
                        diagnostic("E320.wrong_columns", at, wanted=len(table.columns), written=len(row))
                    )
                    taken.append(name)
        if not taken:
            document = document.with_parameters(_columns(table), name)
    return document


def _rows(rows: Any, at: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], tuple[Any, ...]]]:
    """Every row with the keys that lead to it."""
    if not isinstance(rows, dict):
        return [(at, rows)]
    return [row for cell, below in rows.items() for row in _rows(below, (*at, cell))]


def _columns(table: DataTable) -> dict[str, Parameter]:
    """The columns as parameters."""
    parameters: dict[str, Parameter] = {}
    for place, (column, written) in enumerate(table.columns.items()):
        values = tuple(
            ParameterValue.model_construct(
                **{name: getattr(value, name) for name in type(value).model_fields if name != "rows"},
                value=_column(value.rows, place),
            )
            for value in table.values
        )
        parameters[column] = Parameter.model_construct(
            type=written, title=table.title, source=table.source, clause=table.clause, basis=table.basis, keys=table.keys,
            values=values,
        )  # fmt: skip
    return parameters


def _column(rows: Any, place: int) -> Any:
    """What a column holds, by the keys."""
    return (
        {cell: _column(below, place) for cell, below in rows.items()}
        if isinstance(rows, dict)
        else rows[place]
    )
