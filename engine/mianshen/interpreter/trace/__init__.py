"""Why a decision came out as it did: the steps, what was read, why other provisions did not decide.

In: a case that an `Interpreter` has decided. Invariant: nothing is decided again; values are those in the rows.
"""

from mianshen.interpreter.trace.explain import Explainer, Limited, Step, Trace, Used
from mianshen.interpreter.trace.unmatched import Unmatched
from mianshen.interpreter.trace.walk import Caveats, Input

__all__ = ["Caveats", "Explainer", "Input", "Limited", "Step", "Trace", "Unmatched", "Used"]
