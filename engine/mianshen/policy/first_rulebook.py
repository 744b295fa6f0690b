"""A new rulebook with cases, continuous integration and editor settings, ready to be changed.

In: a folder, a name. Out: the files written. Invariant: nothing that is there is overwritten.
"""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Final

from mianshen.catalogue import diagnostic
from mianshen.document.schema import overlay_schema, rulebook_schema
from mianshen.records.schema import case_schema
from mianshen.rulebook import open_program
from mianshen.source import RuleError, Span

WRITTEN: Final = {
    "rulebook.yaml": "rules/rulebook.yaml",
    "cases.yaml": "cases/first.yaml",
    "github.yaml": ".github/workflows/rules.yml",
    "gitlab.yaml": ".gitlab-ci.yml",
    "vscode.json": ".vscode/settings.json",
    "readme.md": "README.md",
}


def make_rulebook(folder: Path, name: str) -> list[Path]:
    """Write the files and give their paths. Raises RuleError where one of them is there already."""
    targets = {source: folder / target for source, target in WRITTEN.items()}
    present = [str(path) for path in targets.values() if path.exists()]
    if present:
        raise RuleError([diagnostic("E793.file_present", Span(path, 0, 0)) for path in present])
    for source, target in targets.items():
        text = files("mianshen.policy").joinpath("new_rulebook", source).read_text("utf-8")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text.replace("NAME", name), "utf-8")
    return [*targets.values(), *_schemas(folder)]


def _schemas(folder: Path) -> list[Path]:
    """The schemas by which an editor completes and checks."""
    program = open_program([folder / "rules"])
    schemas = {"rulebook": rulebook_schema(), "overlay": overlay_schema(), "case": case_schema(program)}
    paths = []
    for name, schema in schemas.items():
        path = folder / "schemas" / f"{name}.schema.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(schema, ensure_ascii=False, indent=2) + "\n", "utf-8")
        paths.append(path)
    return paths
