"""What `import mianshen` gives: a rulebook opened once, records checked, tables decided.

In: a rulebook, records as Python values, YAML or JSON, tables that speak the Arrow PyCapsule interface.
Out: typed answers, Arrow tables. Money is `Decimal` in yuan with two decimals, days are `datetime.date`; an
unknown is None and its missing facts are named. The command line is built on the same rooms.

    import datetime as dt
    import mianshen

    rulebook = mianshen.open_rulebook()
    answer = rulebook.check(
        {"resident": {"person_id": "P1", "insured_area": "310000", "insurance_scheme": "resident"}},
        as_of=dt.date(2026, 6, 30),
    )
    answer.benefits["premium_subsidy"].status  # "undetermined", and `.missing` says for want of what
"""

from __future__ import annotations

import datetime as dt
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from mianshen.closed_sets import BenefitStatus, Delivery, RowStatus
from mianshen.program.program import Benefit, Citation, Program
from mianshen.source import Diagnostic, Lang, Message, RuleError, unlined
from mianshen.values import Known

if TYPE_CHECKING:
    import pyarrow as pa

    from mianshen.casework.check import Checked, Checker, Plain

__all__ = [
    "Answer", "BenefitAnswer", "Decided", "Diagnostic", "Message", "Reject", "RowAnswer", "RuleError", "Rulebook",
    "open_rulebook",
]  # fmt: skip

PathLike: TypeAlias = "str | Path"


class ArrowStream(Protocol):
    """Tables of pyarrow, polars and pandas, relations of DuckDB, and everything else with this method."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...


@dataclass(frozen=True, slots=True)
class BenefitAnswer:
    """One benefit of one person.

    `amount`: yuan, None where it is not eligible, has no amount, or the amount cannot be told (`missing` then says
    why). `provision`: the name of the provision that decided, None where none did. `missing`: the facts and
    parameters that can still change the answer.
    """

    name: str
    title: Message
    status: BenefitStatus
    amount: Decimal | None
    delivery: Delivery
    reason: Message
    provision: str | None
    missing: tuple[str, ...]
    clause: Citation


@dataclass(frozen=True, slots=True)
class RowAnswer:
    """One claim, visit or other row below the person.

    `values`: its decisions by name: money as Decimal in yuan with two decimals, rates as Decimal, days as date, codes as
    text; None where one is unknown or not modelled (`status` tells which). `missing`: what could still tell them.
    """

    entity: str
    key: str
    status: RowStatus
    values: Mapping[str, Known | None]
    reason: Message
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that was not decided: its entity and key, the field at fault, the code and the sentence."""

    entity: str
    key: str
    field: str
    code: str
    message: Message


class Answer:
    """What the rulebook says of one record. Immutable; `to_dict` and `to_json` give the contract's JSON."""

    def __init__(self, checker: Checker, checked: Checked) -> None:
        self._checker = checker
        self._checked = checked

    @property
    def key(self) -> str:
        """The person's key, as in the record."""
        return self._checked.result.key

    @property
    def as_of(self) -> dt.date:
        """The decision date."""
        return self._checked.result.as_of

    @cached_property
    def benefits(self) -> Mapping[str, BenefitAnswer]:
        """Every benefit of the rulebook by its name; empty where the person's row was rejected."""
        words, result = self._checker.words, self._checked.result
        return {
            name: BenefitAnswer(
                name=name,
                title=benefit.benefit.title,
                status=benefit.status,
                amount=benefit.amount,
                delivery=benefit.benefit.delivery,
                reason=words.of_benefit(benefit, self._checker.explainer),
                provision=decided.name if (decided := words.provisions.get(benefit.reason)) else None,
                missing=tuple(sorted({missing.name for missing in benefit.missing})),
                clause=benefit.benefit.citation if decided is None else decided.citation,
            )
            for name, benefit in result.benefits.items()
        }

    @cached_property
    def rows(self) -> tuple[RowAnswer, ...]:
        """Claims and other rows of the person, in the order they were decided."""
        return tuple(
            RowAnswer(
                entity=row.row.entity,
                key=row.row.key,
                status=row.status,
                values={name: _known(value) for name, value in row.values.items()},
                reason=self._checker.words.of_row(row),
                missing=tuple(sorted({missing.name for missing in row.missing})),
            )
            for row in self._checked.result.rows
        )

    @cached_property
    def rejects(self) -> tuple[Reject, ...]:
        """The rows of the record that were not decided, with what is wrong with each."""
        from mianshen.records.diagnostics import CODES

        return tuple(
            Reject(
                row.entity, row.key, row.rejection.field, CODES[row.rejection.reason], row.rejection.message
            )
            for row in self._checked.result.rejected
        )

    @property
    def notes(self) -> tuple[Message, ...]:
        """What the answer takes for granted, such as assumed facts."""
        return self._checked.notes

    def to_dict(self, lang: Lang = "en", *, explain: bool = False) -> dict[str, Plain]:
        """The object that `mianshen check --format json` prints; with `explain`, each step of the trace too."""
        return self._checker.answer(self._checked, lang, explain)

    def to_json(self, lang: Lang = "en", *, explain: bool = False) -> str:
        """`to_dict` as JSON text."""
        return json.dumps(self.to_dict(lang, explain=explain), ensure_ascii=False, indent=2)

    def __repr__(self) -> str:
        due = [name for name, benefit in self.benefits.items() if benefit.status == "eligible"]
        return f"<Answer as of {self.as_of}: eligible for {', '.join(due) or 'nothing'}>"


class Decided(Mapping[str, "pa.Table"]):
    """The tables of a batch by entity (`resident`, `claim`, …) and `rejects`, as `pyarrow.Table`s.

    A table has a row for each record that was not rejected, its keys first; amounts are DECIMAL in yuan. `rejects` has a row
    for each that was: file (named by the entity), row, key, field, code, reason. `summary`: the counts of `summary.json`.
    """

    def __init__(self, tables: Mapping[str, pa.Table], summary: Mapping[str, Any]) -> None:
        self._tables = dict(tables)
        self.summary = summary

    def __getitem__(self, name: str) -> pa.Table:
        return self._tables[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tables)

    def __len__(self) -> int:
        return len(self._tables)


class Rulebook:
    """A rulebook with its overlays, opened once and used for many records. Safe to share between threads to read."""

    def __init__(self, program: Program) -> None:
        self.program = program

    @property
    def name(self) -> str:
        """What the rulebook calls itself."""
        return self.program.name

    @property
    def digest(self) -> str:
        """SHA-256 of the rulebook's files, as manifests and answers give it."""
        return f"sha256:{self.program.digest}"

    @property
    def benefits(self) -> Mapping[str, Benefit]:
        """The benefits that the rulebook decides, by name."""
        return self.program.benefits

    @cached_property
    def _checker(self) -> Checker:
        from mianshen.casework.check import Checker

        return Checker(self.program)

    def check(self, record: Mapping[str, object] | PathLike, as_of: dt.date | None = None) -> Answer:
        """Decide one record.

        `record`: the mapping of README's "records" (numbers as int, Decimal or text, never float), the text of one
        in YAML or JSON, or a file that holds one (a Path, or a text that ends in .yaml, .yml or .json). `as_of`: the
        decision date, else the record's own. Raises RuleError, every diagnostic with its place, where the record
        cannot be read; a row with a wrong value is rejected instead and stands in `Answer.rejects`.
        """
        from mianshen.records.python_values import tree_of
        from mianshen.records.read import CASE_KEYS, lone_node, read_record

        node = tree_of(record) if isinstance(record, Mapping) else lone_node(record)
        case, problems = read_record(node, self.program, as_of, CASE_KEYS)
        if case is None:
            raise RuleError(problems)
        return Answer(self._checker, self._checker.check(case))

    def decide(
        self, tables: Mapping[str, ArrowStream], as_of: dt.date, *, threads: int | None = None
    ) -> Decided:
        """Decide every row of tables by entity, as `mianshen batch` decides files.

        `tables`: entity to its table, a row a record, columns named as the facts are; numbers as integers, decimals
        or text, never floats where money is meant; `threads`: None for every core. A row with a wrong value is
        rejected, with what hangs on it. Raises RuleError where an entity or a column is not known, or a table is doubtful
        as a file would be; OSError where there is no room to write.
        """
        from mianshen.batch.run import Request, check_entities, run_batch

        check_entities(self.program, tables)
        with tempfile.TemporaryDirectory(prefix="mianshen-") as folder:
            inputs: dict[str, str | Path | Sequence[str | Path]] = {
                entity: _written(table, Path(folder) / f"{entity}.parquet")
                for entity, table in tables.items()
            }
            out = Path(folder) / "out"
            try:
                summary = run_batch(self.program, Request(inputs, as_of, out, threads))
            except RuleError as error:
                raise RuleError(_of_table(finding, folder) for finding in error.diagnostics) from None
            return Decided(_tables(self.program, out), summary.content)

    def __repr__(self) -> str:
        return f"<Rulebook {self.name}: {len(self.benefits)} benefits>"


def open_rulebook(
    path: PathLike | Sequence[PathLike] | None = None, overlays: Sequence[PathLike] = ()
) -> Rulebook:
    """Open a rulebook: a folder or file, or several; None is the shipped one.

    `overlays`: files, or names of overlays that travel with the shipped rulebook, applied in order. Raises
    RuleError with every mistake of every file.
    """
    from mianshen.rulebook import open_program

    paths = () if path is None else (path,) if isinstance(path, str | Path) else path
    return Rulebook(open_program([Path(one) for one in paths], list(overlays)))


def _known(value: object) -> Known | None:
    return value if isinstance(value, Decimal | bool | str | dt.date | tuple) else None


def _written(table: ArrowStream, path: Path) -> Path:
    """The table as a Parquet file for the batch to read."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table(table), path, compression="none")
    return path


def _of_table(finding: Diagnostic, folder: str) -> Diagnostic:
    """The mistake at the table by its entity, not at the file it was written to."""
    file = Path(finding.span.file)
    return replace(finding, span=unlined(file.stem)) if file.is_relative_to(folder) else finding


def _tables(program: Program, folder: Path) -> dict[str, pa.Table]:
    """The tables of a finished batch, by entity."""
    import pyarrow.parquet as pq

    from mianshen.batch.output_files import REJECTS, entity_files

    files = {file.entity.name: file.name for file in entity_files(program, program.entities)}
    files["rejects"] = REJECTS
    return {name: pq.read_table(folder / file) for name, file in files.items() if (folder / file).exists()}
