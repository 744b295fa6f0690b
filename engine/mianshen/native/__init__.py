"""Many rows at the machine's speed: the program as C, compiled once, run over Arrow columns.

In: a program, tables of encoded facts. Out: columns of decisions, statuses, reasons and missing names; what became
of every row.
Invariants: every household gets exactly what the interpreter gives, with rejected rows, rows over time, settled
amounts and reversals in it; one in which deciding a row fails is named, so that the interpreter decides it and
tells why. Nothing depends on the order of rows, on threads, or on what the compiler is.
"""
