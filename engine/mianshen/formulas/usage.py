"""How the functions of the language are written, and what their arguments are called.

In: the tables of functions. Out: a usage for each name.
"""

from __future__ import annotations

from typing import Final

from mianshen.formulas.figure_reads import USAGE_OF_SCALES
from mianshen.formulas.intervals import INTERVAL_USAGE, LIES
from mianshen.formulas.texts import TEXTS
from mianshen.formulas.written import LISTS, OF_LISTS
from mianshen.program.operators import ROUNDINGS

DAY_NAMES: Final = ("day of week", "month of year", "day of year")
USAGE: Final = {
    **INTERVAL_USAGE,
    **{
        name: f"{name}({', '.join(names or ('[a, b]', '[c]'))})"
        for name, names in {**LISTS, **OF_LISTS}.items()
    },
    **{name: f"{name}({', '.join(names)})" for name, (_, names, _) in TEXTS.items()},  # `contains` below
    **{name: f"{name}(service_date)" for name in DAY_NAMES},
    "instance of": "x instance of number",
    "is": "is(a, b)",
    "modulo": "modulo(x, 7)",
    "odd": "odd(x)",
    "even": "even(x)",
    "previous": "previous(claims[condition]).x",
    "sharing": "sum(sharing(household.members, a_fact).x)",
    "first": "some m in first(members[condition]) satisfies m.x > 0",
    "days": "days(5)",
    "months": "months(6)",
    "years": "years(2)",
    "months between": "months between(earlier, later)",
    "years between": "years between(earlier, later)",
    "years and months duration": "years and months duration(earlier, later)",
    "days of overlap": "days of overlap(first, before, other_first, other_before)",
    "same city": "same city(insured_area, hospital_area)",
    "same province": "same province(insured_area, hospital_area)",
    "pooling area": "pooling area(insured_area)",
    "paid layers": "paid layers(claim)",
    "min": "min(a, b)",
    "max": "max(a, b)",
    "sum": "sum(claims.x)",
    "count": "count(claims)",
    **USAGE_OF_SCALES,
    "within": 'within(insured_area, "31")',
    "same pooling area": "same pooling area(insured_area, hospital_area)",
    "benefit year": "benefit year(service_date) or benefit year(service_date, a_month_day_parameter)",
    "year to date": "year to date(an_accumulator)",
    "contains": 'contains(a_list_fact, "code")',
    "distinct count": "distinct count(a_list_fact)",
    "age on": "age on(birth_date, as_of)",
    "days between": "days between(earlier, later)",
    "working day": "working day(service_date)",
    "add working days": "add working days(service_date, 5)",
    "working day of month": "working day of month(service_date, 5)",
    "working days between": "working days between(earlier, later)",
    "abs": "abs(x)",
    "not": "not(condition)",
    "date": 'date("2026-01-31")',
    "duration": 'duration("P12M") or duration("P5D")',
    "floor": "floor(x)",
    "ceiling": "ceiling(x)",
    **{name: f"{name}(x, 2)" for name in ROUNDINGS if name not in ("floor", "ceiling")},
}
# What the arguments of a function are called, in order; of some there may be fewer.
ARGUMENTS: Final[dict[str, tuple[tuple[str, ...], ...]]] = {
    "abs": (("n",), ("number",)),
    "floor": (("n",), ("n", "scale")),
    "ceiling": (("n",), ("n", "scale")),
    **{name: (("n", "scale"),) for name in ROUNDINGS if name not in ("floor", "ceiling")},
    "not": (("negand",),),
    **dict.fromkeys(
        LIES, (("point1", "point2"), ("range1", "range2"), ("point", "range"), ("range", "point"))
    ),
    "sum": (("list",),),
    "min": (("list",),),
    "max": (("list",),),
    "count": (("list",),),
    "date": (("from",), ("year", "month", "day")),
    "duration": (("from",),),
    "contains": (("list", "element"),),
    "is": (("value1", "value2"),),
    "years and months duration": (("from", "to"),),
    "modulo": (("dividend", "divisor"),),
    "even": (("number",),),
    "odd": (("number",),),
}
