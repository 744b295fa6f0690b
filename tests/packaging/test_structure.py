"""The size of the code: functions, files and rooms that somebody can read in one go; names that say something."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.packaging.pages import ROOT

SOURCES = (ROOT / "engine" / "mianshen", ROOT / "cli" / "mianshen_cli")
TESTS = ROOT / "tests"
SAY_NOTHING = frozenset({"each", "found", "made", "kept"})
SAY_LITTLE = frozenset(
    {"told", "held", "given", "asked", "got", "shown", "mistake", "mistakes", "lacking", "dealt", "surely"}
)  # some are good names of fields
MOST_LINES_OF_A_FUNCTION = 40
MOST_LINES_OF_A_FILE = 500
MOST_LINES_OF_A_ROOM = 5500


def files() -> list[Path]:
    return [path for source in SOURCES for path in sorted(source.rglob("*.py"))]


def lines(path: Path) -> int:
    return len(path.read_text("utf-8").splitlines())


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    """The syntax of a file, every node."""
    return tuple(ast.walk(ast.parse(path.read_text("utf-8"))))


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """The functions of a file, each with its lines from `def` on."""
    for node in nodes(path):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            yield f"{path.relative_to(ROOT)}:{node.lineno} {node.name}", node.end_lineno - node.lineno + 1


def variables(path: Path) -> Iterator[tuple[str, int]]:
    """The variables and parameters of a file, each with the line that binds it."""
    for node in nodes(path):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id, node.lineno
        elif isinstance(node, ast.arg):
            yield node.arg, node.lineno


def fields(path: Path) -> set[tuple[str, int]]:
    """The fields of a file's classes, each with its line."""
    return {
        (line.target.id, line.lineno)
        for node in nodes(path)
        if isinstance(node, ast.ClassDef)
        for line in node.body
        if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name)
    }


def test_no_function_is_over_forty_lines() -> None:
    long = {
        name: size for path in files() for name, size in functions(path) if size > MOST_LINES_OF_A_FUNCTION
    }
    assert not long


def test_no_file_is_over_five_hundred_lines() -> None:
    assert not {
        str(path.relative_to(ROOT)): lines(path) for path in files() if lines(path) > MOST_LINES_OF_A_FILE
    }


def test_no_room_is_over_five_and_a_half_thousand_lines() -> None:
    rooms = [room for source in SOURCES for room in source.iterdir() if room.is_dir()]
    sizes = {room.name: sum(lines(path) for path in room.rglob("*.py")) for room in rooms}
    assert sizes["interpreter"] > 1000  # the rooms are where this looks for them
    assert not {name: size for name, size in sizes.items() if size > MOST_LINES_OF_A_ROOM}


def test_no_variable_is_called_by_a_name_that_says_nothing() -> None:
    names = {
        f"{path.relative_to(ROOT)}:{line} {name}"
        for path in (*files(), *sorted(TESTS.rglob("*.py")))
        for name, line in variables(path)
        if name in SAY_NOTHING
    }
    assert not names


def test_no_local_variable_is_called_by_a_participle_alone() -> None:
    names = {
        f"{path.relative_to(ROOT)}:{line} {name}"
        for path in files()
        for name, line in set(variables(path)) - fields(path)
        if name in SAY_LITTLE
    }
    assert not names
