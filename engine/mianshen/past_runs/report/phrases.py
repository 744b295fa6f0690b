"""The words of a report that do not come from the rulebook, in both languages."""

from __future__ import annotations

from typing import Final

from mianshen.source import Lang
from mianshen.wording import wording

STAGES: Final = wording.group("report.stages")
REASONS: Final = wording.group("report.reasons")
UNKNOWN_AREA: Final = wording("report.unknown_area")
REJECTED: Final = wording("report.rejected")
LEFT_OUT: Final = wording("report.left_out")


def labels(lang: Lang) -> dict[str, str]:
    """Every heading the template uses, by name."""
    return wording.labels("report.labels", lang)
