"""What commands over cases share: the cases named, or those of the checkout.

In: paths as typed, programs. Out: the cases read; `Refused` where none travel with the installation.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mianshen.cases.read import CaseOf, Programs, case_files, read_case_files
from mianshen.shipped import shipped_cases
from mianshen.source import Span
from mianshen_cli.click_commands import argument
from mianshen_cli.usage_errors import Refused
from mianshen_cli.wording import wording

NO_CASES = wording("case_arguments.no_cases")
paths = argument("paths", nargs=-1, metavar="[CASES]...", type=Path, words=wording("case_arguments.paths"))


def cases_at(paths: Sequence[Path], programs: Programs) -> list[CaseOf]:
    """The cases of the paths, or those beside the rulebook. Raises RuleError with every mistake."""
    return read_case_files(files_at(paths), programs)


def files_at(paths: Sequence[Path]) -> list[Path]:
    """The case files of the paths, or those beside the rulebook. Raises RuleError where there are none."""
    return case_files(paths or [_beside_rulebook()])


def _beside_rulebook() -> Path:
    """The shipped cases, as they are named from the working folder. Refused where there are none."""
    folder = shipped_cases()
    if folder is None:
        raise Refused(NO_CASES)
    here = Path.cwd()
    return folder.relative_to(here) if folder.is_relative_to(here) else folder


def place(span: Span) -> str:
    """Where something stands, from the working folder where it lies in it."""
    here = f"{Path.cwd()}/"
    return str(span).removeprefix(here)
