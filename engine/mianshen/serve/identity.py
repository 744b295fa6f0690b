"""Who asks: holders of tokens with their roles, and the sessions of people who signed in on a page.

In: a file of tokens, a token or a cookie. Out: `Identity`s.
Invariants: the file holds digests, never tokens; a session ends after half an hour unused, after eight hours, when
its holder signs out, and when the token is gone from the file; a cookie's value is kept nowhere, only its digest.
"""

from __future__ import annotations

import hmac
import secrets
import sqlite3
import time
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final, Literal, TypeAlias, get_args

from mianshen.catalogue import diagnostic
from mianshen.source import RuleError, Span

Role: TypeAlias = Literal["counter", "operator", "policy"]
ROLES: Final[tuple[Role, ...]] = get_args(Role)
IDLE: Final = 30 * 60  # seconds
LONGEST: Final = 8 * 60 * 60  # seconds
_NOTED: Final = 60  # seconds after which the use of a session is noted again


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody with roles; `session` is the digest of a session's cookie, empty for a token."""

    name: str
    roles: frozenset[Role]
    session: str = ""


LOCAL: Final = Identity("local", frozenset(ROLES))


def digest(secret: str) -> str:
    """The digest under which a token or a cookie is known."""
    return sha256(secret.encode()).hexdigest()


class Tokens:
    """The file of tokens, read anew when it changes."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._stamp: tuple[int, int] | None = None
        self._known: Mapping[str, Identity] = {}
        self.known()

    def known(self) -> Mapping[str, Identity]:
        """Who holds which token, by the token's digest. Raises RuleError where a line is no token's."""
        stat = self.file.stat()
        if (stat.st_mtime_ns, stat.st_size) != self._stamp:
            self._known = _read(self.file)
            self._stamp = stat.st_mtime_ns, stat.st_size
        return self._known

    def of(self, token: str) -> Identity | None:
        """The holder of a token."""
        return self.known().get(digest(token))

    def holds(self, name: str, roles: frozenset[Role]) -> bool:
        """Whether somebody of that name still has these roles."""
        return any(identity.name == name and identity.roles >= roles for identity in self.known().values())


def _read(file: Path) -> dict[str, Identity]:
    known: dict[str, Identity] = {}
    problems = []
    for number, line in enumerate(file.read_text("utf-8").splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        roles = frozenset(role for role in ROLES if len(words) == 3 and role in words[1].split(","))
        if not roles or len(words[2]) != 64 or len(roles) != len(words[1].split(",")):
            problems.append(diagnostic("E885.bad_token_line", Span(str(file), number, 1)))
        else:
            known[words[2].lower()] = Identity(words[0], roles)
    if problems:
        raise RuleError(problems)
    return known


def new_token(file: Path, name: str, roles: str) -> str:
    """Make a token and add its digest to the file, which only this user may read; returns the token."""
    token = secrets.token_urlsafe(32)
    line = f"{name} {roles} {digest(token)}\n"
    file.touch(mode=0o600)
    before = file.read_text("utf-8")
    file.write_text(before + line, "utf-8")
    try:
        _read(file)
    except RuleError:
        file.write_text(before, "utf-8")
        raise
    return token


class Sessions:
    """Sessions of people who signed in, shared by the processes of one server."""

    def __init__(self, file: str) -> None:
        self.database = sqlite3.connect(file, isolation_level=None, timeout=10, check_same_thread=False)
        self.database.execute("PRAGMA journal_mode=WAL")
        self.database.execute(
            "CREATE TABLE IF NOT EXISTS session (digest TEXT PRIMARY KEY, name TEXT, roles TEXT, begun REAL, used REAL)"
        )

    def begin(self, identity: Identity) -> str:
        """Open a session; returns the cookie's value."""
        cookie, now = secrets.token_urlsafe(32), time.time()
        self.database.execute("DELETE FROM session WHERE used < ? OR begun < ?", (now - IDLE, now - LONGEST))
        roles = ",".join(sorted(identity.roles))
        row = (digest(cookie), identity.name, roles, now, now)
        self.database.execute("INSERT INTO session VALUES (?, ?, ?, ?, ?)", row)
        return cookie

    def of(self, cookie: str) -> Identity | None:
        """Whose session it is; None where it has ended."""
        key, now = digest(cookie), time.time()
        row = self.database.execute(
            "SELECT name, roles, begun, used FROM session WHERE digest = ?", (key,)
        ).fetchone()
        if row is None:
            return None
        name, roles, begun, used = row
        if now - used > IDLE or now - begun > LONGEST:
            self.end(key)
            return None
        if now - used > _NOTED:
            self.database.execute("UPDATE session SET used = ? WHERE digest = ?", (now, key))
        roles_then = set(roles.split(","))
        return Identity(name, frozenset(role for role in ROLES if role in roles_then), key)

    def end(self, session: str) -> None:
        """End a session, by the digest of its cookie."""
        self.database.execute("DELETE FROM session WHERE digest = ?", (session,))


def form_key(secret: bytes, identity: Identity) -> str:
    """What a form must carry so that no page of another site can send it."""
    return hmac.digest(secret, (identity.session or identity.name).encode(), "sha256").hex()
