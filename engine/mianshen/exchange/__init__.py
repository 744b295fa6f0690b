"""A rulebook given to those who work without YAML, and what they changed read back.

In: a document, a workbook. Out: a workbook, an overlay that holds only what was changed.
Invariants: nothing is lost without a word; what was not edited does not change; what is wrong is shown at the cell
where somebody can mend it.
"""

from __future__ import annotations

from mianshen.exchange.spreadsheet import MADE_BY, Imported, export_workbook, import_workbook

__all__ = ["MADE_BY", "Imported", "export_workbook", "import_workbook"]
