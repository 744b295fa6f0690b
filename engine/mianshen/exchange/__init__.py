"""A rulebook given to those who work without YAML, and what they changed read back.

In: a rulebook, a workbook, a DMN model. Out: a workbook or DMN model; an overlay that holds only what was changed, or a
rulebook, with what could not be carried.
Invariants: nothing is lost without a word; what was not edited does not change; what is wrong is shown at the cell
where somebody can mend it.
"""

from __future__ import annotations

from mianshen.exchange.decisions import Loss
from mianshen.exchange.dmn_in import ReadModel
from mianshen.exchange.models import export_model, import_model
from mianshen.exchange.overlay_text import MADE_BY
from mianshen.exchange.spreadsheet import Imported, export_workbook, import_workbook

__all__ = [
    "MADE_BY",
    "Imported",
    "Loss",
    "ReadModel",
    "export_model",
    "export_workbook",
    "import_model",
    "import_workbook",
]
