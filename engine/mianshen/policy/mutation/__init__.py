"""The rulebook changed in one place at a time, and whether the cases notice.

In: case files, rules, overlays. Out: a `Campaign`: each `Mutant` with its `Judgement`.
Invariants: a mutant changes one figure, comparison, condition, date, rounding, sum or limit, and nothing else; what it
changes in a table's own condition it changes for all its rows. The same program has the same mutants in the same order.
Days of review are left alone, for they change no answer, only how long one is given.
"""

from mianshen.policy.mutation.campaign import Campaign, Judged, Setup, run_campaign
from mianshen.policy.mutation.mutants import Mutant, mutants_of
from mianshen.policy.mutation.runs import Judgement, Mutation

__all__ = ["Campaign", "Judged", "Judgement", "Mutant", "Mutation", "Setup", "mutants_of", "run_campaign"]
