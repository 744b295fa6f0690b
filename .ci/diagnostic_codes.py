"""The page of all diagnostic codes, `engine/CODES.md`, from the catalogue that the engine speaks from.

Run it after adding a line to `engine/mianshen/diagnostics.tsv`; with `--check` it tells whether the page is up to date.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HEAD = (
    "# Diagnostic codes\n\nMade by `make codes` from `engine/mianshen/diagnostics.tsv`; `mianshen explain CODE` shows one. "
    "`<name>` stands for a value; what is empty depends on the case.\n\n"
    "| code | 问题 | 怎么办 | what is wrong | what to do |\n|---|---|---|---|---|\n"
)


def page() -> str:
    """The page: a line for each sentence that a code may come with."""
    lines = []
    for line in (ROOT / "engine/mianshen/diagnostics.tsv").read_text("utf-8").splitlines():
        key, _, zh, en, fix_zh, fix_en = line.split("\t")
        cells = (key.split(".")[0], zh, fix_zh, en, fix_en)
        lines.append("| " + " | ".join(shown(cell) for cell in cells) + " |\n")
    return HEAD + "".join(lines)


def shown(cell: str) -> str:
    """A cell with its values between angle brackets."""
    named = re.sub(r"(?<!\{)\{(\w+)\}(?!\})", r"<\1>", cell).replace("{{", "{").replace("}}", "}")
    return " ".join(named.split()).replace("|", "\\|").replace("<", "&lt;").replace(">", "&gt;")


def main() -> int:
    """Writes the page, or checks it."""
    target = ROOT / "engine/CODES.md"
    if "--check" in sys.argv:
        return int(not target.exists() or target.read_text("utf-8") != page())
    target.write_text(page(), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
