"""Shapes of an overlay: what it adds, takes out, gives anew and sets.

In: plain values read from YAML. Out: frozen pydantic models, made of those of a rulebook.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator

from mianshen.document import model


class Removal(model.Shape):
    """What an overlay takes out, by name."""

    provisions: model.Names = ()
    tables: model.Names = ()
    parameters: model.Names = ()
    data: model.Names = ()
    functions: model.Names = ()
    accumulators: model.Names = ()
    benefits: model.Names = ()


class OverlayHeader(model.Shape):
    """`source`, `clause` and `basis` hold for everything in the overlay that says nothing else."""

    name: str
    title: model.Titled
    source: str | None = None
    clause: model.Words | None = None
    basis: Literal["cited", "provisional"] | None = None


class RowChange(model.ProvisionModel):
    """What is different in a row of a table; what is not given stays."""

    cells: tuple[model.Cell, ...] | None = None
    value: model.Formula | None = None
    annual_limit: model.AnnualLimits = None


class Replacement(model.Shape):
    """Whole new versions of what the rulebook already has, by name."""

    parameters: dict[model.Identifier, model.Parameter] = {}
    data: dict[model.Identifier, model.DataTable] = {}
    functions: dict[model.Identifier, model.Function] = {}
    accumulators: dict[model.Identifier, model.Accumulator] = {}
    provisions: dict[model.Identifier, model.Provision] = {}
    tables: dict[model.Identifier, model.Table] = {}
    benefits: dict[model.Identifier, model.Benefit] = {}
    calendar: dict[model.Year, model.CalendarYear] = {}
    rows: dict[
        model.Identifier, dict[model.Identifier, RowChange]
    ] = {}  # by table and row: what is different


class Extension(model.Shape):
    """Further codes of code lists, further rows of tables (at their end), by name of the list or table."""

    codes: dict[model.Identifier, dict[str, model.TitledCode]] = {}
    rows: dict[model.Identifier, tuple[model.TableRow, ...]] = {}


def _values(value: object) -> object:
    return [value] if isinstance(value, dict) else value


class OverlayFile(model.RulebookFile):
    """A sparse change: what it names it adds; what already exists is given whole under `replace`."""

    overlay: OverlayHeader
    remove: Removal = Removal()
    switch_on: model.Names = ()  # planned provisions and tables to treat as in force
    replace: Replacement = Replacement()
    set: dict[
        model.Identifier, Annotated[tuple[model.ParameterValue, ...], BeforeValidator(_values)]
    ] = {}  # dated values
    extend: Extension = Extension()
