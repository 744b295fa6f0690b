"""What is shown beside benefits and of a person, in plain Python: amounts without a provision that pays them, days, a ratio.

In: a person's rows over time, the claims that take part, and of each claim the layers decided. Out: by name its value; None
where it is not known or where no rule gives it. Written from the policy alone.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Final, TypeAlias

from tests.support.oracle import total_of
from tests.support.oracle_benefits import (
    Facts,
    covered,
    in_shandong,
    lies_in,
    unassisted_costs,
    unassisted_patient,
)
from tests.support.oracle_over_time import row_on
from tests.support.oracle_services import HOURS_A_YEAR, working_day
from tests.support.oracle_stack import NOT_MODELLED, ZERO, Amount, Truth, both, is_one_of

Layers: TypeAlias = Mapping[str, Mapping[str, Amount]]
Shown: TypeAlias = Decimal | dt.date | None
SHANGHAI_TARGETS: Final = dt.date(2021, 1, 1)  # the plan of 2021 to 2025
INSURANCE: Final = ("basic_payment", "supplementary_payment", "critical_illness_payment")
DAYS_TO_PAY: Final = 5


def carer_hours_left(person: Facts, as_of: dt.date) -> Shown:
    """What is left of the eight hours a year of Dezhou's family carers."""
    hours = person.get("carer_training_hours")
    carer = both(in_shandong(person, as_of, "3714"), person.get("carer_of_ltc_recipient"))
    return max(ZERO, HOURS_A_YEAR - hours) if carer and hours is not None else None


def unassisted_amount(
    rows: Sequence[Facts], claims: Sequence[Facts], layers: Layers, as_of: dt.date
) -> Shown:
    """What assistance is due in all on the claims on which none was paid."""
    if not in_shandong(row_on(rows, as_of), as_of):
        return None
    return total_of(unassisted_costs(rows, claims, layers, as_of))


def unassisted_day(rows: Sequence[Facts], claims: Sequence[Facts], layers: Layers, as_of: dt.date) -> Shown:
    """The fifth working day after the list came, of somebody to whom assistance is due."""
    received = row_on(rows, as_of).get("unassisted_list_received")
    due = unassisted_patient(rows, claims, layers, as_of).status == "eligible"
    return working_day(received, DAYS_TO_PAY) if due and isinstance(received, dt.date) else None


def inpatient_ratio(rows: Sequence[Facts], claims: Sequence[Facts], layers: Layers, as_of: dt.date) -> Shown:
    """What insurance paid of the in-scope cost of the calendar year's stays, in ten thousandths.

    A stay of which the basic layer is not modelled, such as one under another place's insurance, has no part in it.
    """
    person = row_on(rows, as_of)
    here = both(as_of >= SHANGHAI_TARGETS, lies_in(person.get("insured_area"), "31"), covered(person))
    costs: list[tuple[Truth, Amount]] = []
    paid: list[tuple[Truth, Amount]] = []
    for claim in claims:
        stay = both(is_one_of(claim.get("care_type"), "inpatient"), claim["service_date"].year == as_of.year)
        decided = layers.get(str(claim["claim_id"]), {})
        basic = decided.get("basic_payment")
        modelled = None if basic is None else basic is not NOT_MODELLED
        costs.append((both(stay, modelled), decided.get("in_scope_cost")))
        paid += [(stay, decided.get(layer)) for layer in INSURANCE]
    cost, insurance = total_of(costs), total_of(paid)
    if not here or not cost or insurance is None:
        return None
    return (insurance / cost).quantize(Decimal("0.0001"), ROUND_HALF_UP)


def shown(rows: Sequence[Facts], claims: Sequence[Facts], layers: Layers, as_of: dt.date) -> dict[str, Shown]:
    """All of them by name; of a sum of which a rejected claim may be part nothing is said."""
    doubtful = any(c.get("rejected") and c.get("settled_assistance_payment") in (None, ZERO) for c in claims)
    sums = {} if doubtful else {"unassisted_assistance": unassisted_amount(rows, claims, layers, as_of)}
    return sums | {
        "carer_training_hours_left": carer_hours_left(row_on(rows, as_of), as_of),
        "unassisted_paid_by": unassisted_day(rows, claims, layers, as_of),
        "inpatient_ratio": inpatient_ratio(rows, claims, layers, as_of),
    }
