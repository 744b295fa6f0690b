"""The shape of a rulebook as written: what each section may hold, before anything has a meaning.

In: plain values read from YAML (formulas and literals still text). Out: frozen pydantic models.
Invariants: unknown keys are refused; numbers and dates that carry meaning stay text here, so that
no float ever stands between the file and the program.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, GetJsonSchemaHandler, Tag
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError
from typing_extensions import TypeAliasType

from mianshen.closed_sets import Basis, Delivery, HitPolicy, Period, ProvisionStatus, TextFormat


class AlsoWritten:
    """Tells editors what else the reader accepts here: JSON types such as `number` beside text."""

    def __init__(self, *types: str) -> None:
        self.types = types

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        schema = handler(core)
        return {"anyOf": [schema, *({"type": name} for name in self.types)]}


Identifier = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$|^[\u4e00-\u9fff][\u4e00-\u9fffa-z0-9_]*$")]
_NAME = r"[a-z\u4e00-\u9fff][\u4e00-\u9fffa-z0-9_]*"
OwnOrAbove = Annotated[str, Field(pattern=rf"^(?:{_NAME}\.)?{_NAME}$")]  # deductible, resident.insured_area
# a number, date, code or boolean, as written
Literal_ = Annotated[str, Field(min_length=1), AlsoWritten("number", "boolean")]
Formula = Annotated[
    str, Field(min_length=1, json_schema_extra={"x-formula": True}), AlsoWritten("number", "boolean")
]
Cell = Annotated[str, Field(min_length=1), AlsoWritten("number", "boolean")]
AreaCode = Annotated[str, Field(pattern=r"^([0-9]{2}|[0-9]{4}|[0-9]{6})$"), AlsoWritten("integer")]
Year = Annotated[str, Field(pattern=r"^[0-9]{4}$")]
Words = Annotated[str, Field(min_length=1), AlsoWritten("number")]  # a clause or document number


def _one_or_many(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _title(value: object) -> object:
    return {"zh": value, "en": value} if isinstance(value, str) else value


def _flag(value: object) -> bool:
    match value:
        case bool():
            return value
        case "true" | "false":
            return value == "true"
        case _:
            raise PydanticCustomError("flag", "true or false")


def _day(value: object) -> dt.date:
    if type(value) is dt.date:
        return value
    if isinstance(value, str) and re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", value, re.ASCII):
        try:
            return dt.date.fromisoformat(value)
        except ValueError:
            pass
    raise PydanticCustomError("day", "a day, YYYY-MM-DD")


Areas = Annotated[tuple[AreaCode, ...], BeforeValidator(_one_or_many), AlsoWritten("string", "integer")]
Clauses = Annotated[tuple[Words, ...], BeforeValidator(_one_or_many), AlsoWritten("string", "number")]
Names = Annotated[tuple[Identifier, ...], BeforeValidator(_one_or_many), AlsoWritten("string")]
Flag = Annotated[bool, BeforeValidator(_flag)]
Day = Annotated[dt.date, BeforeValidator(_day)]


class Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Title(Shape):
    zh: str
    en: str


Titled = Annotated[Title, BeforeValidator(_title), AlsoWritten("string")]


class Header(Shape):
    """`rulebook:` names the rulebook; written once."""

    name: str
    title: Titled
    entry: Identifier = "resident"
    notice: Titled | None = None  # what a notice of a decision is called
    office: Titled | None = None  # whom a notice names for questions, where its own office is not told


class Check(Shape):
    """A condition every record of an entity must not fail; a record that does is rejected."""

    name: Identifier
    condition: Formula
    field: Identifier
    title: Titled


class Entity(Shape):
    title: Titled
    key: Identifier
    parent: Identifier | None = None
    children: Identifier | None = None  # how the parent names the collection: claims, members
    counted_by: Identifier | None = None  # the parent's fact that says how many children there are
    date: Identifier | None = None  # the fact that is the row's reference date; otherwise as_of
    area: Identifier | None = None  # the fact jurisdiction is tested on
    outcome: Identifier | None = None  # the decision whose status is the row's status
    explained_by: Identifier | None = None  # the decision whose provision is the row's reason
    valid_from: Identifier | None = None  # the fact that says from when a row of the record's person holds
    reverses: Identifier | None = None  # the fact that names the row of one parent which this one cancels
    begins: Identifier | None = None  # the fact that says on which day the person was born
    ends: Identifier | None = None  # the fact that says on which day the person died
    checks: tuple[Check, ...] = ()


class Fact(Shape):
    """`type`: text, boolean, integer, number, money, rate, date, area, `code X`, `list of code X`."""

    type: str
    title: Titled
    required: Flag = False
    when_absent: Literal_ | None = None
    min: Literal_ | None = None
    max: Literal_ | None = None
    immutable: Flag = False
    personal: Flag = False  # identity numbers and names: never in logs, reports, rejects or errors
    format: TextFormat | None = None  # what a text must look like, its check digit included
    placeholders: tuple[Literal_, ...] = ()  # values that systems write where nothing is known: unknown
    settles: Identifier | None = None  # the money decision that this is the amount really paid of
    overrides: OwnOrAbove | None = None  # the decision, or fact above, that is what this says where given
    proposed: Flag = True  # false: nobody is advised to change it
    asked: Flag = True  # false: a question about it is put only where an answer cannot do without it


class CodeValue(Title):
    """A code's titles; `also` holds other spellings that records may use."""

    also: tuple[str, ...] = ()
    proposed: Flag = True  # false: nobody is advised to come under it


TitledCode = Annotated[CodeValue, BeforeValidator(_title), AlsoWritten("string")]


class CodeList(Shape):
    title: Titled
    values: dict[str, TitledCode]


class Decision(Shape):
    type: str
    title: Titled
    output: Flag = False  # a column of the batch's claims file and of `check`'s claims
    min: Literal_ | None = None  # a value outside is an error on the row
    max: Literal_ | None = None
    paid: Flag = False  # what is paid to or for the person; changes of it are owed or overpaid


class Bracket(Shape):
    over: Literal_
    rate: Literal_


def _value_shape(value: object) -> str:
    match value:
        case str():
            return "text"
        case dict():
            return "keyed"
        case None:
            return "nothing"
        case _:
            return "brackets"


ValueOrScale = Annotated[
    Annotated[Literal_, Tag("text")]
    | Annotated[tuple[Bracket, ...], Tag("brackets")]
    | Annotated["KeyedValues", Tag("keyed")]
    | Annotated[None, Tag("nothing")],
    Discriminator(_value_shape),
]
# of a parameter with keys: values by what a key is, one mapping within another
KeyedValues = TypeAliasType("KeyedValues", dict[str, ValueOrScale])


class DatedEntry(Shape):
    """What holds from `from` until the next one, or until `until`; for keys, and what it rests on."""

    from_: Day = Field(alias="from")
    until: Day | None = None  # last day
    for_: dict[Identifier, Literal_] = Field({}, alias="for")  # keys for which it holds
    basis: Basis | None = None
    source: str | None = None
    clause: Words | None = None
    review_by: Day | None = None
    note: str | None = None


class ParameterValue(DatedEntry):
    """One value of a dated series."""

    value: ValueOrScale = None  # absent when the basis is `missing`


class Parameter(Shape):
    """`type`: as a fact's, or `scale` (marginal brackets), `month_day` (`07-01`)."""

    type: str
    title: Titled
    source: str | None = None
    clause: Words | None = None
    basis: Basis | None = None
    keys: dict[Identifier, str] = {}  # what it is looked up by, in this order, and of which type
    values: tuple[ParameterValue, ...]


def _row_shape(value: object) -> str:
    return "keyed" if isinstance(value, dict) else "row"


RowOrKeyed = Annotated[
    Annotated[tuple[Literal_ | None, ...], Tag("row")] | Annotated["KeyedRows", Tag("keyed")],
    Discriminator(_row_shape),
]
# rows of a table of data by what a key is, one mapping within another; a row has a value for each column
KeyedRows = TypeAliasType("KeyedRows", dict[str, RowOrKeyed])


class DataValue(DatedEntry):
    """The rows of a table of data that hold from `from` until the next ones, or until `until`."""

    rows: KeyedRows


class DataTable(Shape):
    """Figures of several columns by the same keys: each column is a parameter with those keys."""

    title: Titled
    source: str | None = None
    clause: Words | None = None
    basis: Basis | None = None
    keys: dict[Identifier, str]
    columns: dict[Identifier, str]  # name and type of each
    values: tuple[DataValue, ...]


class Function(Shape):
    """A formula of arguments, used by name; `gives` money rounds it to the fen."""

    title: Titled | None = None
    takes: dict[Identifier, str]
    gives: str | None = None
    value: Formula


class AnnualLimit(Shape):
    """The payment is rounded, then paid as far as `limit` allows, counting what `accumulator` holds.

    Of a list of them the one that leaves least decides, and what is paid counts in every accumulator.
    """

    accumulator: Identifier
    limit: Formula


AnnualLimits: TypeAlias = AnnualLimit | tuple[AnnualLimit, ...] | None


class Accumulator(Shape):
    """What the provisions naming it pay of the decision it `sums`, per holder and period.

    `over` says which rows count; all of them without it.
    """

    title: Titled
    entity: Identifier = "claim"
    sums: Names = ()  # none: it counts rows; of several, a limit counts those before it on the same row
    dates: dict[Identifier, Identifier] = {}  # what counts by another date of the row than its own
    over: Formula | None = None
    per: Names = ()  # facts of the row or of what stands above it that also split the sum
    period: Period = "year"
    days_before: Literal_ | None = None  # instead of a period: the days before each row
    holder: Identifier | None = None  # whose rows share it: the parent, or an entity above it
    opening: Identifier | None = None  # the parent's fact holding the opening balance
    year_starts: Identifier | None = None  # a month_day parameter; the calendar year without one

    @property
    def summed(self) -> str | None:
        """The one decision that it adds up."""
        return self.sums[0] if self.sums else None


class StandIn(Shape):
    """Whose rule this is until the local one is entered, and the local authority to be asked."""

    of: Titled
    authority: Titled


class Scope(Shape):
    """Where and from when something holds, and what it rests on."""

    area: Areas | None = None
    from_: Day | None = Field(None, alias="from")
    until: Day | None = None
    status: Literal[ProvisionStatus, "planned"] | None = None
    source: str | None = None
    clause: Words | None = None
    basis: Literal["cited", "provisional"] | None = None
    stand_in: StandIn | None = None


class ProvisionModel(Scope):
    """What provisions, tables and their rows share."""

    title: Titled | None = None
    note: str | None = None


class LocalNames(ProvisionModel):
    """A provision or table, whose formulas may use names of its own."""

    let: dict[Identifier, Formula] = {}  # each may use those before it


class Provision(LocalNames):
    decision: Identifier
    entity: Identifier | None = None  # only where two entities have a decision of this name
    when: Formula | None = None
    value: Formula
    annual_limit: AnnualLimits = None
    exception_to: Names = ()
    fallback: Flag = False  # applies only where no other provision of the decision does


class TableRow(ProvisionModel):
    """One rule of a table; `cells` in the order of the table's inputs, `-` for any."""

    id: Identifier
    cells: tuple[Cell, ...]
    value: Formula
    annual_limit: AnnualLimits = None


class Table(LocalNames):
    """A decision table: compact provisions, each row one, named `<table>.<row id>`."""

    decision: Identifier
    entity: Identifier | None = None
    when: Formula | None = None
    inputs: tuple[Formula, ...]
    hit_policy: HitPolicy = "unique"
    rows: tuple[TableRow, ...]
    exception_to: Names = ()


class Benefit(Shape):
    """What a person sees: `eligible` is a boolean decision, `amount` a money decision."""

    title: Titled
    entity: Identifier | None = None  # None: the entry
    eligible: Identifier
    amount: Identifier | None = None
    shows: Names = ()  # other decisions worth showing beside the amount
    delivery: Delivery
    paid_to: Titled | None = None
    triggers: Names = ()  # life events, and benefits that when due make this one due too
    once_per: Identifier = "year"  # year, month, event, life, or a fact that tells one occasion from another
    work_list: Flag = False  # has a list of its own among those a township works through after a batch
    source: str
    clause: Words


class Property(Shape):
    """What a rulebook satisfies, whatever an overlay does: held by `lint` on figures, proved or refuted on rules.

    Of figures: each is at least, at most another figure, or a value written here. Of rows of an `entity` for which
    `when` holds: a condition `holds`; some provision gives each decision (`modelled`); a decision never falls as a fact
    rises (`never_falls`, `as`; a fall of `up_to` so much, by rounding, is let through); a decision is never less where
    a fact (`of`) has one of the values `for` than where it has one of those of `than` (`never_less`).
    """

    title: Titled
    figures: Names = ()
    at_least: Literal_ | None = None
    at_most: Literal_ | None = None
    entity: Identifier | None = None
    when: Formula | None = None
    holds: Formula | None = None
    modelled: Names = ()
    never_falls: Names = ()
    as_: Formula | None = Field(None, alias="as")
    up_to: Literal_ | None = None
    never_less: Names = ()
    of: Formula | None = None
    for_: tuple[Literal_, ...] = Field((), alias="for")
    than: tuple[Literal_, ...] = ()
    source: str | None = None
    clause: Words | None = None


class Event(Shape):
    """What a life event, a code of the list `event_type`, says of the person it happens to.

    Names are facts of the person, or of the child that the event `adds`: the event's own facts.
    """

    adds: Identifier | None = None  # an entity below the person: the event brings a row of it
    may_add: Identifier | None = None  # the same, but only where the event gives facts of such a row
    sets: dict[Identifier, Literal_] = {}  # facts and their values from the event on
    changes: Names = ()  # facts that have a new value from the event on, unknown where it gives none
    carries: Names = ()  # facts it may give; where it does not, the record's holds on
    keeps: dict[Identifier, Identifier] = {}  # facts that take what another one was before the event
    dated: Identifier | None = None  # the fact that takes the event's date


class SourceDocument(Shape):
    title: Titled
    number: Words | None = None
    issued: Day | None = None
    file: str | None = None


class Clause(Shape):
    """A clause of a source, and what it is about.

    It is answered by what cites it, by what is named here, or by a reason why it is out of scope.
    """

    source: str
    clause: Words
    subject: Titled
    answered_by: Names = ()


class OutOfScope(Shape):
    """Clauses of a source that decide no one's benefit, and why."""

    source: str
    clause: Clauses
    subject: Titled
    reason: Titled


class CalendarYear(Shape):
    """Where the working days of a year differ from Monday to Friday, each day as `01-31`."""

    days_off: tuple[Words, ...] = ()  # weekdays not worked
    worked: tuple[Words, ...] = ()  # Saturdays and Sundays worked to make up for them
    source: str | None = None
    clause: Words | None = None


class Defaults(Scope):
    """`defaults:` holds for every parameter value, provision and table of its own file."""

    review_by: Day | None = None


class RulebookFile(Shape):
    """One file of a rulebook; every section may stand in any file."""

    rulebook: Header | None = None
    defaults: Defaults | None = None
    entities: dict[Identifier, Entity] = {}
    codes: dict[Identifier, CodeList] = {}
    facts: dict[Identifier, dict[Identifier, Fact]] = {}
    decisions: dict[Identifier, dict[Identifier, Decision]] = {}
    sources: dict[str, SourceDocument] = {}
    parameters: dict[Identifier, Parameter] = {}
    data: dict[Identifier, DataTable] = {}
    functions: dict[Identifier, Function] = {}
    accumulators: dict[Identifier, Accumulator] = {}
    provisions: dict[Identifier, Provision] = {}
    tables: dict[Identifier, Table] = {}
    events: dict[Identifier, Event] = {}
    benefits: dict[Identifier, Benefit] = {}
    properties: dict[Identifier, Property] = {}
    calendar: dict[Year, CalendarYear] = {}
    clauses: tuple[Clause, ...] = ()
    out_of_scope: tuple[OutOfScope, ...] = ()
