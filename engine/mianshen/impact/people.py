"""Who gains and who loses: what is paid to each person on either side, by the groups that people are in.

In: a block decided on both sides. Out: `People`: counts and sums that are added to those of other blocks.
Amounts are in fen. A person counts once; what is paid to a household is no person's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mianshen.batch.blocks import Array
from mianshen.batch.totals import Counts, exact_sum
from mianshen.impact.estimates import MILLIONTHS, squares, weighted_sum
from mianshen.impact.groups import DECILES, UNKNOWN, Dimension
from mianshen.program.core import Numeric, Type

EDGE: Final = 20  # a band begins where the change is a twentieth of what was paid
BANDS: Final = ("loses_much", "loses", "same", "gains", "gains_much")


@dataclass(slots=True)
class People:
    """The people of a block: what was paid to each, what of it changes, their groups, the change behind it."""

    paid: Array
    net: Array
    cause: Array  # the first change behind what differs for the person, -1: nothing differs
    groups: dict[Dimension, Array]
    open: Array  # whether something of the person that differs is not known on both sides
    weights: Array | None = None  # how many people each stands for, in millionths
    sampled: bool = False  # whether squares are counted, for the error of what they stand for

    def counts(self, dimensions: Sequence[Dimension]) -> Counts:
        """What is counted of these people; an income has its groups later."""
        counts: Counts = {
            "all": self.count(np.ones(len(self.paid), bool)),
            "bands": self._bands(),
            "causes": self._causes(),
        }
        for number, dimension in enumerate(dimensions):
            if dimension.sort != "income":
                groups = self.groups[dimension]
                counts[f"dimension_{number}"] = {
                    str(group): self.count(groups == group) for group in np.unique(groups).tolist()
                }
        return counts

    def incomes(self, dimensions: Sequence[Dimension]) -> Array | None:
        """What deciles are made of: income, paid, its change, cause, whether open, weight; a row a person."""
        for dimension in dimensions:
            if dimension.sort == "income":
                weights = () if self.weights is None else (self.weights,)
                columns = self.groups[dimension], self.paid, self.net, self.cause, self.open, *weights
                return np.stack(columns, axis=1)
        return None

    def count(self, which: Array) -> Counts:
        """What is counted of some of them."""
        net = self.net[which]
        more: Counts = {} if self.weights is None else {"weighted": self._weighted(which, self.weights)}
        if self.sampled:
            more["squares"] = squares(net)
        return more | {
            "people": int(which.sum()), "gain": int((net > 0).sum()), "lose": int((net < 0).sum()),
            "changed": int((self.cause[which] >= 0).sum()), "open": int(self.open[which].sum()),
            "gained": exact_sum(net[net > 0]), "lost": exact_sum(net[net < 0]), "paid": exact_sum(self.paid[which]),
        }  # fmt: skip

    def _weighted(self, which: Array, weights: Array) -> Counts:
        """The same with each person as many times as the weight says, in millionths; `squares`: of weighted changes."""
        net, weight, changed = self.net[which], weights[which], self.cause[which] >= 0
        products = net[net != 0].astype(object) * weight[net != 0].astype(
            object
        )  # exact, whatever their size
        return {
            "people": exact_sum(weight), "gain": exact_sum(weight[net > 0]), "lose": exact_sum(weight[net < 0]),
            "changed": exact_sum(weight[changed]), "open": exact_sum(weight[self.open[which]]),
            "gained": int(sum(products[products > 0])), "lost": int(sum(products[products < 0])),
            "paid": weighted_sum(self.paid[which], weight),
            "squares": int(sum(products * products)),
        }  # fmt: skip

    def _bands(self) -> Counts:
        much = np.abs(self.net) * EDGE > self.paid
        kinds = {
            "loses_much": (self.net < 0) & much, "loses": (self.net < 0) & ~much, "same": self.net == 0,
            "gains": (self.net > 0) & ~much, "gains_much": (self.net > 0) & much,
        }  # fmt: skip
        return {band: self.count(kinds[band]) for band in BANDS}

    def _causes(self) -> Counts:
        return {
            str(cause): self.count(self.cause == cause)
            for cause in np.unique(self.cause).tolist()
            if cause >= 0
        }


def weights_of(cells: pa.Array, type_: Type) -> Array:
    """A column of weights in millionths; one that is not known is none."""
    assert isinstance(type_, Numeric)
    decimals = pc.fill_null(
        cells.cast(pa.decimal128(38, type_.scale)), pa.scalar(0, pa.decimal128(38, type_.scale))
    )
    values = [int(value.as_py().scaleb(MILLIONTHS)) for value in decimals]
    return np.array(values, np.int64)


@dataclass(slots=True)
class Incomes:
    """Incomes of all people, of which the deciles are made at the end."""

    parts: list[Array] = field(default_factory=list)

    def deciles(self, *, sampled: bool = False) -> Counts:
        """Counts by decile of people of known income, from 0; those of unknown income apart.

        A decile is a tenth of the weights, where people are weighted.
        """
        if not self.parts:
            return {}
        rows = np.concatenate(self.parts)
        income, paid, net, cause, open_, *weights = rows.T
        everyone = People(paid, net, cause, {}, open_ != 0, weights[0] if weights else None, sampled)
        decile = _deciles(income, everyone.weights)
        return {str(group): everyone.count(decile == group) for group in np.unique(decile).tolist()}


def _deciles(income: Array, weights: Array | None) -> Array:
    """The decile of each person; people of one income are in one decile."""
    decile = np.full(len(income), UNKNOWN, np.int64)
    order = np.argsort(income, kind="stable")
    order = order[income[order] != UNKNOWN]
    ranked = income[order]
    below = np.concatenate(
        [[0], np.cumsum(np.ones(len(order), np.int64) if weights is None else weights[order])]
    )
    total = int(below[-1])
    edges = [-(-total * part // DECILES) for part in range(1, DECILES)]
    poorer = below[np.searchsorted(ranked, ranked, side="left")]
    decile[order] = np.searchsorted(np.array(edges, np.int64), poorer, side="right")
    return decile
