"""Provisions that seem not to have been applied while amounts were settled, where no figure explains the differences.

In: a program, some households in which settled amounts differ. Out: `RuleSuspect`s, the best first.
Invariant: each provision that settled amounts rest on is left out once, and those households are decided anew by the
interpreter; what is said holds of the households looked at.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import Any, Final

from mianshen.program.program import Decision, Program, Provision

LOOKED_AT: Final = 60  # households
SHARE: Final = 4  # a suspect explains at least one in so many of the differences looked at


@dataclass(frozen=True, slots=True)
class RuleSuspect:
    """A provision that, left out from one day to another, makes `explained` of the `looked_at` differences right."""

    provision: Provision
    first: dt.date
    last: dt.date
    explained: int
    looked_at: int

    def content(self) -> dict[str, Any]:
        """The same as data."""
        citation = self.provision.citation
        return {
            "name": self.provision.name, "title": self.provision.title.plain,
            "from": self.first.isoformat(), "until": self.last.isoformat(), "explained": self.explained,
            "looked_at": self.looked_at,
            "clause": str(citation),
        }  # fmt: skip


def without(program: Program, decision: Decision, provision: Provision) -> Program:
    """The program without one provision; what it was an exception to stands by itself."""
    remaining = [at for at, other in enumerate(decision.provisions) if other.name != provision.name]
    places = {at: number for number, at in enumerate(remaining)}
    provisions = tuple(
        replace(p, exceptions=tuple(name for name in p.exceptions if name != provision.name))
        for p in (decision.provisions[at] for at in remaining)
    )
    conflicts = tuple(
        (places[one], places[other]) for one, other in decision.conflicts if one in places and other in places
    )
    lesser = replace(decision, provisions=provisions, conflicts=conflicts)
    decisions = tuple(lesser if d.key == decision.key else d for d in program.decisions)
    return replace(program, decisions=decisions)
