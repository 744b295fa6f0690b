"""Shapes of an overlay: what it adds, takes out, gives anew and sets.

In: plain values read from YAML. Out: frozen pydantic models, made of those of a rulebook.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator

from mianshen.document.model import (
    Accumulator,
    AnnualLimits,
    Benefit,
    CalendarYear,
    Cell,
    DataTable,
    Formula,
    Function,
    Identifier,
    Names,
    Parameter,
    ParameterValue,
    Provision,
    ProvisionModel,
    RulebookFile,
    Shape,
    Table,
    TableRow,
    Titled,
    TitledCode,
    Words,
    Year,
)


class Removal(Shape):
    """What an overlay takes out, by name."""

    provisions: Names = ()
    tables: Names = ()
    parameters: Names = ()
    data: Names = ()
    functions: Names = ()
    accumulators: Names = ()
    benefits: Names = ()


class OverlayHeader(Shape):
    """`source`, `clause` and `basis` hold for everything in the overlay that says nothing else."""

    name: str
    title: Titled
    source: str | None = None
    clause: Words | None = None
    basis: Literal["cited", "provisional"] | None = None


class RowChange(ProvisionModel):
    """What is different in a row of a table; what is not given stays."""

    cells: tuple[Cell, ...] | None = None
    value: Formula | None = None
    annual_limit: AnnualLimits = None


class Replacement(Shape):
    """Whole new versions of what the rulebook already has, by name."""

    parameters: dict[Identifier, Parameter] = {}
    data: dict[Identifier, DataTable] = {}
    functions: dict[Identifier, Function] = {}
    accumulators: dict[Identifier, Accumulator] = {}
    provisions: dict[Identifier, Provision] = {}
    tables: dict[Identifier, Table] = {}
    benefits: dict[Identifier, Benefit] = {}
    calendar: dict[Year, CalendarYear] = {}
    rows: dict[Identifier, dict[Identifier, RowChange]] = {}  # by table and row: what is different


class Extension(Shape):
    """Further codes of code lists, further rows of tables (at their end), by name of the list or table."""

    codes: dict[Identifier, dict[str, TitledCode]] = {}
    rows: dict[Identifier, tuple[TableRow, ...]] = {}


def _values(value: object) -> object:
    return [value] if isinstance(value, dict) else value


class OverlayFile(RulebookFile):
    """A sparse change: what it names it adds; what already exists is given whole under `replace`."""

    overlay: OverlayHeader
    remove: Removal = Removal()
    switch_on: Names = ()  # planned provisions and tables to treat as in force
    replace: Replacement = Replacement()
    set: dict[
        Identifier, Annotated[tuple[ParameterValue, ...], BeforeValidator(_values)]
    ] = {}  # dated values
    extend: Extension = Extension()
