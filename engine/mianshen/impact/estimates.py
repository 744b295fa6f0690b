"""What people who stand for others come to: weighted, or as a random sample of a population, with the standard error.

In: amounts of a block's rows by the person each belongs to; later the sums of all blocks. Out: sums and squares that are
added to those of other blocks; content of `compare.json`. Amounts are in fen, weights in millionths; sums are exact.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

import numpy as np

from mianshen.batch.blocks import Array
from mianshen.batch.totals import Counts, exact_sum
from mianshen.values import as_money

MILLIONTHS: Final = 6  # decimals of a weight
PEOPLE: Final = ("people", "changed", "gain", "lose", "open")
AMOUNTS: Final = ("paid", "gained", "lost")


def yuan(fen: int) -> str:
    """Fen as yuan with two decimals."""
    return as_money(Decimal(fen).scaleb(-2))


def squares(amounts: Array) -> int:
    """The sum of squares; those of fen may take more than 64 bits."""
    wide = amounts[amounts != 0].astype(object)
    return int((wide * wide).sum())


def weighted_sum(amounts: Array, weights: Array) -> int:
    """The sum of each amount times its weight, whatever their size."""
    there = amounts != 0
    return int((amounts[there].astype(object) * weights[there].astype(object)).sum())


@dataclass(slots=True)
class Spread:
    """The amounts of each person of a block, by what is summed, on either side."""

    count: int
    weights: Array | None
    amounts: dict[str, tuple[Array, Array, Array]] = field(default_factory=dict)

    def add(self, name: str, people: Array, before: Array, after: Array, certain: Array) -> None:
        """Add amounts of rows; `people`: the place of the person that each row belongs to, -1 of none.

        `certain`: the rows of which both amounts are known.
        """
        if name not in self.amounts:
            blank = np.zeros(self.count, np.int64)
            self.amounts[name] = blank, blank.copy(), blank.copy()
        there = people >= 0
        known = np.where(certain, after - before, 0)
        for sums, amounts in zip(self.amounts[name], (before, after, known), strict=True):
            np.add.at(sums, people[there], amounts[there])

    def counts(self) -> Counts:
        """What is added to other blocks' counts, by what is summed."""
        counts: Counts = {}
        for name, (before, after, known) in self.amounts.items():
            net = after - before
            counts[name] = {"before": exact_sum(before), "after": exact_sum(after), "squares": squares(net)}
            if self.weights is not None:
                wide = net.astype(object) * self.weights.astype(object)
                counts[name]["weighted"] = {
                    "before": weighted_sum(before, self.weights), "after": weighted_sum(after, self.weights),
                    "known": weighted_sum(known, self.weights), "squares": int((wide * wide).sum()),
                }  # fmt: skip
        return counts


@dataclass(frozen=True, slots=True)
class Estimates:
    """`size`: how many people were read; `population`: of how many they are a random sample, where they are."""

    size: int
    population: int | None

    def amounts(self, counts: Mapping[str, Any] | None, known: Mapping[str, Any]) -> dict[str, Any]:
        """The estimates of a sum; `known`: its content unweighted, with bounds, in `weighted` where there are weights."""
        if counts is None:
            return {}
        estimates: dict[str, Any] = {}
        if "weighted" in counts:
            weighted = counts["weighted"]
            total = weighted["after"] - weighted["before"]
            estimates["weighted"] = {
                "before": weighted_yuan(weighted["before"]), "after": weighted_yuan(weighted["after"]),
                "difference": weighted_yuan(total), **known["weighted"], **self._weighted_error(total, weighted["squares"]),
            }  # fmt: skip
        if self.population is not None and self.size > 1:
            total = counts["after"] - counts["before"]
            bounds = {
                end: None if known[end] is None else self._scaled(int(Decimal(known[end]).scaleb(2)))
                for end in ("least", "most")
            }
            estimates["sample"] = {
                "before": self._scaled(counts["before"]), "after": self._scaled(counts["after"]),
                "difference": self._scaled(total), **bounds, **self._sample_error(total, counts["squares"]),
            }  # fmt: skip
        return estimates

    def people(self, counts: Mapping[str, Any]) -> dict[str, Any]:
        """The estimates of a group of people and of what is paid to them."""
        estimates: dict[str, Any] = {}
        if "weighted" in counts:
            weighted = counts["weighted"]
            total = weighted["gained"] + weighted["lost"]
            estimates["weighted"] = {
                name: str(Decimal(weighted[name]).scaleb(-MILLIONTHS).normalize() + 0) for name in PEOPLE
            } | {
                "paid_before": weighted_yuan(weighted["paid"]), "gained": weighted_yuan(weighted["gained"]),
                "lost": weighted_yuan(weighted["lost"]), "difference": weighted_yuan(total),
                **self._weighted_error(total, weighted["squares"]),
            }  # fmt: skip
        if self.population is not None and self.size > 1:
            total = counts["gained"] + counts["lost"]
            estimates["sample"] = {
                "people": int(Decimal(counts["people"]) * self.population / self.size),
                "difference": self._scaled(total), **self._sample_error(total, counts["squares"]),
            }  # fmt: skip
        return estimates

    def _weighted_error(self, total: int, sum_of_squares: int) -> dict[str, str | None]:
        """The standard error of a weighted total, as of independent draws."""
        if self.size < 2:
            return {"standard_error": None}
        spread = Decimal(sum_of_squares) - Decimal(total) ** 2 / self.size
        return {
            "standard_error": weighted_yuan((max(spread, Decimal(0)) * self.size / (self.size - 1)).sqrt())
        }

    def _sample_error(self, total: int, sum_of_squares: int) -> dict[str, str]:
        """The standard error of a total, scaled, of a simple random sample without repetition."""
        assert self.population is not None
        variance = (Decimal(sum_of_squares) - Decimal(total) ** 2 / self.size) / (self.size - 1)
        rest = 1 - Decimal(min(self.size, self.population)) / self.population
        error = self.population * (max(variance, Decimal(0)) / self.size * rest).sqrt()
        return {"standard_error": yuan(int(error.to_integral_value()))}

    def _scaled(self, fen: int) -> str:
        assert self.population is not None
        return yuan(int(Decimal(fen) * self.population / self.size))


def weighted_yuan(fen: int | Decimal) -> str:
    """Millionths of a fen as yuan."""
    return yuan(int(Decimal(fen).scaleb(-MILLIONTHS).to_integral_value(ROUND_HALF_UP)))
