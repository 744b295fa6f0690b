"""The figures: dated series of values, each with what it rests on.

In: the document's parameters. Out: `Parameter`s, and what formulas may know of each.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import reduce
from typing import TYPE_CHECKING, Final

from mianshen.catalogue import diagnostic
from mianshen.closed_sets import Basis
from mianshen.elaboration.keyed import Entry, KeyReader, Written
from mianshen.elaboration.vocabulary import Vocabulary, literal_words, message
from mianshen.formulas.symbol_table import Keyed, ParameterName
from mianshen.program import diagnostics
from mianshen.program.core import Numeric, String, Type
from mianshen.program.literals import WRITTEN
from mianshen.program.operators import either
from mianshen.program.program import Brackets, Citation, Dated, Parameter
from mianshen.program.scales import least_rate
from mianshen.source import Message
from mianshen.values import Known
from mianshen.wording import wording

if TYPE_CHECKING:
    from mianshen.document.model import Bracket
    from mianshen.document.model import Parameter as ParameterModel

DAY: Final = dt.timedelta(days=1)
SPECIAL: Final = ("scale", "month_day")  # what only a parameter can be
UNVERIFIED: Final = "待核"  # said in a clause whose number nobody has checked
_SERIES: Final = wording.group("series")
_MONTH_DAY: Final = re.compile(r"(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])", re.ASCII)


class Figures:
    """Reads parameters; mistakes go where the vocabulary's go. `spread`: further values that figures may take."""

    def __init__(self, vocabulary: Vocabulary, spread: Mapping[str, Sequence[Decimal]]) -> None:
        self.spread = spread
        self.vocabulary = vocabulary
        self.document = vocabulary.document
        self.diagnostics = vocabulary.diagnostics
        self.parameters: dict[str, Parameter] = {}
        self.names: dict[str, ParameterName] = {}
        for name, model in self.document.parameters.items():
            if model.keys:
                self._keyed(name, model)
                continue
            entries = [
                Entry(index, value.value, ("parameters", name, "values", index, "value"))
                for index, value in enumerate(model.values)
            ]
            parameter = self._parameter(name, model, entries, message(model.title))
            if parameter is None:
                vocabulary.failed.add(name)
            else:
                self.parameters[name], self.names[name] = parameter

    def _keyed(self, name: str, model: ParameterModel) -> None:
        """A parameter with keys: a parameter of its own for each of them."""
        keys = KeyReader(self.vocabulary, name, model)
        values = keys.values()
        leaves: list[ParameterName] = []
        for leaf in keys.leaves:
            parameter = self._parameter(name, model, leaf.entries, leaf.title, leaf.name)
            if parameter is not None:
                self.parameters[leaf.name], named = parameter
                self.names[leaf.name] = named
                leaves.append(named)
        if values is None or len(leaves) < len(keys.leaves):
            self.vocabulary.failed.add(name)
            return
        keyed = Keyed(keys.types, values, tuple(leaf.name for leaf in keys.leaves))
        rates = [leaf.scale_rates for leaf in leaves if leaf.scale_rates is not None]
        self.names[name] = ParameterName(
            leaves[0].type, None, reduce(either, rates) if rates else None, keyed=keyed
        )

    def _parameter(
        self,
        name: str,
        model: ParameterModel,
        entries: Sequence[Entry],
        title: Message,
        leaf: str | None = None,
    ) -> tuple[Parameter, ParameterName] | None:
        """The series of a parameter, or of one `leaf` of a parameter with keys."""
        span = self.document.span("parameters", name)
        special = model.type in SPECIAL
        type_ = String() if special else self._type(name, model.type)
        if type_ is None:
            return None
        series = [self._dated(name, entry, model, type_) for entry in entries]
        known = [dated for dated in series if dated is not None]
        if len(known) < len(series):
            return None
        if not known:
            said = Message(f"参数 {name} 没有值", f"parameter {name} has no values")
            self.diagnostics.append(diagnostics.bad_series(span, said))
            return None
        ordered = self._in_order(name, known, [entry.index for entry in entries])
        published = self._as_name(name, model.type, type_, ordered)
        if published is None:
            return None
        parameter = Parameter(leaf or name, published.type or type_, model.type, title, ordered, span)
        return parameter, published

    def _type(self, name: str, written: str) -> Type | None:
        return self.vocabulary.type_of(written, self.document.span("parameters", name, "type"), SPECIAL)

    # -- one value ---------------------------------------------------------------------------

    def _dated(self, name: str, entry: Entry, model: ParameterModel, type_: Type) -> Dated | None:
        path = ("parameters", name, "values", entry.index)
        value, written = model.values[entry.index], entry.value
        citation = Citation(value.source or model.source, value.clause or model.clause)
        basis = "missing" if written is None and model.keys else value.basis or model.basis
        basis = basis or ("missing" if written is None else None)
        if not self._grounded(written is not None, basis, citation, path):
            return None
        assert basis is not None
        figure = None
        if written is not None:
            figure = self._figure(written, model.type, type_, entry.path)
            if figure is None:
                return None
        return Dated(value.from_, value.until, figure, basis, citation, value.review_by, value.note)

    def _grounded(
        self, known: bool, basis: Basis | None, citation: Citation, path: tuple[str | int, ...]
    ) -> bool:
        """Whether a figure says what it rests on."""
        span = self.document.span(*path)
        self.vocabulary.source(citation.source, *path, "source")
        if basis is None:
            self.diagnostics.append(diagnostic("E333.no_basis", span))
        elif known == (basis == "missing"):
            self.diagnostics.append(diagnostic("E333.basis_and_value", span))
        elif basis == "cited" and (citation.source is None or citation.clause is None):
            self.diagnostics.append(
                diagnostic("E328.uncited", span, kind=Message("有依据的数字", "a cited figure"))
            )
        elif basis == "cited" and UNVERIFIED in str(citation.clause):
            self.diagnostics.append(diagnostic("E333.unverified", span))
        else:
            return True
        return False

    def _figure(
        self, written: Written, kind: str, type_: Type, path: tuple[str | int, ...]
    ) -> Known | Brackets | None:
        if isinstance(written, str):
            if kind not in ("scale", "month_day"):
                return self.vocabulary.literal(written, type_, kind, path)
            if kind == "month_day" and _MONTH_DAY.fullmatch(written):
                return written
        elif kind == "scale" and isinstance(written, tuple):
            return self._brackets(written, path)
        text = written if isinstance(written, str) else "[…]"
        self.diagnostics.append(diagnostics.bad_literal(self.document.span(*path), text, literal_words(kind)))
        return None

    def _brackets(self, written: tuple[Bracket, ...], path: tuple[str | int, ...]) -> Brackets | None:
        tuples: list[tuple[Decimal, Decimal]] = []
        literal = self.vocabulary.literal
        for index, bracket in enumerate(written):
            over = literal(bracket.over, WRITTEN["money"], "money", (*path, index, "over"))
            rate = literal(bracket.rate, WRITTEN["rate"], "rate", (*path, index, "rate"))
            if isinstance(over, Decimal) and isinstance(rate, Decimal):
                tuples.append((over, rate))
        if len(tuples) < len(written):
            return None
        floors = [over for over, _ in tuples]
        if not floors or floors != sorted(set(floors)) or floors[0] < 0:
            self.diagnostics.append(diagnostic("E334.brackets_fall", self.document.span(*path)))
            return None
        return tuple(tuples)

    # -- the series --------------------------------------------------------------------------

    def _in_order(self, name: str, series: list[Dated], indexes: list[int]) -> tuple[Dated, ...]:
        """The series by date, each value ending where the next begins; `indexes`: where each is written."""
        ranked = sorted(range(len(series)), key=lambda index: series[index].start)
        closed: list[Dated] = []
        for rank, index in enumerate(ranked):
            dated = series[index]
            following = ranked[rank + 1] if rank + 1 < len(ranked) else None
            end = dated.end
            if end is not None and end < dated.start:
                self._series(name, indexes[index], "until", "ends_before", end)
            if following is not None:
                later = series[following].start
                if later == dated.start:
                    self._series(name, indexes[following], "from", "two_begin", later)
                elif end is not None and end >= later:
                    self._series(name, indexes[following], "from", "two_hold", later)
                end = end or later - DAY
            closed.append(replace(dated, end=end))
        return tuple(closed)

    def _series(self, name: str, index: int, part: str, problem: str, day: dt.date) -> None:
        span = self.document.span("parameters", name, "values", index, part)
        self.diagnostics.append(diagnostics.bad_series(span, _SERIES[problem].filled(name=name, day=day)))

    def _as_name(self, name: str, kind: str, type_: Type, series: tuple[Dated, ...]) -> ParameterName | None:
        """What formulas may know of a parameter: its type with the range of its figures."""
        figures = [d.value for d in series if d.value is not None]
        if kind == "month_day":
            if len(set(figures)) != 1 or len(figures) < len(series):
                said = _SERIES["month_day"].filled(name=name)
                self.diagnostics.append(diagnostics.bad_series(self.document.span("parameters", name), said))
                return None
            month, day = str(figures[0]).split("-")
            return ParameterName(None, month_day=(int(month), int(day)))
        if kind == "scale":
            rates = [rate for dated in series for _, rate in dated.brackets or ()]
            return ParameterName(
                None, scale_rates=_spread(rates or [Decimal(0)]), least_rate=least_rate(series)
            )
        numbers = [figure for figure in figures if isinstance(figure, Decimal)]
        numbers += self.spread.get(name, ())
        return ParameterName(_spread(numbers) if isinstance(type_, Numeric) and numbers else type_)


def _spread(numbers: list[Decimal]) -> Numeric:
    """The narrowest type that holds the numbers, trailing zeros aside."""
    scale = 0
    for number in numbers:
        exponent = number.normalize().as_tuple().exponent
        assert isinstance(exponent, int)
        scale = max(scale, -exponent)
    return Numeric(scale, min(numbers), max(numbers))
