"""Files that are there whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from mianshen.whole_file import whole_file


def test_a_file_appears_once_it_is_whole(tmp_path: Path) -> None:
    out = tmp_path / "out.txt"
    with whole_file(out) as part:
        part.write_text("whole", "utf-8")
        assert not out.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["out.txt"]
    assert out.read_text("utf-8") == "whole"


def test_where_writing_fails_the_file_is_as_before(tmp_path: Path) -> None:
    out = tmp_path / "out.txt"
    out.write_text("before", "utf-8")
    with pytest.raises(OSError, match="full"), whole_file(out) as part:
        _half_written(part)
    assert [path.name for path in tmp_path.iterdir()] == ["out.txt"]
    assert out.read_text("utf-8") == "before"


def test_a_link_stays_one_and_a_device_is_written_to_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "file")
    with whole_file(tmp_path / "link") as part:
        part.write_text("whole", "utf-8")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_text("utf-8") == "whole"
    with whole_file(Path("/dev/null")) as part:
        assert part == Path("/dev/null")


def _half_written(part: Path) -> None:
    part.write_text("half", "utf-8")
    raise OSError("full")
