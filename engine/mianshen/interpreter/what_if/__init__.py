"""What would change an answer, and when: decided copies of a case.

In: a case that an `Interpreter` has decided, and its trace. Invariant: what is shown was decided by the whole program.
"""
