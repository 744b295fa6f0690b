"""What a rulebook states of itself, proved or refuted by a solver (z3, the extra `proof`).

In: a program. Out: `Finding`s. The program's formulas are told to the solver with the interpreter's meaning: integers of
fen, roundings where they are written, unknown and not modelled as values are; a refutation is a record that the
interpreter decides so. `records` needs no solver.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING

from mianshen.program.program import Program

if TYPE_CHECKING:
    from mianshen.proof.against import Category
    from mianshen.proof.prover import Finding

__all__ = ["findings", "findings_against", "solver_present"]


def solver_present() -> bool:
    """Whether the extra `proof` is installed."""
    return find_spec("z3") is not None


def findings(program: Program, budget: int, named: Sequence[str] = ()) -> Iterator[Finding]:
    """Every property stated, then what every rulebook must keep; only those whose name begins as one of `named`.

    `budget`: milliseconds, about, for each.
    """
    from mianshen.proof.prover import Prover
    from mianshen.proof.soundness import sound

    prover = Prover(program, budget, named=tuple(named))
    yield from prover.stated()
    yield from sound(prover)


def findings_against(
    before: Program,
    after: Program,
    budget: int,
    named: Sequence[str] = (),
    categories: Sequence[Category] = (),
) -> Iterator[Finding]:
    """What comes out the same under two programs, or, of some categories of people, that nobody is paid less."""
    from mianshen.proof.against import Against
    from mianshen.proof.prover import Prover

    yield from Against(Prover(after, budget, named=tuple(named)), before).findings(categories)
