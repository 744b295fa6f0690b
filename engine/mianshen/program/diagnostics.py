"""Every mistake the program room can find: a constructor each, its code never reused.

In: the place, the names concerned. Out: a `Diagnostic` in both languages.
Invariants: codes E301 to E399, each with one meaning; words are `Message(zh, en)`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from mianshen.catalogue import diagnostic
from mianshen.places import nearest_places, shown_place
from mianshen.source import Diagnostic, Message, Span, nearest

MOST_LISTED = 12  # names in one sentence


def _listed(names: Iterable[str]) -> Message:
    names = list(names)
    more = Message("等", ", …") if len(names) > MOST_LISTED else Message("", "")
    shown = names[:MOST_LISTED]
    return Message("、".join(shown) + more.zh, ", ".join(shown) + more.en)


def _perhaps(name: str, known: Iterable[str], otherwise: Message) -> Message:
    near = nearest(name, known)
    return otherwise if near is None else Message(f"也许想写 {near}", f"Perhaps {near} is meant")


def _known(name: str, known: Iterable[str]) -> Message:
    known = list(known)
    names = _listed(known)
    if not known:
        return Message("请先定义它", "Define it first")
    return _perhaps(name, known, Message(f"可用：{names.zh}", f"Known are: {names.en}"))


# -- formulas ----------------------------------------------------------------------------------------


def unknown_name(span: Span, name: str, known: Iterable[str]) -> Diagnostic:
    other = Message("请先在词汇表或参数中声明", "Declare it in the vocabulary or the parameters")
    return diagnostic("E301.unknown_name", span, fix=_perhaps(name, known, other), name=name)


def elsewhere(span: Span, name: str, entity: str) -> Diagnostic:
    return diagnostic("E302.elsewhere", span, name=name, entity=entity)


def accumulator_elsewhere(span: Span, name: str, owner: str, entity: str) -> Diagnostic:
    return diagnostic("E302.accumulator_elsewhere", span, name=name, owner=owner, entity=entity)


def not_shared(span: Span) -> Diagnostic:
    """What rows are to share is no fact that both have."""
    return diagnostic("E308.not_shared", span)


def cannot_split(span: Span, fact: str, why: Message) -> Diagnostic:
    """A fact that no balance can be kept per, or a balance that cannot be split."""
    return diagnostic("E361.cannot_split", span, fact=fact, why=why)


def not_above(span: Span, holder: str, entity: str, known: Iterable[str]) -> Diagnostic:
    """The holder of an accumulator stands nowhere above its rows."""
    return diagnostic("E362.not_above", span, fix=_known(holder, known), holder=holder, entity=entity)


def fact_in_function(span: Span, name: str, function: str) -> Diagnostic:
    """A fact of the row in a function's formula."""
    return diagnostic("E363.fact_in_function", span, name=name, function=function)


def functions_in_circle(span: Span, names: list[str]) -> Diagnostic:
    return diagnostic("E363.functions_in_circle", span, chain=" -> ".join(names))


def too_large(span: Span, name: str, most: int) -> Diagnostic:
    """A name or function that, written out, makes a formula of too many parts."""
    return diagnostic("E363.too_large", span, name=name, most=most)


def unknown_argument(span: Span, function: str, name: str, known: Iterable[str]) -> Diagnostic:
    return diagnostic("E308.unknown_argument", span, fix=_known(name, known), function=function, name=name)


def loose_range(span: Span) -> Diagnostic:
    return diagnostic("E332.loose_range", span)


def loose_for(span: Span) -> Diagnostic:
    return diagnostic("E332.loose_for", span)


def no_figure(span: Span) -> Diagnostic:
    """What stands before `at` is no figure."""
    return diagnostic("E364.no_figure", span)


def keys_uncovered(span: Span, name: str, missing: Message) -> Diagnostic:
    """A figure with keys that has no value for some of them."""
    return diagnostic("E365.keys_uncovered", span, name=name, missing=missing)


def keys_overlap(span: Span, name: str, one: str, two: str) -> Diagnostic:
    return diagnostic("E365.keys_overlap", span, name=name, one=one, two=two)


def keys_mixed(span: Span, name: str, why: Message) -> Diagnostic:
    return diagnostic("E365.keys_mixed", span, name=name, why=why)


def at_key(span: Span, mistake: Diagnostic) -> Diagnostic:
    """A mistake in a key's text, where the key stands."""
    return replace(mistake, span=span)


def nothing_below(span: Span, name: str, entity: str) -> Diagnostic:
    """A sum, least or greatest of rows below one that has none."""
    return diagnostic("E308.nothing_below", span, name=name, entity=entity)


def no_layers(span: Span, entity: str) -> Diagnostic:
    """No decision of an entity is said to be paid."""
    return diagnostic("E366.no_layers", span, entity=entity)


def earlier_facts(span: Span) -> Diagnostic:
    """Something else than a fact is asked of an earlier row."""
    return diagnostic("E367.earlier_facts", span)


def wrong_columns(span: Span, wanted: int, written: int) -> Diagnostic:
    """A row of a table of data that has not a value for each column."""
    return diagnostic("E320.wrong_columns", span, wanted=wanted, written=written)


def wrong_type(span: Span, wanted: Message, actual: Message) -> Diagnostic:
    return diagnostic("E303.wrong_type", span, wanted=wanted, got=actual)


def not_comparable(span: Span, left: Message, right: Message) -> Diagnostic:
    return diagnostic("E304.not_comparable", span, left=left, right=right)


def not_ordered(span: Span, kind: Message) -> Diagnostic:
    return diagnostic("E304.not_ordered", span, kind=kind)


def not_bounded(span: Span, kind: str) -> Diagnostic:
    return diagnostic("E342.not_bounded", span, kind=kind)


def not_formatted(span: Span, kind: str) -> Diagnostic:
    return diagnostic("E359.not_formatted", span, kind=kind)


def unknown_code(span: Span, code: str, codes: str, known: Iterable[str]) -> Diagnostic:
    return diagnostic("E305.unknown_code", span, fix=_known(code, known), codes=codes, code_name=code)


def too_precise(span: Span, precision: int) -> Diagnostic:
    return diagnostic("E306.too_precise", span, precision=precision)


def loose_quotient(span: Span) -> Diagnostic:
    return diagnostic("E307.loose_quotient", span)


def wrong_arguments(span: Span, name: str, usage: str) -> Diagnostic:
    return diagnostic("E308.wrong_arguments", span, name=name, usage=usage)


def unknown_function(span: Span, name: str, known: Iterable[str]) -> Diagnostic:
    return diagnostic("E309.unknown_function", span, fix=_known(name, known), name=name)


def not_constant(span: Span, part: Message) -> Diagnostic:
    return diagnostic("E310.not_constant", span, what_name=part)


def bad_literal(span: Span, text: str, wanted: Message) -> Diagnostic:
    return diagnostic("E311.bad_literal", span, text=text, wanted=wanted)


def unknown_place(span: Span, text: str) -> Diagnostic:
    near = nearest_places(text)
    fix = Message("请写行政区划代码或全称", "Write the code or the full name of one")
    if near:
        fix = Message(
            f"也许指{'、'.join(map(shown_place, near))}",
            f"Perhaps {' or '.join(shown_place(code, 'en') for code in near)} is meant",
        )
    return diagnostic("E311.unknown_place", span, fix=fix, text=text)


def cycle(span: Span, names: list[str]) -> Diagnostic:
    chain = " -> ".join(names)
    return diagnostic("E312.cycle", span, chain=chain)


def unnamed_items(span: Span, name: str) -> Diagnostic:
    return diagnostic("E322.unnamed_items", span, name=name)


def special_parameter(span: Span, name: str, usage: str) -> Diagnostic:
    return diagnostic("E341.special_parameter", span, name=name, usage=usage)


def too_many_decimals(span: Span, decimals: int, allowed: int) -> Diagnostic:
    usage = f"round half up(x, {allowed})"
    return diagnostic("E329.too_many_decimals", span, got=decimals, allowed=allowed, usage=usage)


def date_arithmetic(span: Span) -> Diagnostic:
    return diagnostic("E331.date_arithmetic", span)


def loose_duration(span: Span) -> Diagnostic:
    return diagnostic("E332.loose_duration", span)


def loose_list(span: Span) -> Diagnostic:
    return diagnostic("E332.loose_list", span)


# -- the vocabulary and the figures -----------------------------------------------------------------


def unknown_reference(span: Span, kind: Message, name: str, known: Iterable[str]) -> Diagnostic:
    return diagnostic("E313.unknown_reference", span, fix=_known(name, known), kind=kind, name=name)


def bad_type(span: Span, written: str, known: Iterable[str]) -> Diagnostic:
    return diagnostic("E314.bad_type", span, fix=_known(written, known), written=written)


def bad_series(span: Span, problem: Message) -> Diagnostic:
    return diagnostic("E315.bad_series", span, what=problem)


def name_taken(span: Span, name: str, meaning: Message) -> Diagnostic:
    return diagnostic("E321.name_taken", span, name=name, meaning=meaning)


def no_header(span: Span) -> Diagnostic:
    return diagnostic("E323.no_header", span)


def out_of_range(span: Span, value: str, low: str, high: str) -> Diagnostic:
    return diagnostic("E325.out_of_range", span, value=value, low=low, high=high)


def no_basis(span: Span) -> Diagnostic:
    return diagnostic("E333.no_basis", span)


def basis_and_value(span: Span) -> Diagnostic:
    return diagnostic("E333.basis_and_value", span)


def uncited(span: Span, kind: Message) -> Diagnostic:
    return diagnostic("E328.uncited", span, kind=kind)


def brackets_fall(span: Span) -> Diagnostic:
    return diagnostic("E334.brackets_fall", span)


def same_spelling(span: Span, spelling: str, code: str, other: str) -> Diagnostic:
    return diagnostic("E340.same_spelling", span, spelling=spelling, other=other, code_name=code)


def entities_in_circle(span: Span, names: list[str]) -> Diagnostic:
    chain = " -> ".join(names)
    return diagnostic("E338.entities_in_circle", span, chain=chain)


def check_reads(span: Span, name: str) -> Diagnostic:
    return diagnostic("E337.check_reads", span, name=name)


# -- provisions, tables, accumulators ---------------------------------------------------------------


def never_applies(span: Span, name: str) -> Diagnostic:
    return diagnostic("E316.never_applies", span, name=name)


def overlap(span: Span, name: str, other: str, where: Span) -> Diagnostic:
    what = Message(
        f"唯一命中表的 {other} 与 {name} 可能同时适用",
        f"rows {other} and {name} of a unique table can apply together",
    )
    fix = Message("请使单元格互斥，或更换命中策略", "Make their cells disjoint, or choose another hit policy")
    also = ((where, Message(zh="另一行在此", en="the other row is here")),)
    return replace(Diagnostic("E317", span, what, fix), also=also)


def gap(span: Span, name: str, after: str, before: str) -> Diagnostic:
    return diagnostic("E318.gap", span, name=name, after=after, before=before)


def past_review(span: Span, name: str, review_by: str) -> Diagnostic:
    return diagnostic("E319.past_review", span, name=name, review_by=review_by)


def wrong_cells(span: Span, wanted: int, cells: int) -> Diagnostic:
    return diagnostic("E320.wrong_cells", span, got=cells, wanted=wanted)


def other_decision(span: Span, accumulator: str, sums: str) -> Diagnostic:
    return diagnostic("E324.other_decision", span, accumulator=accumulator, sums=sums)


def no_area(span: Span, entity: str) -> Diagnostic:
    return diagnostic("E326.no_area", span, entity=entity)


def ambiguous_decision(span: Span, name: str, entities: list[str]) -> Diagnostic:
    return diagnostic(
        "E327.ambiguous_decision",
        span,
        entities="、".join(entities),
        name=name,
        entities2=" and ".join(entities),
    )


def limit_in_chosen(span: Span) -> Diagnostic:
    return diagnostic("E330.limit_in_chosen", span)


def bad_exception(span: Span, name: str, problem: Message) -> Diagnostic:
    return diagnostic("E335.bad_exception", span, name=name, problem=problem)


def exceptions_in_circle(span: Span, names: list[str]) -> Diagnostic:
    chain = " -> ".join(names)
    return diagnostic("E336.exceptions_in_circle", span, chain=chain)


def undated(span: Span, entity: str) -> Diagnostic:
    return diagnostic("E339.undated", span, entity=entity)


# -- the calendar ------------------------------------------------------------------------------------


def bad_year(span: Span, name: str) -> Diagnostic:
    return diagnostic("E343.bad_year", span, name=name)


def years_apart(span: Span, earlier: int, later: int) -> Diagnostic:
    return diagnostic("E344.years_apart", span, earlier=earlier, later=later)


def bad_calendar_day(span: Span, text: str, year: int, is_day: bool, worked: bool) -> Diagnostic:
    """`text` is no day of the year, or is worked (off) already."""
    if not is_day:
        what = Message(f"{year} 年没有“{text}”这一天", f'there is no day "{text}" in {year}')
        return Diagnostic(
            "E345", span, what, Message("请写月-日，如 01-31", "Write a month and day, as 01-31")
        )
    already = Message("本来就上班", "is worked anyway") if worked else Message("本来就休息", "is off anyway")
    what = Message(f"{year} 年 {text} {already.zh}", f"{text} of {year} {already.en}")
    fix = Message(
        "请只列与周一至周五不同的日子，每天一次",
        "List only days that differ from Monday to Friday, each once",
    )
    return Diagnostic("E345", span, what, fix)


def no_calendar(span: Span, function: str) -> Diagnostic:
    return diagnostic("E346.no_calendar", span, function=function)


def outside_calendar(span: Span, first: str, last: str) -> Diagnostic:
    return diagnostic("E347.outside_calendar", span, first=first, last=last)


def calendar_ends(span: Span, last: str, on: str) -> Diagnostic:
    return diagnostic("E348.calendar_ends", span, last=last, on=on)


def not_over_time(span: Span, entity: str, entry: str) -> Diagnostic:
    return diagnostic("E353.not_over_time", span, entry=entry, entity=entity)


def not_reversible(span: Span, entity: str) -> Diagnostic:
    return diagnostic("E354.not_reversible", span, entity=entity)


def settled_twice(span: Span, decision: str, one: str, two: str) -> Diagnostic:
    return diagnostic("E355.settled_twice", span, one=one, two=two, decision=decision)


def reserved_name(span: Span, name: str | None, meaning: Message) -> Diagnostic:
    """A name that results use for themselves."""
    return diagnostic("E356.reserved_name", span, name=name, meaning=meaning)


def never_given(span: Span, name: str) -> Diagnostic:
    """A decision that a formula reads and that no provision gives a value."""
    return diagnostic("E357.never_given", span, name=name)


def other_day(span: Span, parameter: str, through: str, day: str) -> Diagnostic:
    """A figure that changes over time, read through an undated row by a dated one."""
    return diagnostic("E358.other_day", span, through=through, parameter=parameter, day=day)


# -- the list of clauses -----------------------------------------------------------------------------


def clause_twice(span: Span, source: str, clause: str) -> Diagnostic:
    return diagnostic("E349.clause_twice", span, source=source, clause=clause)


def not_answered(span: Span, source: str, clause: str) -> Diagnostic:
    return diagnostic("E350.not_answered", span, source=source, clause=clause)


def not_listed(span: Span, source: str, clause: str) -> Diagnostic:
    return diagnostic("E351.not_listed", span, source=source, clause=clause)


def property_broken(span: Span, figure: str, value: str, bound: str, side: str, title: Message) -> Diagnostic:
    low = side == "at_least"
    return diagnostic(
        "E360.property_broken",
        span,
        figure=figure,
        value=value,
        low="低于" if low else "高于",
        bound=bound,
        title=title,
        low2="below" if low else "above",
    )


def property_fact(span: Span) -> Diagnostic:
    return diagnostic("E792.property_fact", span)
