"""The sides of bench_rivals.py that need nothing installed decide the same claims alike."""

from __future__ import annotations

import numpy as np
import pytest
from tests.benchmarks.stack_claims import NONE, OUTPUTS, Running, claims, differing, without_cost
from tests.benchmarks.stack_ours import Kernel, OurInterpreter
from tests.benchmarks.stack_tables import HandSql

from mianshen.native.library import compiler

pytestmark = pytest.mark.skipif(compiler() is None, reason="needs a C compiler")


def test_rooms_and_handwritten_sql_agree() -> None:
    table = claims(3000)
    kernel = Kernel(table, 1)
    decided = kernel.fen(kernel.run())
    sides: tuple[Running, ...] = (OurInterpreter(table), HandSql(table, 1))
    for side in sides:
        assert not differing(decided, side.fen(side.run()))
    for name in OUTPUTS:  # every layer pays somebody, and leaves somebody without an amount
        assert (decided[name] > 0).any()
        assert (decided[name] == NONE).any()


def test_a_fen_counts_as_a_difference() -> None:
    table = claims(100)
    kernel = Kernel(table, 1)
    decided = kernel.fen(kernel.run())
    moved = {name: column.copy() for name, column in decided.items()}
    at = int(np.flatnonzero(decided["patient_pays"] != NONE)[3])
    moved["patient_pays"][at] += 1
    assert differing(decided, moved) == 1


def test_a_claim_without_its_cost_has_no_amount() -> None:
    table = without_cost(claims(50))
    kernel = Kernel(table, 1)
    decided = kernel.fen(kernel.run())
    assert (decided["in_scope_cost"] == NONE).all()
    assert (decided["patient_pays"] == NONE).all()
