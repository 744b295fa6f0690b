"""Closed sets that several rooms share, each declared here once.

Every `match` over one of them ends in `assert_never`, so that a new member fails the type check at each place
that must follow; `tests/backends/test_total.py` finds the places that no type reaches.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

# Hit policies of tables whose rows may match together; such a table is one provision.
ChoicePolicy: TypeAlias = Literal[
    "any", "first", "collect sum", "collect min", "collect max", "collect count"
]
HitPolicy: TypeAlias = Literal["unique", ChoicePolicy]
# Over what an accumulator adds up; `last …` holds what the period before held.
Period: TypeAlias = Literal[
    "year", "half year", "quarter", "month", "day", "lifetime",
    "last year", "last half year", "last quarter", "last month",
]  # fmt: skip
PeriodUnit: TypeAlias = Literal["benefit year", "months", "day", "lifetime"]
AggregateKind: TypeAlias = Literal["sum", "count", "min", "max", "some", "every", "first"]
# At which two places are compared; "named": whether the first lies in the second, which a figure names.
PlaceLevel: TypeAlias = Literal["county", "pooling area", "named"]
RoundingMode: TypeAlias = Literal["half_up", "half_down", "half_even", "up", "down", "floor", "ceiling"]

Basis: TypeAlias = Literal["cited", "provisional", "missing"]
ProvisionStatus: TypeAlias = Literal["in_force", "pilot"]
Delivery: TypeAlias = Literal["automatic", "confirm", "application"]
BenefitStatus: TypeAlias = Literal["eligible", "ineligible", "undetermined", "not_modelled"]
RowStatus: TypeAlias = Literal["decided", "undetermined", "not_modelled"]
TextFormat: TypeAlias = Literal["identity_number"]  # what a text must look like
