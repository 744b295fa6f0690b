"""The shipped rulebook's docs, written once for all tests of this room."""

from pathlib import Path

import pytest

from mianshen_cli.main import main


@pytest.fixture(scope="session")
def shipped_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("docs") / "site"
    assert main(["docs", "--out", str(folder), "--cases", "cases/beijing"]) == 0
    return folder.resolve()
