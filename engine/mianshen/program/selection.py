"""Which of its provisions decides a decision, prepared once for every back end.

In: a decision. Out: a `Selection`: tiers of branches, the fallbacks in a tier after all others.

A branch *applies* where its condition is true; one that is not modelled is false. It *stands* where it applies and
no exception to it does. A tier decides so:

- Two branches stand: an error.
- One stands: it decides. If the condition of an exception to it is open (unknown), the decision is unknown, unless
  the branch and each such exception would pay the same known amount. Where one of them pays under a limit, it stays
  open then which accumulator the amount counts in.
- None applies and some condition is open: unknown. The branches that may apply are candidates, and so are those of
  later tiers whose condition is not false.
- None applies and none is open: the next tier decides; after the last one, the decision is not modelled.

What is unknown names what the candidates' conditions miss, and what their values would. Where a tier is exclusive,
no two branches of it apply at once, and conditions are tested in order only until one is true.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Protocol, TypeVar

from mianshen.program.core import Core, Op
from mianshen.program.program import Decision, Provision


@dataclass(frozen=True, slots=True)
class Branch:
    """A provision as one of those that may decide; `index` is its place among the decision's provisions.

    `condition`: what must hold, no part of it an `and`. `exceptions`: the branches that override it, transitively.
    `conflicts`: the later branches not proved never to apply beside it. Both by index, in the same tier.
    """

    index: int
    provision: Provision
    condition: tuple[Core, ...]
    exceptions: tuple[int, ...]
    conflicts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Tier:
    """Branches that compete, exceptions before what they override."""

    branches: tuple[Branch, ...]

    @property
    def exclusive(self) -> bool:
        """No two apply at once: none is an exception to another, none may conflict with another."""
        present = {branch.index for branch in self.branches}
        return not any(present & {*branch.exceptions, *branch.conflicts} for branch in self.branches)

    @property
    def may_conflict(self) -> bool:
        """Two may stand at once."""
        present = {branch.index for branch in self.branches}
        return any(present & {*branch.conflicts} for branch in self.branches)

    def only(self, indexes: Collection[int]) -> Tier:
        """The tier without the branches that are known not to apply."""
        return Tier(tuple(branch for branch in self.branches if branch.index in indexes))


@dataclass(frozen=True, slots=True)
class Selection:
    """The branches of a decision."""

    main: Tier
    fallbacks: Tier

    @property
    def branches(self) -> tuple[Branch, ...]:
        return self.main.branches + self.fallbacks.branches


class OfProvision(Protocol):
    """A branch as a back end has it."""

    @property
    def provision(self) -> Provision: ...


BranchLike = TypeVar("BranchLike", bound=OfProvision)


def selection(decision: Decision) -> Selection:
    """The provisions of a decision as branches."""
    numbers = {provision.name: index for index, provision in enumerate(decision.provisions)}
    branches = [
        Branch(
            index, provision, tuple(conjuncts(provision.condition)),
            tuple(numbers[name] for name in provision.exceptions if name in numbers),
            tuple(two for one, two in decision.conflicts if one == index),
        )
        for index, provision in enumerate(decision.provisions)
    ]  # fmt: skip
    main, fallbacks = by_tier(branches)
    return Selection(Tier(main), Tier(fallbacks))


def by_tier(branches: Iterable[BranchLike]) -> tuple[tuple[BranchLike, ...], tuple[BranchLike, ...]]:
    """The branches of the main tier, and the fallbacks."""
    main: list[BranchLike] = []
    fallbacks: list[BranchLike] = []
    for branch in branches:
        (fallbacks if branch.provision.fallback else main).append(branch)
    return tuple(main), tuple(fallbacks)


def conjuncts(parts: Iterable[Core]) -> Iterator[Core]:
    """The parts of a conjunction, those of `and`s within it one by one, in order."""
    for part in parts:
        if isinstance(part, Op) and part.op == "and":
            yield from conjuncts(part.args)
        else:
            yield part


@dataclass(frozen=True, slots=True)
class Shared:
    """Branches whose conditions begin alike: what they share is tested once for all of them.

    `below` is empty where one branch is left, whose condition ends here.
    """

    parts: tuple[Core, ...]
    branches: tuple[Branch, ...]
    below: tuple[Shared, ...] = ()


def shared(branches: Sequence[Branch], depth: int = 0) -> tuple[Shared, ...]:
    """Branches, in order, as a tree of shared beginnings from part `depth` of their conditions on."""
    tree: list[Shared] = []
    for _, alike in groupby(branches, key=lambda branch: branch.condition[depth : depth + 1]):
        group = tuple(alike)
        end = depth
        while len(group) > 1 and len({branch.condition[: end + 1] for branch in group}) == 1:
            if len(group[0].condition) == end:  # equal conditions: nothing left to tell them apart
                break
            end += 1
        first = group[0].condition
        if len(group) == 1 or end in (depth, len(first)):
            tree += [Shared(branch.condition[depth:], (branch,)) for branch in group]
        else:
            tree.append(Shared(first[depth:end], group, shared(group, end)))
    return tuple(tree)


def counts_apart(one: Provision, two: Provision) -> bool:
    """What accumulators take in is open where either may pay an amount that is the same."""
    return bool(one.limits or two.limits or one.feeds != two.feeds)


def narrowed(branch: Branch, parts: tuple[Core, ...]) -> Branch:
    """The branch with only those parts of its condition left to test."""
    return replace(branch, condition=parts)
