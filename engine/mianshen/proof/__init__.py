"""What a rulebook states of itself, proved or refuted by a solver (z3, the extra `proof`).

In: a program. Out: `Finding`s. The program's formulas are told to the solver with the interpreter's meaning: integers of
fen, roundings where they are written, unknown and not modelled as values are; a refutation is a record that the
interpreter decides so.
"""

from collections.abc import Iterator, Sequence

from mianshen.program.program import Program
from mianshen.proof.prover import BUDGET, Finding, Prover, Verdict
from mianshen.proof.soundness import sound

__all__ = ["BUDGET", "Finding", "Prover", "Verdict", "findings"]


def findings(program: Program, budget: int = BUDGET, named: Sequence[str] = ()) -> Iterator[Finding]:
    """Every property stated, then what every rulebook must keep; only those whose name begins as one of `named`."""
    prover = Prover(program, budget, named=tuple(named))
    yield from prover.stated()
    yield from sound(prover)
