"""The atlas of lines written to a folder, whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path

from mianshen.impact.compare import whole_folder
from mianshen.impact.thresholds import LIST, Atlas
from mianshen.past_runs.report.cells import CsvFile


def write_atlas(folder: Path, atlas: Atlas) -> None:
    """`thresholds.json`, and `thresholds.csv` where rows were listed. Raises RuleError."""
    with whole_folder(folder) as part:
        text = json.dumps(atlas.content(), ensure_ascii=False, indent=2)
        (part / "thresholds.json").write_text(text + "\n", "utf-8")
        if atlas.rows:
            sheet = CsvFile(part / "thresholds.csv", LIST.names)
            for table in atlas.rows:
                for row in table.to_pylist():
                    sheet.write(str(cell or "") for cell in row.values())
            sheet.close()
