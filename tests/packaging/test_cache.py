"""What is kept for the next run is used only as this user kept it."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest

from mianshen import cache, rulebook
from mianshen.cache import keep, read_kept
from mianshen.rulebook import open_program

NAME = "a.program"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "kept"


def test_what_was_kept_is_read(folder: Path) -> None:
    assert keep(folder / NAME, b"content")
    assert read_kept(folder / NAME) == b"content"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert read_kept(folder / "other.program") is None


def test_a_damaged_content_is_not_read(folder: Path) -> None:
    keep(folder / NAME, b"content")
    (folder / NAME).write_bytes(b"contend")
    assert read_kept(folder / NAME) is None


def test_a_content_under_another_name_is_not_read(folder: Path) -> None:
    keep(folder / NAME, b"content")
    for suffix in ("", ".seal"):
        (folder / f"b.program{suffix}").write_bytes((folder / f"{NAME}{suffix}").read_bytes())
    assert read_kept(folder / "b.program") is None


def test_a_folder_that_others_may_write_to_is_emptied(folder: Path) -> None:
    keep(folder / NAME, b"content")
    folder.chmod(0o777)
    assert read_kept(folder / NAME) is None
    assert keep(folder / "b.program", b"more")
    assert not (folder / NAME).exists()
    assert folder.stat().st_mode & 0o777 == 0o700
    assert read_kept(folder / "b.program") == b"more"


def test_a_link_is_not_followed(folder: Path, tmp_path: Path) -> None:
    keep(folder / NAME, b"content")
    (folder / NAME).replace(tmp_path / "moved")
    (folder / NAME).symlink_to(tmp_path / "moved")
    assert read_kept(folder / NAME) is None
    (tmp_path / "link").symlink_to(folder)
    assert not keep(tmp_path / "link" / NAME, b"content")


def test_a_program_that_was_planted_is_built_anew(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIANSHEN_CACHE", str(folder))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(rulebook, "_opened", {})
    program = open_program()
    (stored,) = folder.glob("*.program")
    stored.write_bytes(pickle.dumps(_Planted(tmp_path / "ran")))
    assert open_program() is program  # this process has it still
    rulebook._opened.clear()
    assert open_program().digest == program.digest
    assert not (tmp_path / "ran").exists()
    assert read_kept(stored) is not None


class _Planted:
    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.trace,)


def test_what_was_used_longest_ago_goes_and_what_others_keep_stays(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"{number:040x}.program" for number in range(6)]
    for age, name in enumerate(names[:4]):
        keep(folder / name, b"content")
        for suffix in ("", ".seal"):
            os.utime(folder / f"{name}{suffix}", (0, 10_000 - age))
    (folder / f"{names[3]}.99").write_bytes(b"half")  # what a killed run left
    os.utime(folder / f"{names[3]}.99", (0, 0))
    (folder / "letters.txt").write_text("mine", encoding="utf-8")
    assert read_kept(folder / names[2]) == b"content"  # used just now
    monkeypatch.setattr(cache, "MOST", 3)
    keep(folder / names[4], b"content")
    keep(folder / names[5], b"content")
    left = {path.name for path in folder.iterdir() if path.suffix == ".program"}
    assert left == {names[2], names[4], names[5]}
    assert not list(folder.glob(f"{names[3]}*"))
    assert (folder / "letters.txt").read_text("utf-8") == "mine"


def test_what_was_used_within_the_hour_stays(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "MOST", 1)
    names = [f"{number:040x}.so" for number in range(3)]
    for name in names:
        keep(folder / name, b"content")
    assert [read_kept(folder / name) for name in names] == [b"content"] * 3


@pytest.mark.parametrize("spoil", [lambda key: key.write_bytes(b"abc"), lambda key: key.chmod(0o644)])
def test_a_spoilt_secret_is_made_anew_and_nothing_sealed_by_it_is_read(
    spoil: Callable[[Path], object], folder: Path
) -> None:
    keep(folder / NAME, b"content")
    spoil(folder / "key")
    assert read_kept(folder / NAME) is None
    assert keep(folder / "b.program", b"more")
    assert read_kept(folder / "b.program") == b"more"
    assert not (folder / NAME).exists()


def test_a_user_without_a_home_keeps_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> Path:
        raise RuntimeError

    for name in ("MIANSHEN_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", nobody)
    assert cache.cache_folder() is None
