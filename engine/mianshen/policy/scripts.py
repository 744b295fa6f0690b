"""A rulebook as a script of SQL that teams run in their own warehouse.

In: a program, a dialect, a day, which benefits or entities are wanted. Out: `Compiled`: the script, the tables
it reads with their columns, those it makes. The results have the columns of a batch's files. What a batch tells
of missing facts takes a second pass over the undetermined rows and is not in the script: `reason` says
`missing_facts` alone.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Final

from sqlglot import exp

from mianshen.batch import diagnostics
from mianshen.policy.result_queries import Outputs, collection
from mianshen.program.program import Entity, Key, Program
from mianshen.source import RuleError, nearest
from mianshen.version import __version__
from mianshen.warehouse import expressions as terms
from mianshen.warehouse.dialects import Dialect, TooWide, text_of
from mianshen.warehouse.expressions import Sql
from mianshen.warehouse.in_turn import InTurnOnly
from mianshen.warehouse.plan import needed
from mianshen.warehouse.script import FAILED, LEFT_OUT, PREFIX, REFUSED, Script

RESIDENTS: Final = f"{PREFIX}_residents"


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


class Nameless:
    """Tells no missing facts."""

    def beside(
        self, query: exp.Select, entity: str, names: tuple[str, ...], table: str
    ) -> tuple[exp.Select, dict[str, Sql]]:
        return query, dict.fromkeys(names, terms.NULL)


def compiled(
    program: Program, dialect: Dialect, as_of: dt.date, wish: Wish, inputs: Mapping[str, str] | None = None
) -> Compiled:
    """The script. `inputs`: entity to the table with its records; those left out stand under the entity's name.

    Raises RuleError where a wish names nothing, or the dialect cannot hold a number exactly.
    """
    narrowed, person, children = _narrowed(program, wish)
    listed = frozenset(child.name for child in children)
    outputs = Outputs(narrowed, {}, as_of, given=listed)
    decided = frozenset(d.key for d in narrowed.decisions)
    explained = outputs.explained & decided
    parts = [RESIDENTS] if person else []
    try:
        script = Script(narrowed, as_of, decided, dialect, dict(inputs or {}), explained, outputs.carried)
        outputs.rows = script.rows
        script.write()
        if person:
            script.result(RESIDENTS, outputs.person.name, outputs.residents(script, Nameless()))
        for child in children:
            parts.append(f"{PREFIX}_{collection(child)}")
            script.result(parts[-1], child.name, outputs.children(script, Nameless(), child))
    except TooWide:
        raise RuleError([diagnostics.too_wide(dialect)]) from None
    except InTurnOnly as error:
        raise RuleError([diagnostics.in_turn_only(str(error))]) from None
    reads = {name: _columns(narrowed, name, script.facts(name), dialect) for name in script.entities()}
    told = tuple(dict.fromkeys(s.table for s in script.statements if s.table in (REFUSED, FAILED)))
    head = _head(
        program, dialect, as_of, {script.inputs.get(n, n): c for n, c in reads.items()}, (*parts, *told)
    )
    return Compiled(head, tuple(s.text for s in script.statements), reads, (*parts, *told))


def _narrowed(program: Program, wish: Wish) -> tuple[Program, bool, list[Entity]]:
    """The program as far as it is wanted, whether people's benefits are, and whose rows below people are."""
    below = [each for each in program.children_of(program.entry) if each.outcome is not None]
    if not below or below[0] != program.child_of(program.entry):
        raise RuleError([diagnostics.no_outcome(program.name)])
    _refuse_unknown(program, wish, below)
    everything = not wish.benefits and not wish.entities
    benefits = {
        name: benefit
        for name, benefit in program.benefits.items()
        if benefit.entity == program.entry
        and (everything or name in wish.benefits or program.entry in wish.entities)
    }
    keys: set[Key] = {
        (b.entity, d) for b in benefits.values() for d in (b.eligible, b.amount) if d is not None
    }
    children = [each for each in below if everything or each.name in wish.entities]
    for child in children:
        told = (*program.shown.get(child.name, ()), child.outcome, child.explained_by)
        keys |= {(child.name, name) for name in told if name is not None}
    read = needed(program, keys)
    decisions = tuple(d for d in program.decisions if d.key in read)
    return replace(program, benefits=benefits, decisions=decisions), bool(benefits), children


def _refuse_unknown(program: Program, wish: Wish, below: list[Entity]) -> None:
    entities = {program.entry, *(child.name for child in below)}
    benefits = {name for name, benefit in program.benefits.items() if benefit.entity == program.entry}
    named = (("--benefit", wish.benefits, benefits), ("--entity", wish.entities, entities))
    found = [
        diagnostics.no_such_wish(option, name, nearest(name, known))
        for option, names, known in named
        for name in names
        if name not in known
    ]
    if found:
        raise RuleError(found)


def _columns(program: Program, entity: str, facts: list[str], dialect: Dialect) -> dict[str, str]:
    return {name: text_of(terms.sql_type(program.facts[entity, name].type), dialect) for name in facts}


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
        *(
            f"  {table} ({', '.join(f'{n} {t}' for n, t in columns.items())})"
            for table, columns in reads.items()
        ),
        "",
        f"It makes {', '.join(makes)}; other tables named {PREFIX}_… may be dropped after.",
        f"Records in {REFUSED} are wrong and those in {FAILED} could not be decided; their households are left",
        f"out of the results whole ({LEFT_OUT}). Repair or remove them and run the script again.",
    ]
    return "".join(f"-- {line}".rstrip() + "\n" for line in lines) + "\n"
