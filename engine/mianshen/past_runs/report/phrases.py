"""The words of a report that do not come from the rulebook, in both languages."""

from __future__ import annotations

from typing import Final

from mianshen.program.program import Program
from mianshen.program.titles import area_title, key_title
from mianshen.source import Lang
from mianshen.wording import wording

STAGES: Final = wording.group("report.stages")
REASONS: Final = wording.group("report.reasons")
UNKNOWN_AREA: Final = wording("report.unknown_area")
REJECTED: Final = wording("report.rejected")
LEFT_OUT: Final = wording("report.left_out")


def labels(lang: Lang, program: Program) -> dict[str, str]:
    """Every heading the template uses, by name."""
    texts = wording.group("report.labels")
    area = area_title(program) or texts["place"]
    said = {
        "place": area,
        "places_note": texts["places_note"].filled(area=area),
        "lists_note": texts["lists_note"].filled(key=key_title(program, program.entry)),
    }
    return {name: said.get(name, text).in_(lang) for name, text in texts.items()}
