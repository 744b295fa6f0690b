"""Provisions and decision tables, typed: one `Provision` for each way a decision can be decided.

In: the document, the symbol table. Out: provisions by decision; mistakes in a list.
"""

from __future__ import annotations


from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

from mianshen.program import mistakes
from mianshen.program.checker import Checker, joined, numeric_type
from mianshen.program.core import AsOf, Boolean, Choice, Const, Core, Date, FactRef, Numeric, Op, String, Type, Within
from mianshen.program.names import Names, describe
from mianshen.program.operators import INTEGER
from mianshen.program.program import Citation, Key, Limit, Planned, Provision
from mianshen.program.vocabulary import message
from mianshen.source import Diagnostic, Message, RuleError, Text
from mianshen.syntax import tree

if TYPE_CHECKING:
    from mianshen.document import Document
    from mianshen.document.model import Provision as ProvisionModel
    from mianshen.document.model import Ruling, Table, TableRow

TRUE: Final = Const(True, Boolean())
Path_ = tuple[str | int, ...]


@dataclass(slots=True)
class Parses:
    """Parsed formulas by place; each is parsed once, its mistakes reported once."""

    document: Document
    found: list[Diagnostic] = field(default_factory=list)
    trees: dict[Path_, Any] = field(default_factory=dict)

    def formula(self, path: Path_, cell: bool = False) -> Any:
        """The surface tree of the formula at `path`, or None when it does not parse."""
        from mianshen.syntax import parse_cell, parse_expression

        if path not in self.trees:
            text: Text = self.document.text(*path)
            try:
                self.trees[path] = parse_cell(text) if cell else parse_expression(text)
            except RuleError as error:
                self.found.extend(error.diagnostics)
                self.trees[path] = None
        return self.trees[path]


@dataclass(slots=True)
class ProvisionChecks:
    """Types every provision against one symbol table."""

    document: Document
    names: Names
    parses: Parses
    found: list[Diagnostic] = field(default_factory=list)
    planned: list[Planned] = field(default_factory=list)
    sites: dict[Key, list[tuple[str, Any, Path_]]] = field(default_factory=dict)

    def all(self) -> dict[Key, list[Provision]]:
        """Every provision in force or in pilot, by decision."""
        gathered: dict[Key, list[Provision]] = {}
        for name, model in self.document.provisions.items():
            self.gather(gathered, name, model, ("provisions", name))
        for name, table in self.document.tables.items():
            self.gather(gathered, name, table, ("tables", name))
        return gathered

    def gather(self, into: dict[Key, list[Provision]], name: str, model: ProvisionModel | Table, path: Path_) -> None:
        key = self.decision_of(model.decision, model.entity, path)
        if key is None:
            return
        if model.status == "planned":
            self.planned.append(Planned(name, key[1], self.title(model, name), Citation(model.source, model.clause)))
            self.typed(key, name, model, path)  # checked like any other, and then set aside
            return
        self.sites.setdefault(key, []).append((name, model, path))
        into.setdefault(key, []).extend(self.typed(key, name, model, path))

    def typed(self, key: Key, name: str, model: Any, path: Path_) -> list[Provision]:
        self.cited(model, path)
        if path[0] == "tables":
            return self.table(key, name, model, path)
        made = self.provision(key, name, model, path)
        return [] if made is None else [made]

    def decision_of(self, name: str, entity: str | None, path: Path_) -> Key | None:
        owners = [e for e, n in self.names.decisions if n == name and entity in (None, e)]
        if len(owners) == 1:
            return owners[0], name
        if len(owners) > 1:
            self.found.append(mistakes.misplaced(
                self.document.span(*path, "decision"),
                (f"{' and '.join(owners)} both have a decision {name!r}", f"{'、'.join(owners)} 都有决定 {name}"),
                ("Write entity: as well", "请同时写明 entity")))  # fmt: skip
        elif name not in self.names.broken:
            known = [n for _, n in self.names.decisions]
            self.found.append(mistakes.unknown_reference(self.document.span(*path, "decision"), ("decision", "决定"), name, known))
        return None

    def cited(self, model: Ruling, path: Path_) -> None:
        source = model.source
        if source is not None and source not in self.document.sources and not self.document.is_broken("sources", source):
            self.found.append(mistakes.unknown_reference(self.document.span(*path, "source"), ("source", "来源"), source, self.document.sources))
        if source is None or model.clause is None:
            self.found.append(mistakes.misplaced(
                self.document.span(*path), ("a provision names its source and clause", "条款须注明来源和条目"),
                ("Add source and clause, or give them under defaults", "请补充 source 和 clause，或写在 defaults 中")))  # fmt: skip

    # -- parts -------------------------------------------------------------------------------

    def check(self, entity: str) -> Checker:
        return Checker(self.names, entity, self.found)

    def provision(self, key: Key, name: str, model: ProvisionModel, path: Path_) -> Provision | None:
        when = [] if model.when is None else self.condition(key[0], (*path, "when"))
        value = self.value(key, (*path, "value"))
        limit = self.limit(key, model.annual_limit, path)
        scope = self.scope(key[0], model, path)
        for other in model.exception_to:
            self.exception_known(other, key, path)
        if when is None or value is None or scope is None or (limit is None) != (model.annual_limit is None):
            return None
        return self.made(name, model, path, (*scope, *when), value, limit, model.fallback, model.when, model.value)

    def made(
        self, name: str, model: Ruling, path: Path_, condition: Iterable[Core], value: Core,
        limit: Limit | None, fallback: bool, when_text: str | None, value_text: str, title: Message | None = None,
    ) -> Provision:  # fmt: skip
        status: Literal["in_force", "pilot"] = "pilot" if model.status == "pilot" else "in_force"
        return Provision(
            name=name, title=title or self.title(model, name), areas=model.area or (), start=model.from_, end=model.until,
            condition=tuple(condition), value=value, limit=limit, fallback=fallback, exceptions=(), status=status,
            citation=Citation(model.source, model.clause), basis=model.basis, when_text=when_text, value_text=value_text,
            note=model.note, span=self.document.span(*path),
        )  # fmt: skip

    def title(self, model: Ruling, name: str) -> Message:
        return Message(zh=name, en=name) if model.title is None else message(model.title)

    def exception_known(self, other: str, key: Key, path: Path_) -> None:
        if other in self.document.provisions or other in self.document.tables or other in self.names.broken:
            return
        known = [n for n, p in self.document.provisions.items() if p.decision == key[1]]
        self.found.append(mistakes.unknown_reference(self.document.span(*path, "exception_to"), ("provision", "条款"), other, known))

    def condition(self, entity: str, path: Path_) -> list[Core] | None:
        """The conjuncts of a condition."""
        parsed = self.parses.formula(path)
        got = None if parsed is None else self.check(entity).condition(parsed)
        if got is None:
            return None
        return list(got.args) if isinstance(got, Op) and got.op == "and" else [got]

    def value(self, key: Key, path: Path_) -> Core | None:
        """A value of the decision's type, money rounded half up to the fen."""
        parsed: tree.Expr | None = self.parses.formula(path)
        if parsed is None:
            return None
        checker, wanted = self.check(key[0]), self.names.decisions[key]
        if isinstance(wanted, Numeric):
            got = checker.rational(parsed)
            if got is None:
                return None
            if self.is_money(key):
                return checker.round_to(parsed.span, "half_up", 2, *got)
            if got[1] is not None:
                return checker.report(mistakes.loose_quotient(parsed.span))
            if numeric_type(got[0]).scale > wanted.scale:
                return checker.report(mistakes.misplaced(
                    parsed.span,
                    (f"the value has {numeric_type(got[0]).scale} decimals, the decision {wanted.scale}", f"该值有 {numeric_type(got[0]).scale} 位小数，而决定只有 {wanted.scale} 位"),
                    (f"Round it: round half up(x, {wanted.scale})", f"请取整：round half up(x, {wanted.scale})")))  # fmt: skip
            return got[0]
        plain = checker.value(parsed, wanted)
        if plain is not None and joined(plain.type, wanted) is None:
            checker.wrong(parsed.span, wanted, plain.type)
            return None
        return plain

    def is_money(self, key: Key) -> bool:
        return self.document.decisions[key[0]][key[1]].type == "money"

    def limit(self, key: Key, model: Any, path: Path_) -> Limit | None:
        if model is None:
            return None
        name = model.accumulator
        accumulator = self.document.accumulators.get(name)
        if accumulator is None:
            if not self.document.is_broken("accumulators", name):
                span = self.document.span(*path, "annual_limit", "accumulator")
                self.found.append(mistakes.unknown_reference(span, ("accumulator", "累计"), name, self.document.accumulators))
            return None
        if accumulator.sums != key[1] or accumulator.entity != key[0] or not self.is_money(key):
            span = self.document.span(*path, "annual_limit", "accumulator")
            self.found.append(mistakes.unused_provision_limit(span, name, accumulator.sums))
            return None
        parsed = self.parses.formula((*path, "annual_limit", "limit"))
        limit = None if parsed is None else self.check(key[0]).numeric(parsed)
        if limit is None:
            return None
        if numeric_type(limit).scale > 2:
            self.found.append(mistakes.misplaced(parsed.span, ("a limit has at most two decimals", "限额至多两位小数"), ("Round it", "请取整")))
            return None
        return Limit(name, limit, model.limit)

    def scope(self, entity: str, model: Ruling, path: Path_) -> list[Core] | None:
        """Jurisdiction and dates as conditions, tested before the rest."""
        conditions: list[Core] = []
        if model.area:
            area = self.area_fact(entity)
            if area is None:
                self.found.append(mistakes.no_area(self.document.span(*path, "area"), entity))
                return None
            conditions.append(Within(area, model.area))
        date = self.reference_date(entity)
        if model.from_ is not None:
            conditions.append(Op("ge", (date, Const(model.from_, Date())), Boolean()))
        if model.until is not None:
            if model.from_ is not None and model.until < model.from_:
                self.found.append(mistakes.never_applies(self.document.span(*path), str(path[1])))
            conditions.append(Op("le", (date, Const(model.until, Date())), Boolean()))
        return conditions

    def area_fact(self, entity: str) -> Core | None:
        for owner in (entity, *self.names.ancestors(entity)):
            name = self.names.entities[owner].area
            if name is not None:
                return FactRef(owner, name, String(area=True))
        return None

    def reference_date(self, entity: str) -> Core:
        name = self.names.entities[entity].date
        return AsOf() if name is None else FactRef(entity, name, Date())

    # -- tables ------------------------------------------------------------------------------

    def table(self, key: Key, name: str, model: Table, path: Path_) -> list[Provision]:
        when = [] if model.when is None else self.condition(key[0], (*path, "when"))
        scope = self.scope(key[0], model, path)
        inputs = [self.parses.formula((*path, "inputs", i)) for i in range(len(model.inputs))]
        subjects = [None if node is None else self.check(key[0]).value(node) for node in inputs]
        rows = [self.row(key, model, index, row, subjects, path) for index, row in enumerate(model.rows)]
        if when is None or scope is None:
            return []
        if model.hit_policy == "unique":
            return [
                self.row_provision(name, model, row, path, index, (*scope, *when, *made[0]), made)
                for index, (row, made) in enumerate(zip(model.rows, rows, strict=True))
                if made is not None
            ]
        sound = [made for made in rows if made is not None]
        if len(sound) < len(rows) or not sound:
            return []
        return self.chosen(key, name, model, path, [*scope, *when], sound)

    def row_provision(
        self, name: str, model: Table, row: TableRow, path: Path_, index: int,
        condition: tuple[Core, ...], made: tuple[list[Core], Core, Limit | None],
    ) -> Provision:  # fmt: skip
        own = row.model_copy(update={
            field_: getattr(model, field_) for field_ in ("area", "from_", "until", "status", "source", "clause", "basis")
            if getattr(row, field_) is None
        })  # fmt: skip
        title = self.title(row if row.title is not None else model, name)
        cells = " ; ".join(f"{i}: {c}" for i, c in zip(model.inputs, row.cells, strict=True))
        place = (*path, "rows", index)
        return self.made(f"{name}.{row.id}", own, place, condition, made[1], made[2], False, cells, row.value, title)

    def row(
        self, key: Key, model: Table, index: int, row: TableRow, subjects: list[Core | None], path: Path_
    ) -> tuple[list[Core], Core, Limit | None] | None:
        place = (*path, "rows", index)
        if len(row.cells) != len(model.inputs):
            self.found.append(mistakes.wrong_cells(self.document.span(*place), len(model.inputs), len(row.cells)))
            return None
        conditions: list[Core] = []
        sound = True
        for column, subject in enumerate(subjects):
            cell: tree.Cell | None = self.parses.formula((*place, "cells", column), cell=True)
            if cell is None or subject is None:
                sound = False
            elif cell.tests:
                got = self.check(key[0]).tests(subject, cell.tests, cell.span)
                sound = sound and got is not None
                if got is not None:
                    conditions.append(Op("not", (got,), Boolean()) if cell.negated else got)
        scope = self.scope(key[0], row, place)
        value = self.value(key, (*place, "value"))
        limit = self.limit(key, row.annual_limit, place)
        if not sound or scope is None or value is None or (limit is None) != (row.annual_limit is None):
            return None
        if limit is not None and model.hit_policy != "unique":
            self.found.append(mistakes.misplaced(
                self.document.span(*place, "annual_limit"),
                ("a limit needs a unique table", "限额只能用于唯一命中的表"), ("Use hit_policy: unique", "请使用 hit_policy: unique")))  # fmt: skip
            return None
        return [*scope, *conditions], value, limit

    def chosen(
        self, key: Key, name: str, model: Table, path: Path_, condition: list[Core], rows: list[tuple[list[Core], Core, Limit | None]]
    ) -> list[Provision]:
        """One provision for a table whose rows may match together."""
        policy: Any = model.hit_policy.removeprefix("collect ")
        pairs = tuple((conjunction(c), v) for c, v, _ in rows)
        matched: Core = pairs[0][0] if len(pairs) == 1 else Op("or", tuple(c for c, _ in pairs), Boolean())
        type_ = self.choice_type(policy, [v for _, v in pairs], key, path)
        if type_ is None:
            return []
        value = Choice(policy, pairs, type_)
        texts = " ; ".join(model.inputs), model.hit_policy
        return [self.made(name, model, path, [*condition, matched], value, None, False, *texts)]

    def choice_type(self, policy: str, values: list[Core], key: Key, path: Path_) -> Type | None:
        wanted = self.names.decisions[key]
        if policy == "count":
            if not isinstance(wanted, Numeric):
                self.found.append(mistakes.wrong_type(self.document.span(*path), describe(wanted), describe(INTEGER)))
                return None
            return Numeric(0, INTEGER.low, INTEGER.high)
        type_: Type | None = values[0].type
        for value in values[1:]:
            type_ = None if type_ is None else joined(type_, value.type)
        if type_ is None or (policy in ("sum", "min", "max") and not isinstance(type_, Numeric)):
            self.found.append(mistakes.wrong_type(self.document.span(*path), describe(wanted), describe(values[0].type)))
            return None
        if policy == "sum" and isinstance(type_, Numeric):
            return Numeric(type_.scale, type_.low * len(values), type_.high * len(values))
        return type_


def conjunction(conditions: list[Core]) -> Core:
    if not conditions:
        return TRUE
    return conditions[0] if len(conditions) == 1 else Op("and", tuple(conditions), Boolean())


