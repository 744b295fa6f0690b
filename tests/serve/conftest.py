"""Servers to ask, each in this process: one open to this machine, one with tokens, an audit and a store."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from mianshen.serve.app import create_app
from mianshen.serve.identity import new_token
from mianshen.serve.settings import Settings
from mianshen.shipped import shipped_rulebook

CASES = shipped_rulebook().parent / "cases"
OVERLAY_CASES = (CASES / "shanghai" / "assistance.yaml",)
ROLES = ("counter", "operator", "policy")


def client_of(settings: Settings) -> TestClient:
    return TestClient(create_app(settings), base_url="http://localhost", raise_server_exceptions=False)


@pytest.fixture(scope="session")
def local() -> Iterator[TestClient]:
    """A server for this machine alone."""
    with client_of(Settings(cases=OVERLAY_CASES)) as client:
        yield client


@dataclass(frozen=True)
class Guarded:
    """A server with tokens: its settings, and each role's token."""

    settings: Settings
    tokens: dict[str, str]

    def client(self) -> TestClient:
        return client_of(self.settings)

    def headers(self, role: str) -> dict[str, str]:
        return {"authorization": f"Bearer {self.tokens[role]}"}


def guarded_in(folder: Path) -> Guarded:
    """A server with tokens, whose files lie in a folder."""
    file = folder / "tokens"
    tokens = {role: new_token(file, f"{role}-desk", role) for role in ROLES}
    settings = Settings(
        tokens=file, audit=folder / "audit.jsonl", store=folder / "cases.db", runs=folder, cases=OVERLAY_CASES,
        rate=1000,
    )  # fmt: skip
    return Guarded(settings, tokens)


@pytest.fixture
def guarded(tmp_path: Path) -> Guarded:
    return guarded_in(tmp_path)


@pytest.fixture
def record(tmp_path: Path) -> Callable[[str], Path]:
    """Writes a record's text to a file for the command line."""

    def written(text: str) -> Path:
        file = tmp_path / "record.json"
        file.write_text(text, "utf-8")
        return file

    return written
