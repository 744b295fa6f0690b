"""What the rules alone change since an earlier run: today's records decided by its rulebook and by this one.

In: a program, the folder of an earlier run. Out: what to bear in mind where the two are compared, and what writes the
comparison into a report's folder. Invariant: gained, lost, amounts and causes are those of `compare`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mianshen.batch.request import Request
from mianshen.catalogue import diagnostic
from mianshen.impact.compare import compare
from mianshen.impact.sides import both
from mianshen.ingest.input_paths import Named
from mianshen.past_runs.report import FinishedRun, Order, program_of
from mianshen.program.program import Program
from mianshen.source import Diagnostic, RuleError, unlined


@dataclass(frozen=True, slots=True)
class RulesAlone:
    """Compares two rulebooks over a run's records."""

    before: Program
    after: Program

    def __call__(
        self, run: FinishedRun, inputs: Mapping[str, Named], order: Order, folder: Path
    ) -> dict[str, Any]:
        """Write the comparison into a new folder; gives the content of its `compare.json`. Raises RuleError, OSError."""
        encoding = order.encoding or run.manifest.get("encoding")
        request = Request(
            inputs, run.as_of, folder, order.threads, order.memory, encoding, mapping=run.mapping, yes=True
        )
        return compare(self.before, self.after, request, lang=order.lang).content()


def rules_since(program: Program, since: Path) -> tuple[RulesAlone | None, list[Diagnostic]]:
    """What compares a program with that of an earlier run, where another decided it; and what to bear in mind.

    Raises RuleError where there is no such run.
    """
    run = FinishedRun.of(since)
    if run.decided_by(program):
        return None, []
    try:
        before = program_of(run)
        both(before, program)
    except RuleError as error:
        return None, [diagnostic("E579.other_rules_gone", unlined(str(since)), why=error.diagnostics[0].what)]
    return RulesAlone(before, program), [diagnostic("E578.other_rules_since", unlined(str(since)))]
