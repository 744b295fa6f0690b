"""A PostgreSQL server of the test's own, on a socket in a folder of its own; skipped where none is installed."""

from __future__ import annotations

import os
import pwd
import resource
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

_PLACES = ("/usr/lib/postgresql/*/bin",)  # Debian keeps them off the path


@dataclass(frozen=True, slots=True)
class Postgres:
    """A running server; `psql` reads statements, and gives what they print."""

    client: str
    socket: Path

    @property
    def words(self) -> str:
        """What a client takes to connect."""
        return f"host={self.socket} user=tester dbname=postgres"

    def psql(self, text: str) -> str:
        words = [self.client, "-X", "-q", "-h", str(self.socket), "-U", "tester", "-d", "postgres"]
        words += ["-v", "ON_ERROR_STOP=1", "--csv", "-t", "-f", "-"]
        text = f"SET client_min_messages = warning;\nSET statement_timeout = '120s';\n{text}"
        done = subprocess.run(words, input=text, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout


def _bounded() -> None:
    """A plan that explodes fails, and takes nothing else with it."""
    resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))


def _program(name: str) -> str | None:
    path = shutil.which(name)
    more = [str(p / name) for place in _PLACES for p in Path("/").glob(place[1:]) if (p / name).exists()]
    return path or next(iter(more), None)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """Its own collation is not by code point, as in most warehouses."""
    initdb, pg_ctl, client = (_program(name) for name in ("initdb", "pg_ctl", "psql"))
    if initdb is None or pg_ctl is None or client is None:
        pytest.skip("PostgreSQL is not installed")
    user = None  # the server refuses to run as root
    folder = Path(tempfile.mkdtemp(prefix="mianshen-pg-"))
    if os.getuid() == 0:
        names = {item.pw_name for item in pwd.getpwall()}
        user = "postgres" if "postgres" in names else "nobody"
        shutil.chown(folder, user)
    data, log = folder / "data", folder / "log"

    def run(*words: str) -> None:
        subprocess.run(words, user=user, cwd=folder, check=True, capture_output=True)

    collation = ("--locale-provider=icu", "--icu-locale=en-US", "--locale=C.UTF-8")
    run(initdb, "-D", str(data), "-U", "tester", "-A", "trust", "-E", "UTF8", "-N", *collation)
    options = f"-k {folder} -h '' -c fsync=off"
    with log.open("w") as file:  # the server keeps what it inherits open
        words = [pg_ctl, "-D", str(data), "-l", str(folder / "server"), "-w", "-o", options, "start"]
        subprocess.run(
            words, user=user, cwd=folder, check=True, stdout=file, stderr=file, preexec_fn=_bounded
        )
    try:
        yield Postgres(client, folder)
    finally:
        run(pg_ctl, "-D", str(data), "-m", "immediate", "stop")
        shutil.rmtree(folder)
