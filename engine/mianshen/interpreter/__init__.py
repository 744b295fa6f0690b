"""One case at a time, with the reason for every value: the reference semantics."""

from mianshen.interpreter.decide import Interpreter
from mianshen.interpreter.result import BenefitResult, CaseResult, Rejected, RowResult, result_of
from mianshen.interpreter.rows import Case, Rejection, Row, RowError, make_row

__all__ = [
    "BenefitResult",
    "Case",
    "CaseResult",
    "Interpreter",
    "Rejected",
    "Rejection",
    "Row",
    "RowError",
    "RowResult",
    "make_row",
    "result_of",
]
