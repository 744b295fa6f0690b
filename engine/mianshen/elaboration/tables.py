"""Decision tables, typed: a unique table is a provision a row, any other table one provision.

In: a table as written. Out: `Provision`s.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, assert_never

from mianshen.catalogue import diagnostic
from mianshen.closed_sets import ChoicePolicy
from mianshen.elaboration.provision_parts import PartChecks, Place, conjunction
from mianshen.formulas.formula import joined
from mianshen.formulas.symbol_table import describe
from mianshen.program import diagnostics
from mianshen.program.core import Boolean, Choice, Core, Numeric, Op, Type
from mianshen.program.operators import INTEGER, totalled
from mianshen.program.program import Key, Limit, Provision

if TYPE_CHECKING:
    from mianshen.document.model import Table, TableRow

_INHERITED: Final = ("area", "from_", "until", "status", "source", "clause", "basis", "stand_in")


@dataclass(frozen=True, slots=True)
class TypedRow:
    """A row of a table; `index` counts from 0."""

    index: int
    condition: tuple[Core, ...]
    value: Core
    limits: tuple[Limit, ...]


@dataclass(slots=True)
class TableChecks(PartChecks):
    """Types tables against one symbol table."""

    def table(self, key: Key, name: str, model: Table, place: Place) -> list[Provision]:
        """The provisions a table stands for; those of planned rows left out."""
        when = [] if model.when is None else self.condition(key[0], (*place, "when"))
        scope = self.scope(key[0], model, place)
        subjects = [self._input(key[0], (*place, "inputs", i)) for i in range(len(model.inputs))]
        typed = [self._row(key, model, index, subjects, place) for index in range(len(model.rows))]
        rows = [row for row in typed if row is not None and model.rows[row.index].status != "planned"]
        if when is None or scope is None:
            return []
        shared = (*scope, *when)
        if model.hit_policy == "unique":
            return [self._row_provision(key, name, model, row, place, shared) for row in rows]
        if not rows or any(row is None for row in typed):
            return []
        return self._chosen(key, name, model, place, shared, rows)

    def _input(self, entity: str, place: Place) -> Core | None:
        parsed = self.parses.formula(place)
        return None if parsed is None else self.check(entity).value(parsed)

    # -- one row -----------------------------------------------------------------------------

    def _row(
        self, key: Key, model: Table, index: int, subjects: list[Core | None], table: Place
    ) -> TypedRow | None:
        row, place = model.rows[index], (*table, "rows", index)
        self.vocabulary.source(row.source, *place, "source")
        value = self.value(key, (*place, "value"))
        limits = self.limits(key, row.annual_limit, place)
        scope = self.scope(key[0], row, place)
        if row.annual_limit is not None and model.hit_policy != "unique":
            self.diagnostics.append(
                diagnostic("E330.limit_in_chosen", self.document.span(*place, "annual_limit"))
            )
        if len(row.cells) != len(model.inputs):
            span = self.document.span(*place, "cells")
            self.diagnostics.append(
                diagnostic("E320.wrong_cells", span, got=len(row.cells), wanted=len(model.inputs))
            )
            return None
        cells = self._cells(key[0], subjects, place)
        if scope is None or value is None or cells is None or limits is None:
            return None
        return TypedRow(index, (*scope, *cells), value, limits)

    def _cells(self, entity: str, subjects: list[Core | None], place: Place) -> list[Core] | None:
        """What the cells of a row ask; None when one of them is wrong."""
        conditions: list[Core] = []
        sound = True
        for column, subject in enumerate(subjects):
            cell = self.parses.cell((*place, "cells", column))
            if cell is None or subject is None:
                sound = False
            elif cell.tests:
                tests = self.check(entity).tests(subject, cell.tests, cell.span)
                sound = sound and tests is not None
                if tests is not None:
                    conditions.append(Op("not", (tests,), Boolean()) if cell.negated else tests)
        return conditions if sound else None

    def _row_provision(
        self, key: Key, name: str, model: Table, typed: TypedRow, table: Place, shared: tuple[Core, ...]
    ) -> Provision:
        row = model.rows[typed.index]
        inherited = {part: getattr(model, part) for part in _INHERITED if getattr(row, part) is None}
        title = self.title(row if row.title is not None else model, name)
        return self.provision(
            key, f"{name}.{row.id}", row.model_copy(update=inherited), (*table, "rows", typed.index),
            (*shared, *typed.condition), typed.value, limits=typed.limits, title=title,
            texts=(_conditions(model, row) or None, row.value),
        )  # fmt: skip

    # -- tables whose rows may match together ------------------------------------------------

    def _chosen(
        self, key: Key, name: str, model: Table, place: Place, shared: tuple[Core, ...], rows: list[TypedRow]
    ) -> list[Provision]:
        """One provision for the whole table."""
        policy = model.hit_policy
        assert policy != "unique"
        pairs = tuple((conjunction(list(row.condition)), row.value) for row in rows)
        type_ = self._choice_type(policy, [value for _, value in pairs], key, place)
        if type_ is None:
            return []
        conditions = tuple(condition for condition, _ in pairs)
        matched: Core = conditions[0] if len(conditions) == 1 else Op("or", conditions, Boolean())
        texts = (" ; ".join(filter(None, (model.when, *model.inputs))), model.hit_policy)
        value = Choice(policy, pairs, type_)
        return [self.provision(key, name, model, place, (*shared, matched), value, texts=texts)]

    def _choice_type(self, policy: ChoicePolicy, values: list[Core], key: Key, place: Place) -> Type | None:
        """The type of a table's value; None, and reported, where the rows' values do not go together."""
        type_, numeric = choice_type(policy, [value.type for value in values])
        wanted, span = self.names.decisions[key], self.document.span(*place, "hit_policy")
        if type_ is None or (numeric and not isinstance(wanted, Numeric)):
            self.diagnostics.append(diagnostics.wrong_type(span, describe(INTEGER), describe(wanted)))
            return None
        if self.exact and isinstance(type_, Numeric) and not type_.fits:
            self.diagnostics.append(diagnostic("E306.too_precise", span, precision=type_.precision))
        return type_


def choice_type(policy: ChoicePolicy, types: list[Type]) -> tuple[Type | None, bool]:
    """The type of a table's value under a policy (None: the rows' values differ), and whether it is a number."""
    shared: Type | None = types[0]
    for type_ in types[1:]:
        shared = None if shared is None else joined(shared, type_)
    match policy:
        case "any" | "first":
            return shared, False
        case "collect min" | "collect max":
            return shared, True
        case "collect sum":
            return totalled(shared, len(types)) if isinstance(shared, Numeric) else shared, True
        case "collect count":
            return INTEGER, True
        case _:
            assert_never(policy)


def _conditions(model: Table, row: TableRow) -> str:
    """The table's condition, and the cells beside their inputs, as written."""
    shared = [] if model.when is None else [model.when.strip()]
    inputs = zip(model.inputs, row.cells, strict=True)
    conditions = [f"{subject}: {cell}" for subject, cell in inputs if cell != "-"]
    return " ; ".join([*shared, *conditions])
