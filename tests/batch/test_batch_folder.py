"""Where the results of a batch go: whole or not at all, and never over what no batch wrote."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeAlias

import duckdb
import pytest
from tests.batch.batches import AS_OF, OUTPUTS, PEOPLE, write

from mianshen.batch import result_folder
from mianshen.batch.result_files import ResultFiles
from mianshen.batch.run import Request, Summary, run_batch
from mianshen.program.program import Program
from mianshen.source import RuleError

Into: TypeAlias = Callable[..., Summary]


@pytest.fixture
def run(little: Program) -> Into:
    def run(folder: Path, out: Path, residents: str = PEOPLE) -> Summary:
        return run_batch(little, Request(write(folder, {"residents.csv": residents}), AS_OF, out))

    return run


def test_an_earlier_run_is_replaced_whole_also_behind_a_link(tmp_path: Path, run: Into) -> None:
    out, link = tmp_path / "out", tmp_path / "link"
    link.symlink_to(out)
    run(tmp_path / "in", out)
    first = (out / "manifest.json").read_bytes()
    run(tmp_path / "in", link, PEOPLE.replace("P1", "P2"))
    assert link.is_symlink()
    assert {path.name for path in tmp_path.iterdir()} == {"in", "out", "link"}
    assert {path.name for path in out.iterdir()} == OUTPUTS
    assert (out / "manifest.json").read_bytes() != first


STOPS: Final[list[tuple[type[BaseException], tuple[object, ...]]]] = [
    (OSError, (28, "No space left on device")),
    (duckdb.IOException, ("IO Error: disk",)),
    (duckdb.OutOfMemoryException, ("out of memory",)),
    (KeyboardInterrupt, ()),
]


@pytest.mark.parametrize(("stop", "words"), STOPS)
def test_a_run_that_stops_in_the_middle_leaves_everything_as_it_was(
    tmp_path: Path,
    run: Into,
    monkeypatch: pytest.MonkeyPatch,
    stop: type[BaseException],
    words: tuple[object, ...],
) -> None:
    def fail(*_: object) -> None:
        raise stop(*words)

    out = tmp_path / "out"
    run(tmp_path / "in", out)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    monkeypatch.setattr(ResultFiles, "add", fail)
    for folder in (out, tmp_path / "new" / "deep" / "out"):
        with pytest.raises(KeyboardInterrupt if stop is KeyboardInterrupt else RuleError):
            run(tmp_path / "in", folder)
    assert {path.name for path in tmp_path.iterdir()} == {"in", "out"}
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_a_run_that_stops_leaves_what_another_run_wrote_beside_it_meanwhile(
    tmp_path: Path, run: Into, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "new" / "other"

    def fail(*_: object) -> None:
        other.mkdir()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ResultFiles, "add", fail)
    with pytest.raises(RuleError):
        run(tmp_path / "in", tmp_path / "new" / "out")
    assert [folder.name for folder in (tmp_path / "new").iterdir()] == ["other"]


def test_results_that_a_killed_run_had_moved_aside_are_put_back(
    tmp_path: Path, run: Into, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a system cannot swap two names, a run may be killed between the two renames that publish its results."""
    out = tmp_path / "out"
    run(tmp_path / "in", out)
    before = (out / "manifest.json").read_bytes()
    out.rename(tmp_path / ".out.old-0123")
    (tmp_path / ".out.part-0123").mkdir()

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ResultFiles, "add", fail)
    with pytest.raises(RuleError):
        run(tmp_path / "in", out)
    assert (out / "manifest.json").read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {"in", "out"}


def test_publishing_that_fails_puts_the_earlier_run_back(
    tmp_path: Path, run: Into, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    run(tmp_path / "in", out)
    before = (out / "timings.json").read_bytes()
    monkeypatch.setattr(result_folder, "_exchanged", lambda *_: False)  # as where two names cannot be swapped
    rename: Callable[[Path, Path], Path] = Path.rename

    def failing(self: Path, target: Path) -> Path:
        if ".part-" in self.name:
            raise PermissionError(13, "Permission denied")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(RuleError, match="E506: the results cannot be written: Permission denied"):
        run(tmp_path / "in", out)
    assert (out / "timings.json").read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {"in", "out"}


def test_a_folder_that_no_batch_wrote_is_left_alone(tmp_path: Path, run: Into) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "manifest.json").write_text("{}", "utf-8")
    (out / "precious.txt").write_text("kept", "utf-8")
    with pytest.raises(RuleError, match="E507"):
        run(tmp_path / "in", out)
    with pytest.raises(RuleError, match="E507"):
        run(tmp_path / "in", out / "precious.txt")
    with pytest.raises(RuleError, match=r"E517: the input residents\.csv lies in the folder"):
        run(out / "in", out)
    with pytest.raises(RuleError, match="E506: the results cannot be written: File exists"):
        run(tmp_path / "in", out / "precious.txt" / "deeper")
    assert (out / "precious.txt").read_text("utf-8") == "kept"


def test_a_file_that_changes_while_it_is_read_is_no_input(
    tmp_path: Path, run: Into, monkeypatch: pytest.MonkeyPatch
) -> None:
    add = ResultFiles.add

    def growing(self: ResultFiles, *words: Any) -> None:
        with (tmp_path / "in" / "residents.csv").open("a", encoding="utf-8") as file:
            file.write("P2\n")
        add(self, *words)

    monkeypatch.setattr(ResultFiles, "add", growing)
    with pytest.raises(RuleError, match=r"residents\.csv: E519: the file changed while it was read"):
        run(tmp_path / "in", tmp_path / "out")
    assert {path.name for path in tmp_path.iterdir()} == {"in"}
