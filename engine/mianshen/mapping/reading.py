"""A mapping file read: every key, fact, value and format checked, each mistake at its place.

In: a YAML file, the program. Out: `ColumnMapping`. Raises RuleError with every mistake and the nearest name.
The columns themselves are held against the files later: one mapping serves many.
"""

from __future__ import annotations

from collections.abc import Sequence as Sequence_
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Literal

from mianshen.catalogue import diagnostic
from mianshen.document.diagnostics import shown
from mianshen.document.yaml_tree import Mapping as Tree
from mianshen.document.yaml_tree import Node, Scalar, Sequence, read_tree
from mianshen.mapping import diagnostics
from mianshen.mapping.dates import date_pattern
from mianshen.mapping.model import (
    FACTORS,
    PERCENT,
    Cell,
    ColumnMapping,
    Condition,
    Constant,
    EntityMapping,
    Entries,
    First,
    LeftOut,
    Operand,
    PersonRows,
    Replacement,
    Restricted,
    Reversals,
    RowNumber,
    Sum,
    Test,
    columns_of,
    facts_of,
    mapping_file,
    shipped_mappings,
)
from mianshen.mapping.shapes import LIST, MAPPING, SHARED, TEXT, ShapeReader
from mianshen.mapping.sql import Columns, entry_pattern
from mianshen.program.core import Date, Numeric
from mianshen.program.program import Fact, Program
from mianshen.records.facts import read_fact
from mianshen.source import Diagnostic, Message, RuleError, Span, unlined

SECTIONS: Final = ("columns", "facts", "constants", "ignore", "rows", "cells")
ROWS: Final = (
    "title_lines", "missing_columns", "other_columns", "leave_out", "reversals", "per", "order", "keep", "day",
)  # fmt: skip
STYLE: Final = ("trim", "thousands", "floats", "blank", "date")
CELL: Final = (
    "trim", "thousands", "floats", "date", "unit", "values", "other", "empty", "absent", "entries", "invalid",
)  # fmt: skip
OPERAND: Final = ("column", "constant", "row", "sum", "minus", "first", "only", "unless", "as_before", *CELL)
KINDS: Final = ("column", "constant", "row", "sum", "first")
ENTRIES: Final = ("separator", "part", "begins", "ends", "on", "order")
_TELLING: Final = 5  # columns of a mapping by which a file is told to be of its kind
TEST: Final = ("column", "fact", "is")


def read_mapping(path: Path, program: Program) -> ColumnMapping:
    """The mapping in a file. Raises RuleError with every mistake in it."""
    root, wrong = read_tree(path)
    reader = ShapeReader(program, wrong)
    entities: dict[str, EntityMapping] = {}
    if isinstance(root, Tree):
        reader.shared(root)
        for key, node in root.entries:
            if key.text in program.entities:
                entities[key.text] = _EntityReader(reader, program, key.text).read(node)
            elif key.text not in SHARED:
                wrong.append(
                    diagnostics.unknown_key(key.span, key.text, path.name, (*program.entities, *SHARED))
                )
    elif not wrong:
        wrong.append(
            diagnostics.wrong_shape(unlined(str(path)) if root is None else root.span, path.name, MAPPING)
        )
    if wrong:
        raise RuleError(wrong)
    return ColumnMapping(path, entities)


def likely_mapping(columns: Sequence_[tuple[str, str]], program: Program, entity: str) -> str | None:
    """The shipped mapping that has an entity and names most of a file's columns, given as name and type; None: none does.

    A mapping that this rulebook cannot read, for it lacks the entities or facts, is none.
    """
    file = Columns(columns)
    for name in shipped_mappings():
        try:
            entities = read_mapping(mapping_file(name), program).entities
        except RuleError:
            continue  # it is written for another rulebook than this one
        named = {file.column(names) for mapping in entities.values() for names, _ in mapping.named()} - {None}
        if entity in entities and len(named) >= _TELLING and len(named) * 2 >= len(columns):
            return name
    return None


@dataclass(slots=True)
class _EntityReader:
    shared: ShapeReader
    program: Program
    entity: str
    mapping: EntityMapping = field(default_factory=EntityMapping)
    style: Cell = field(default_factory=lambda: Cell((), Span("", 0, 0)))

    @property
    def facts(self) -> dict[str, Fact]:
        return {name: fact for (owner, name), fact in self.program.facts.items() if owner == self.entity}

    def read(self, node: Node) -> EntityMapping:
        sections = {key.text: value for key, value in self.shared.entries(node, self.entity, SECTIONS)}
        if (cells := sections.pop("cells", None)) is not None:
            self._style(cells)
        for section, value in sections.items():
            match section:
                case "columns":
                    self._columns(value)
                case "facts":
                    for key, operand in self.shared.named(value, "facts"):
                        if (fact := self._fact(key)) is not None:
                            self.mapping.facts[fact.name] = self._operand(operand, fact, key.span)
                case "constants":
                    for key, constant in self.shared.named(value, "constants"):
                        if (fact := self._fact(key)) is not None:
                            self.mapping.facts[fact.name] = Constant(self._value(fact, constant) or "")
                case "ignore":
                    self._ignored(value)
                case _:
                    self._rows(value)
        self._check_no_circles()
        return self.mapping

    def _check_no_circles(self) -> None:
        """A fact whose conditions read facts whose conditions lead back to it."""
        waiting = {name: set(facts_of(operand)) for name, operand in self.mapping.facts.items()}
        while ready := {name for name, read in waiting.items() if not read & set(waiting)}:
            waiting = {name: read for name, read in waiting.items() if name not in ready}
        for name in waiting:
            places = [span for _, span in columns_of(self.mapping.facts[name])]
            self.shared.wrong += [diagnostic("E565.circle", span, fact=name) for span in places[:1]]

    # -- facts -------------------------------------------------------------------------------

    def _columns(self, node: Node) -> None:
        """Columns, each with the fact it gives, or several."""
        for column, how in self.shared.named(node, "columns"):
            for one in how.items if isinstance(how, Sequence) else (how,):
                if isinstance(one, Scalar) and not one.null:
                    if (fact := self._fact(one)) is not None:
                        self.mapping.facts[fact.name] = self._cell(
                            (column.text.strip(),), column.span, {}, fact
                        )
                    continue
                parts = {
                    key.text: value for key, value in self.shared.entries(one, "columns", ("fact", *CELL))
                }
                named = parts.pop("fact", None)
                if not isinstance(named, Scalar) or named.null:
                    self.shared.shape(one, f"{column.text}: fact", TEXT)
                elif (fact := self._fact(named)) is not None:
                    self.mapping.facts[fact.name] = self._cell(
                        (column.text.strip(),), column.span, parts, fact
                    )

    def _fact(self, at: Scalar) -> Fact | None:
        """The fact a name means; refused where there is none or it is given already."""
        fact = self.facts.get(at.text)
        if fact is None:
            self.shared.wrong.append(diagnostics.unknown_fact(at.span, at.text, self.entity, self.facts))
        elif fact.name in self.mapping.facts:
            self.shared.wrong.append(diagnostic("E553.given_twice", at.span, fact=fact.name))
            return None
        return fact

    def _operand(self, node: Node, fact: Fact, span: Span) -> Operand:
        if isinstance(node, Scalar):
            return self._cell((self.shared.text(node, fact.name).strip(),), node.span, {}, fact)
        if isinstance(node, Sequence):
            self.shared.shape(node, fact.name, MAPPING)
            return Constant("")
        parts = {key.text: (key, value) for key, value in self.shared.entries(node, fact.name, OPERAND)}
        values = {name: value for name, (_, value) in parts.items()}
        kinds = [name for name in KINDS if name in parts]
        if len(kinds) != 1:
            self.shared.wrong.append(
                diagnostic("E560.one_kind", node.span if not kinds else parts[kinds[-1]][0].span)
            )
            return Constant("")
        operand = self._of_kind(kinds[0], values, fact, parts[kinds[0]][1].span)
        for name in set(CELL) & set(parts) if kinds[0] != "column" else ():
            self.shared.wrong.append(diagnostics.unfit(parts[name][0].span, name, fact.name, kinds[0]))
        return self._restricted(operand, values)

    def _of_kind(self, kind: str, values: dict[str, Node], fact: Fact, span: Span) -> Operand:
        node = values[kind]
        if kind == "column":
            return self._cell(self.shared.names(node, "column"), span, values, fact)
        if kind == "constant":
            return Constant(self._value(fact, node) or "")
        if kind == "row":
            return RowNumber(self.shared.text(node, "row"))
        items = node.items if isinstance(node, Sequence) else ()
        if not items:
            self.shared.shape(node, kind, LIST)
        operands = tuple(self._operand(item, fact, span) for item in items)
        if kind == "first":
            return First(operands)
        if not isinstance(fact.type, Numeric):
            self.shared.wrong.append(diagnostics.unfit(span, "sum", fact.name, fact.written))
        less = values.get("minus")
        taken = less.items if isinstance(less, Sequence) else () if less is None else (less,)
        return Sum(operands, tuple(self._operand(item, fact, span) for item in taken))

    def _restricted(self, operand: Operand, values: dict[str, Node]) -> Operand:
        only = self._conditions(values["only"]) if "only" in values else ()
        unless = self._conditions(values["unless"]) if "unless" in values else ()
        before = self._as_before(values["as_before"]) if "as_before" in values else None
        if not (only or unless or before):
            return operand
        return Restricted(operand, only, unless, before)

    def _as_before(self, node: Node) -> Condition:
        """One condition: of several names nobody could tell whether all must hold or one."""
        if isinstance(node, Sequence) and len(node.items) != 1:
            self.shared.wrong.append(diagnostic("E567.one_condition", node.span))
        conditions = self._conditions(node)
        return conditions[0] if conditions else ()

    def _cell(self, columns: tuple[str, ...], span: Span, parts: dict[str, Node], fact: Fact) -> Cell:
        """A column's cell for a fact; a style that does not fit the fact's type is refused only where it is its own."""
        read = self.shared
        numeric, dated = isinstance(fact.type, Numeric), isinstance(fact.type, Date)
        if "thousands" in parts and not numeric:
            read.wrong.append(
                diagnostics.unfit(parts["thousands"].span, "thousands", fact.name, fact.written)
            )
        values = self._values(fact, parts.get("values"))
        if "other" in parts and not values:
            read.wrong.append(diagnostics.unfit(parts["other"].span, "other", fact.name, "values: {}"))
        default = self.style
        return Cell(
            columns,
            span,
            trim=read.flag(parts["trim"], "trim") if "trim" in parts else default.trim,
            thousands=numeric
            and (read.flag(parts["thousands"], "thousands") if "thousands" in parts else default.thousands),
            shortest=self._shortest(parts["floats"]) if "floats" in parts else default.shortest,
            dates=self._dates(fact, parts["date"]) if "date" in parts else default.dates if dated else (),
            unit=self._unit(fact, parts.get("unit")),
            values=values,
            other=Replacement(self._or_unknown(fact, parts["other"])) if "other" in parts else None,
            empty=self._value(fact, parts["empty"]) if "empty" in parts else None,
            absent=self._value(fact, parts["absent"]) if "absent" in parts else None,
            entries=self._entries(fact, parts["entries"]) if "entries" in parts else None,
            sound="invalid" in parts and self._sound(fact, parts["invalid"]),
        )

    def _sound(self, fact: Fact, node: Node) -> bool:
        """Whether a number without a right check digit is unknown instead of refused."""
        if fact.format is None:
            self.shared.wrong.append(diagnostics.unfit(node.span, "invalid", fact.name, fact.written))
        return self.shared.flag(node, "invalid", "unknown", "refused")

    def _shortest(self, node: Node) -> bool:
        return self.shared.flag(node, "floats", "shortest", "refused")

    def _style(self, node: Node) -> None:
        """How every cell of the entity is read unless it says otherwise."""
        for key, value in self.shared.entries(node, "cells", STYLE):
            match key.text:
                case "trim":
                    self.style = replace(self.style, trim=self.shared.flag(value, "trim"))
                case "thousands":
                    self.style = replace(self.style, thousands=self.shared.flag(value, "thousands"))
                case "blank":
                    self.mapping.blank = self.shared.texts(value, "blank")
                case "floats":
                    self.style = replace(self.style, shortest=self._shortest(value))
                case _:
                    self.style = replace(self.style, dates=self._formats(value))

    def _value(self, fact: Fact, node: Node) -> str | None:
        """The text of a value the fact can have."""
        if not isinstance(node, Scalar) or node.null:
            self.shared.shape(node, fact.name, TEXT)
            return None
        read = read_fact(node, fact, self.program)
        if isinstance(read, Diagnostic):
            self.shared.wrong.append(diagnostic("E558.not_a_value", node.span, fact=fact.name, why=read.what))
            return None
        return node.text

    def _or_unknown(self, fact: Fact, node: Node) -> str | None:
        return None if isinstance(node, Scalar) and node.null else self._value(fact, node)

    def _dates(self, fact: Fact, node: Node) -> tuple[str, ...]:
        if not isinstance(fact.type, Date):
            self.shared.wrong.append(diagnostics.unfit(node.span, "date", fact.name, fact.written))
            return ()
        return self._formats(node)

    def _formats(self, node: Node) -> tuple[str, ...]:
        formats = []
        for item in node.items if isinstance(node, Sequence) else (node,):
            text = item.text if isinstance(item, Scalar) else ""
            if date_pattern(text) is None:
                self.shared.wrong.append(diagnostic("E555.bad_format", item.span, text=shown(text)))
            else:
                formats.append(text)
        return tuple(formats)

    def _unit(self, fact: Fact, node: Node | None) -> str | None:
        if node is None:
            return None
        text = node.text if isinstance(node, Scalar) else ""
        fits = text == PERCENT if fact.written == "rate" else text in FACTORS
        if text not in (*FACTORS, PERCENT):
            self.shared.wrong.append(diagnostics.bad_unit(node.span, text, (*FACTORS, PERCENT)))
        elif not isinstance(fact.type, Numeric) or not fits:
            self.shared.wrong.append(diagnostics.unfit(node.span, f"unit: {text}", fact.name, fact.written))
        return text

    def _values(self, fact: Fact, node: Node | None) -> tuple[tuple[str, str | None], ...]:
        if node is None:
            return ()
        pairs: list[tuple[str, str | None]] = []
        for key, value in self.shared.named(self.shared.shared_node(node, self.shared.lists), "values"):
            self._stray(key)
            pairs.append((key.text, self._or_unknown(fact, value)))
        return tuple(pairs)

    def _stray(self, key: Scalar) -> None:
        """A star means any ending, and stands only at the end of a beginning."""
        if "*" in key.text[:-1] or key.text == "*":
            self.shared.wrong.append(diagnostic("E561.stray_star", key.span, text=shown(key.text)))

    def _entries(self, fact: Fact, node: Node) -> Entries:
        read = self.shared
        parts = {key.text: value for key, value in read.entries(node, "entries", ENTRIES)}
        part = read.text(parts["part"], "part") if "part" in parts else None
        if part is not None and entry_pattern(part) is None:
            read.wrong.append(diagnostic("E562.bad_part", parts["part"].span, text=shown(part)))
        on = read.text(parts["on"], "on") if "on" in parts else "as_of"
        if on != "as_of" and on not in self.facts:
            read.wrong.append(diagnostics.unknown_fact(parts["on"].span, on, self.entity, self.facts))
        order = parts.get("order")
        if not isinstance(order, Sequence):
            read.shape(order or node, "order", LIST)
        return Entries(
            read.text(parts["separator"], "separator") if "separator" in parts else ",",
            part,
            read.names(parts["begins"], "begins") if "begins" in parts else (),
            read.names(parts["ends"], "ends") if "ends" in parts else (),
            None if on == "as_of" else on,
            tuple(self._value(fact, item) or "" for item in order.items)
            if isinstance(order, Sequence)
            else (),
        )

    # -- rows --------------------------------------------------------------------------------

    def _conditions(self, node: Node) -> tuple[Condition, ...]:
        """One condition or several, each a shared one's name or a list of tests that all hold."""
        if isinstance(node, Sequence) and all(isinstance(item, Scalar) for item in node.items):
            return tuple(self._condition(item) for item in node.items)
        return (self._condition(node),)

    def _condition(self, node: Node) -> Condition:
        node = self.shared.shared_node(node, self.shared.conditions)
        return tuple(self._test(item) for item in (node.items if isinstance(node, Sequence) else (node,)))

    def _test(self, node: Node, more: tuple[str, ...] = ()) -> Test:
        read = self.shared
        parts = {key.text: value for key, value in read.entries(node, "conditions", (*TEST, *more))}
        if ("column" in parts) == ("fact" in parts) or "is" not in parts:
            read.wrong.append(diagnostic("E563.bad_test", node.span))
            return Test((), "", (), node.span)
        values = parts["is"]
        for item in values.items if isinstance(values, Sequence) else (values,):
            if isinstance(item, Scalar):
                self._stray(item)
        texts = read.texts(values, "is")
        if "column" in parts:
            column = parts["column"]
            return Test(read.names(column, "column"), None, texts, column.span)
        fact = read.text(parts["fact"], "fact")
        if fact not in self.facts:
            read.wrong.append(diagnostics.unknown_fact(parts["fact"].span, fact, self.entity, self.facts))
        return Test((), fact, texts, parts["fact"].span)

    def _ignored(self, node: Node) -> None:
        if not isinstance(node, Sequence):
            self.shared.shape(node, "ignore", LIST)
            return
        names = [item for item in node.items if isinstance(item, Scalar)]
        self.mapping.ignored.update({item.text.strip(): item.span for item in names})

    def _rows(self, node: Node) -> None:
        read, mapping = self.shared, self.mapping
        parts = {key.text: value for key, value in read.entries(node, "rows", ROWS)}
        if "title_lines" in parts:
            mapping.title_lines = read.whole(parts["title_lines"], "title_lines")
        if "missing_columns" in parts:
            flag = read.flag(parts["missing_columns"], "missing_columns", "allowed", "refused")
            mapping.missing_allowed = flag
        if "other_columns" in parts:
            mapping.others_ignored = read.flag(parts["other_columns"], "other_columns", "ignored", "refused")
        if "leave_out" in parts:
            mapping.left_out = self._left_out(parts["leave_out"])
        if "reversals" in parts:
            mapping.reversals = self._reversals(parts["reversals"])
        if "per" in parts:
            mapping.person_rows = self._person_rows(parts)

    def _left_out(self, node: Node) -> tuple[LeftOut, ...]:
        if not isinstance(node, Sequence):
            self.shared.shape(node, "leave_out", LIST)
            return ()
        left_out = []
        for item in node.items:
            test = self._test(item, ("reason",))
            words = item.get("reason") if isinstance(item, Tree) else None
            named = f"{'、'.join(test.columns)} = {'、'.join(test.values)}"
            reason = Message(named, named)
            if words is not None:
                texts = {
                    key.text: self.shared.text(text, "reason")
                    for key, text in self.shared.named(words, "reason")
                }
                reason = Message(texts.get("zh", named), texts.get("en", named))
            left_out.append(LeftOut((test,), reason))
        return tuple(left_out)

    def _reversals(self, node: Node) -> Reversals | None:
        known = ("names", "key", "nothing")
        parts = {key.text: value for key, value in self.shared.entries(node, "reversals", known)}
        nothing = self.shared.texts(parts.pop("nothing"), "nothing") if "nothing" in parts else ()
        if set(parts) != {"names", "key"}:
            self.shared.shape(node, "reversals", ("names 与 key 两项", "two columns, names and key"))
            return None
        names, key = (
            replace(self.style, columns=self.shared.names(parts[name], name), span=parts[name].span, trim=True, dates=())
            for name in ("names", "key")
        )  # fmt: skip
        return Reversals(names, key, nothing)

    def _person_rows(self, parts: dict[str, Node]) -> PersonRows:
        read = self.shared
        per, day = read.text(parts["per"], "per"), parts.get("day")
        names = [(per, parts["per"])] + ([] if day is None else [(read.text(day, "day"), day)])
        for name, at in names:
            if name not in self.facts:
                read.wrong.append(diagnostics.unknown_fact(at.span, name, self.entity, self.facts))
        keep: Literal["newest", "history"] = "newest"
        if "keep" in parts and read.flag(parts["keep"], "keep", "history", "newest"):
            keep = "history"
        if keep == "history" and day is None:
            read.shape(parts["keep"], "day", TEXT)
        order = parts.get("order")
        items = order.items if isinstance(order, Sequence) else ()
        if not items:
            read.shape(order or parts["per"], "order", LIST)
        text = (
            Fact(self.entity, "order", self.facts[per].type, "text", Message("", ""))
            if per in self.facts
            else None
        )
        operands = () if text is None else tuple(self._operand(item, text, item.span) for item in items)
        return PersonRows(per, operands, keep, None if day is None else read.text(day, "day"))
