"""Many rows at the machine's speed: the program as C, compiled once, run over Arrow columns.

In: a program, columns of typed facts. Out: columns of decisions, statuses and reasons.
Invariants: a household in which a row is wrong or cannot be decided is not decided here but named, so
that the SQL room decides it; every other one gets exactly what the interpreter gives. What the room
cannot carry it says before it runs (`Unsupported`).
"""
