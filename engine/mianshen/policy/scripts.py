"""A rulebook as a script of SQL that teams run in their own warehouse.

In: a program, a dialect, a day, which benefits or entities are wanted. Out: `Compiled`: the script, the tables
it reads with their columns, those it makes. The results have the columns of a batch's files. The names of missing
facts, rows over time, reversals and settled amounts are a batch's: here `reason` says `missing_facts` alone, and a
record is what its row says.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from mianshen.batch import diagnostics
from mianshen.batch.output_files import EntityFile, entity_files, wanted
from mianshen.policy.result_queries import ResultQueries
from mianshen.program.program import Program
from mianshen.program.slicing import rests_on
from mianshen.source import RuleError, nearest
from mianshen.version import __version__
from mianshen.warehouse import expressions as terms
from mianshen.warehouse.dialects import Dialect, TooWide, text_of
from mianshen.warehouse.script import FAILED, LEFT_OUT, PREFIX, REFUSED, Script


@dataclass(frozen=True, slots=True)
class Wish:
    """What the script is to decide: benefits by name, entities by name; nothing named is all of it."""

    benefits: Collection[str] = ()
    entities: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Compiled:
    """`reads`: entity to the columns of its table with their types; `makes`: the tables of results."""

    head: str
    statements: tuple[str, ...]
    reads: Mapping[str, Mapping[str, str]]
    makes: tuple[str, ...]

    @property
    def text(self) -> str:
        return self.head + "".join(f"{statement};\n\n" for statement in self.statements)


def compiled(
    program: Program, dialect: Dialect, as_of: dt.date, wish: Wish, inputs: Mapping[str, str] | None = None
) -> Compiled:
    """The script. `inputs`: entity to the table with its records; those left out stand under the entity's name.

    Raises RuleError where a wish names nothing, or the dialect cannot hold a number exactly.
    """
    narrowed, files = _narrowed(program, wish)
    keys = wanted(files)
    explained = {(b.entity, b.eligible) for file in files for b in file.benefits}
    explained |= {(e.name, e.explained_by) for e in (f.entity for f in files) if e.explained_by is not None}
    tables = [f"{PREFIX}_{file.stem}" for file in files]
    try:
        script = Script(narrowed, as_of, keys, dialect, inputs or {}, frozenset(explained) & keys)
        script.write()
        queries = ResultQueries(narrowed, script.catalog)
        for table, file in zip(tables, files, strict=True):
            script.result(table, file.entity.name, queries.rows(file))
    except TooWide:
        raise RuleError([diagnostics.too_wide(dialect)]) from None
    reads = {
        entity: {n: text_of(terms.sql_type(fact.type), dialect) for n, fact in script.facts(entity).items()}
        for entity in script.entities()
    }
    compiled = dict.fromkeys(s.table for s in script.statements if s.table in (REFUSED, FAILED))
    makes = (*tables, *compiled)
    head = _head(program, dialect, as_of, {script.inputs.get(n, n): c for n, c in reads.items()}, makes)
    return Compiled(head, tuple(s.text for s in script.statements), reads, makes)


def _narrowed(program: Program, wish: Wish) -> tuple[Program, list[EntityFile]]:
    """The program as far as it is wanted, and the files of a batch whose columns the results have."""
    everything = not wish.benefits and not wish.entities
    _check_known(program, wish)
    benefits = {
        name: benefit
        for name, benefit in program.benefits.items()
        if everything or name in wish.benefits or benefit.entity in wish.entities
    }
    entities = {*wish.entities, *(benefit.entity for benefit in benefits.values())}
    chosen = replace(program, benefits=benefits)
    files = [f for f in entity_files(chosen, program.entities) if everything or f.entity.name in entities]
    read = rests_on(program, wanted(files))
    narrowed = replace(chosen, decisions=tuple(d for d in program.decisions if d.key in read))
    return narrowed, [EntityFile(narrowed, file.entity) for file in files]


def _check_known(program: Program, wish: Wish) -> None:
    entities = {file.entity.name for file in entity_files(program, program.entities)}
    named = (("--benefit", wish.benefits, program.benefits), ("--entity", wish.entities, entities))
    findings = [
        diagnostics.no_such_wish(option, name, nearest(name, known))
        for option, names, known in named
        for name in names
        if name not in known
    ]
    if findings:
        raise RuleError(findings)


def _head(
    program: Program,
    dialect: Dialect,
    as_of: dt.date,
    reads: Mapping[str, Mapping[str, str]],
    makes: tuple[str, ...],
) -> str:
    """What the script is, reads and makes, as comments."""
    lines = [
        f"{program.name} (sha256:{program.digest}) as of {as_of.isoformat()}, for {dialect};",
        f"compiled by mianshen {__version__}. The whole script is run in order, in one session.",
        "",
        "It reads these tables, one row a record. NULL is unknown. Codes are codes, not labels.",
        "Rows over time, reversals and amounts settled before are not known here: leave reversed records out.",
        *(
            f"  {table} ({', '.join(f'{n} {t}' for n, t in columns.items())})"
            for table, columns in reads.items()
        ),
        "",
        f"It makes {', '.join(makes)}; other tables named {PREFIX}_… may be dropped after.",
        f"Records in {REFUSED} are wrong and those in {FAILED} could not be decided; what belongs with them is left",
        f"out of the results whole ({LEFT_OUT}). Repair or remove them and run the script again.",
    ]
    return "".join(f"-- {line}".rstrip() + "\n" for line in lines) + "\n"
