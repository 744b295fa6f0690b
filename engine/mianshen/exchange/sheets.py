"""A rulebook's figures, tables and code lists as sheets of texts, for whoever edits them without YAML.

In: a document. Out: `Sheet`s: columns under a Chinese title and an identifier, rows of texts exactly as written.
Invariants: file defaults are filled in, so that a row says by itself what it rests on; nested keys become columns;
the sheets of two documents are equal where figures, tables and code lists mean the same.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias, get_args

from mianshen.closed_sets import Basis, ProvisionStatus
from mianshen.document import Document, model
from mianshen.exchange import diagnostics
from mianshen.source import RuleError

SheetKind: TypeAlias = Literal["parameters", "scales", "keyed", "data", "tables", "codes"]
Row: TypeAlias = Mapping[str, str]  # text by the column's identifier

SEPARATOR: Final = "; "  # between several texts of one cell
GROUNDS: Final = ("basis", "source", "clause", "review_by", "note")
TITLES: Final = {
    "name": "名称", "title": "标题", "type": "类型", "from": "起始日", "until": "截止日", "value": "值", "over": "超过（元）",
    "rate": "比例", "basis": "依据性质", "source": "来源", "clause": "条款", "review_by": "复核期限", "note": "备注",
    "list": "代码表", "code": "代码", "zh": "中文", "en": "英文", "also": "其他写法", "proposed": "可建议变更", "id": "行号",
    "title_zh": "中文标题", "title_en": "英文标题", "area": "适用地区", "status": "状态", "annual_limit": "年度限额",
    "stand_in": "代用",
}  # fmt: skip
CHOICES: Final = {
    "basis": get_args(Basis),
    "status": (*get_args(ProvisionStatus), "planned"),
    "proposed": ("true", "false"),
}
DAYS: Final = ("from", "until", "review_by")
READ_ONLY: Final = ("title", "type", "annual_limit", "stand_in")
_ROW_PARTS: Final = ("from", "until", "status", "source", "clause", "basis", "note")


@dataclass(frozen=True, slots=True)
class Column:
    """A column: the identifier by which it is found again, its title, and how its literals are read."""

    name: str
    title: str
    type: str = ""  # the written type of a figure; empty: text
    editable: bool = True


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet; `entry` is the table or figure that it holds, empty where it holds many."""

    kind: SheetKind
    entry: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...] = field(repr=False)
    note: str = ""  # where and when the table holds

    @property
    def path(self) -> str:
        """By which a sheet is found again, whatever its tab is called."""
        return f"{self.kind}.{self.entry}" if self.entry else self.kind

    def column(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)

    @property
    def digest(self) -> str:
        """A digest of the rows, 16 hex digits: it tells whether a sheet or the rulebook behind it has changed."""
        rows = [[row.get(column.name, "") for column in self.columns] for row in self.rows]
        return hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:16]


def sheets_of(document: Document, names: Sequence[str] = ()) -> tuple[Sheet, ...]:
    """The sheets of the entries named, or of all. Raises RuleError where no entry has a name."""
    sections = (document.parameters, document.data, document.tables, document.codes)
    known = [name for section in sections for name in section]
    if unknown := [name for name in names if name not in known]:
        raise RuleError([diagnostics.unknown_entry(name, known) for name in unknown])

    def chosen(section: Mapping[str, Any]) -> dict[str, Any]:
        return {name: entry for name, entry in section.items() if not names or name in names}

    parameters: dict[str, model.Parameter] = chosen(document.parameters)
    plain = {name: p for name, p in parameters.items() if not p.keys and p.type != "scale"}
    scales = {name: p for name, p in parameters.items() if not p.keys and p.type == "scale"}
    sheets = [
        *([_listed("parameters", "参数", plain)] if plain else ()),
        *([_listed("scales", "分段比例", scales)] if scales else ()),
        *(_keyed(name, p) for name, p in parameters.items() if p.keys),
        *(_data(name, table) for name, table in chosen(document.data).items()),
        *(_table(document, name, table) for name, table in chosen(document.tables).items()),
    ]
    codes: dict[str, model.CodeList] = chosen(document.codes)
    return (*sheets, *([_codes(codes)] if codes else ()))


def _columns(*names: str, types: Mapping[str, str] | None = None) -> tuple[Column, ...]:
    types = types or {}
    return tuple(
        Column(name, TITLES.get(name, name), types.get(name, ""), name not in READ_ONLY) for name in names
    )


# -- figures -----------------------------------------------------------------------------------------


def _listed(kind: SheetKind, title: str, parameters: Mapping[str, model.Parameter]) -> Sheet:
    """Parameters without keys on one sheet, a row a dated value or a bracket."""
    values = ("over", "rate") if kind == "scales" else ("value",)
    columns = _columns(
        "name", "title", "type", "from", "until", *values, *GROUNDS, types={"over": "money", "rate": "rate"}
    )
    rows = [
        {"name": name, "title": _text(parameter.title.zh), "type": parameter.type, **row}
        for name, parameter in parameters.items()
        for row in parameter_rows(parameter)
    ]
    return Sheet(kind, "", title, columns, tuple(rows))


def _keyed(name: str, parameter: model.Parameter) -> Sheet:
    values = {"over": "money", "rate": "rate"} if parameter.type == "scale" else {"value": parameter.type}
    columns = _columns("from", "until", *own_names(parameter.keys), *values, *GROUNDS, types=values)
    return Sheet("keyed", name, parameter.title.zh, columns, tuple(parameter_rows(parameter)))


def _data(name: str, table: model.DataTable) -> Sheet:
    names = own_names([*table.keys, *table.columns])
    keys, figures = names[: len(table.keys)], names[len(table.keys) :]
    types = dict(zip(figures, table.columns.values(), strict=True))
    columns = _columns("from", "until", *keys, *figures, *GROUNDS, types=types)
    rows = [
        {**_dates(dated), **by_keys(keys, cells), **by_keys(figures, leaf), **_grounds(dated)}
        for dated in table.values
        for cells, leaf in _leaves(dated.rows, list(table.keys), dated.for_)
    ]
    return Sheet("data", name, table.title.zh, columns, tuple(rows))


def parameter_rows(parameter: model.Parameter) -> Iterator[dict[str, str]]:
    """A row for each value of a parameter, or for each bracket of a scale."""
    keys = own_names(parameter.keys)
    for dated in parameter.values:
        for cells, leaf in _leaves(dated.value, list(parameter.keys), dated.for_):
            values: list[dict[str, str]] = [
                {"over": "", "rate": ""} if parameter.type == "scale" else {"value": ""}
            ]
            if isinstance(leaf, tuple):
                values = [{"over": _text(bracket.over), "rate": _text(bracket.rate)} for bracket in leaf]
            elif leaf is not None:
                values = [{"value": _text(leaf)}]
            for value in values:
                yield {
                    **_dates(dated),
                    **by_keys(keys, cells),
                    **value,
                    **_grounds(dated, missing=leaf is None),
                }


def _leaves(written: Any, keys: list[str], fixed: Mapping[str, str]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """What is written for each combination of keys."""
    if not keys:
        yield (), written
        return
    key, *rest = keys
    cells = {fixed[key]: written} if key in fixed else written if isinstance(written, dict) else {"": written}
    for cell, inner in cells.items():
        for below, leaf in _leaves(inner, rest, fixed):
            yield (cell, *below), leaf


def own_names(names: Iterable[str]) -> list[str]:
    """The identifiers of columns that the rulebook names: told apart from ours, and from one another."""
    own: list[str] = []
    for name in names:
        text = " ".join(name.split())
        own.append(f"{text} #{len(own) + 1}" if text in own or text in TITLES else text)
    return own


def by_keys(names: Sequence[str], texts: Sequence[str | None]) -> dict[str, str]:
    return {name: _text(text) for name, text in zip(names, texts, strict=False)}


def _dates(dated: model.DatedEntry) -> dict[str, str]:
    return {"from": dated.from_.isoformat(), "until": _text(dated.until)}


def _grounds(dated: model.DatedEntry, missing: bool = False) -> dict[str, str]:
    grounds = {name: _text(getattr(dated, name)) for name in GROUNDS}
    return grounds if grounds["basis"] or not missing else {**grounds, "basis": "missing"}


# -- tables and codes --------------------------------------------------------------------------------


def _table(document: Document, name: str, table: model.Table) -> Sheet:
    inputs = own_names(table.inputs)
    heads = tuple(
        Column(column, input_title(document, formula))
        for column, formula in zip(inputs, table.inputs, strict=True)
    )
    columns = (
        *_columns("id"), *heads, *_columns("value", "title_zh", "title_en", "area", *_ROW_PARTS, "annual_limit", "stand_in"),
    )  # fmt: skip
    title = table.title.zh if table.title is not None else name
    rows = tuple(_table_row(inputs, row) for row in table.rows)
    return Sheet("tables", name, title, columns, rows, _holds(table))


def _table_row(inputs: Sequence[str], row: model.TableRow) -> dict[str, str]:
    parts = {part: _text(getattr(row, "from_" if part == "from" else part)) for part in _ROW_PARTS}
    return {
        "id": row.id, **by_keys(inputs, row.cells), "value": _text(row.value),
        "title_zh": _text(row.title and row.title.zh), "title_en": _text(row.title and row.title.en),
        "area": SEPARATOR.join(row.area or ()), **parts, "annual_limit": _limits(row.annual_limit),
        "stand_in": row.stand_in.of.zh if row.stand_in else "",
    }  # fmt: skip


def _limits(limits: model.AnnualLimits) -> str:
    listed = limits if isinstance(limits, tuple) else () if limits is None else (limits,)
    return SEPARATOR.join(f"{limit.accumulator} <= {limit.limit}" for limit in listed)


def _holds(table: model.Table) -> str:
    """What a reader of the sheet should know of the table as a whole."""
    parts = {
        "决定": table.decision, "命中规则": table.hit_policy, "适用地区": SEPARATOR.join(table.area or ()),
        "起始日": _text(table.from_), "截止日": _text(table.until), "条件": table.when or "", "来源": table.source or "",
        "条款": table.clause or "",
    }  # fmt: skip
    return "；".join(f"{part} {text}" for part, text in parts.items() if text)


def input_title(document: Document, formula: str) -> str:
    """The Chinese title of a fact or decision that is an input by itself; otherwise the formula."""
    entity, _, name = formula.strip().rpartition(".")
    for section in (document.facts, document.decisions):
        for owner, entries in section.items():
            if name in entries and entity in ("", owner):
                return entries[name].title.zh
    return formula


def _codes(codes: Mapping[str, model.CodeList]) -> Sheet:
    rows = tuple(
        {
            "list": name, "title": _text(listed.title.zh), "code": code, "zh": _text(value.zh), "en": _text(value.en),
            "also": SEPARATOR.join(value.also), "proposed": _text(value.proposed),
        }
        for name, listed in codes.items()
        for code, value in listed.values.items()
    )  # fmt: skip
    return Sheet(
        "codes", "", "代码表", _columns("list", "title", "code", "zh", "en", "also", "proposed"), rows
    )


def _text(value: object) -> str:
    """A value as a cell holds it: nothing is empty, and blanks around a text go."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case _:
            return str(value).strip()
