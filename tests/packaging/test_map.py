"""What the documents for developers name is there: files, folders, names in modules, every room in the map."""

import re
from pathlib import Path

import pytest
from tests.packaging.pages import ROOT

ENGINE = ROOT / "engine/mianshen"
DOCUMENTS = sorted(
    [ROOT / "ARCHITECTURE.md", ROOT / "CONTRIBUTING.md", *(ROOT / "engine/decisions").glob("*.md")]
)
PATHS = [
    path
    for folder in ("engine", "cli", "rules", "cases", "tests", ".ci")
    for path in (ROOT / folder, *(ROOT / folder).rglob("*"))
    if "__pycache__" not in path.parts
] + list(ROOT.iterdir())
MODULES = [path for path in PATHS if path.suffix == ".py" and path.is_relative_to(ROOT / "engine")]
FILE = re.compile(r"`([\w/.]+\.(?:py|c|sql|lark|tsv|typ|html|js|css))`")
FOLDER = re.compile(r"`((?:\w+/)+)`")
NAME_IN_MODULE = re.compile(r"`((?:[a-z_]+\.)+)(?!(?:py|tsv|html|js)\b)(\w+)`")
GENERATED = {"verify.html"}
documents = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)


def ending(path: Path, named: str) -> bool:
    """Whether a path ends in what a document names, `program/core.py` or `tests/batch/`."""
    return f"/{path.as_posix()}".endswith(f"/{named.rstrip('/')}")


@documents
def test_the_files_and_folders_it_names_are_there(document: Path) -> None:
    text = document.read_text("utf-8")
    names = {*FILE.findall(text), *FOLDER.findall(text)} - GENERATED
    assert not {name for name in names if not any(ending(path, name) for path in PATHS)}


@documents
def test_the_names_it_gives_of_modules_are_in_them(document: Path) -> None:
    """Such as `program.stages.read_below`; what begins with no module of ours is a name of something else."""
    for dotted, name in NAME_IN_MODULE.findall(document.read_text("utf-8")):
        path = dotted.rstrip(".").replace(".", "/")
        modules = [module for module in MODULES if ending(module, f"{path}.py")]
        modules += [module for module in MODULES if ending(module, f"{path}/__init__.py")]
        words = {word for module in modules for word in re.findall(r"\w+", module.read_text("utf-8"))}
        submodule = any(ending(module, f"{path}/{name}.py") for module in MODULES)
        assert name in words or submodule or not modules, f"{dotted}{name}"


def test_every_room_is_in_the_map() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    rooms = {path.parent.name for path in ENGINE.glob("*/__init__.py")}
    modules = {path.name for path in ENGINE.glob("[a-z]*.py")} - {"version.py"}
    assert not {room for room in rooms if f"`engine/mianshen/{room}/" not in text}
    assert not {module for module in modules if not re.search(rf"[`/]{module}`", text)}
