"""Whether every record that was read is accounted for: decided, rejected, or set aside with its reason.

In: counts by entity, the finished files. Out: nothing, or an error: a run that lost a record writes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mianshen.batch import diagnostics
from mianshen.batch.output_files import REJECTS, EntityFile
from mianshen.batch.result_files import ResultFiles
from mianshen.batch.row_batches import EntityInfo
from mianshen.source import RuleError


def check_all_accounted(
    results: ResultFiles, infos: Mapping[str, EntityInfo], files: Sequence[EntityFile], named: str
) -> None:
    """Hold the counts of rows against what was read and what is in the files. Raises RuleError where one is missing."""
    wrong = []
    records = {name: results.counts[name]["records"] for name in infos}
    for entity, counts in records.items():
        counted = sum(number for name, number in counts.items() if name != "read")
        if not infos[entity].count == counts["read"] == counted:
            wrong.append(diagnostics.unaccounted(named, entity, infos[entity].count, counted))
    for file in files:
        decided = results.counts[file.entity.name]["rows"]
        if results.rows[file.name] != decided:
            wrong.append(diagnostics.unaccounted(named, file.entity.name, decided, results.rows[file.name]))
    rejected = sum(counts["rejected"] for counts in records.values())
    if results.rows[REJECTS] != rejected:
        wrong.append(diagnostics.unaccounted(named, "rejects", rejected, results.rows[REJECTS]))
    if wrong:
        raise RuleError(wrong)
