"""What the routes of one process share: the engine behind them, who may do what, the audit.

In: settings, what the processes of a server have in common. Out: `Service`, reached as `request.app.state.service`.
Invariants: checks are decided at once, on the event loop's thread, with an office of their own; what takes longer runs
on another thread, one at a time, with a second office, so that it does not hold up checks.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import tempfile
import weakref
from collections.abc import Callable, Coroutine, MutableSequence, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Final, ParamSpec, TypeVar

from fastapi import Query, Request
from starlette.concurrency import run_in_threadpool

from mianshen.serve.audit import Audit
from mianshen.serve.identity import LOCAL, Identity, Role, Sessions, Tokens
from mianshen.serve.metrics import Metrics
from mianshen.serve.office import Office
from mianshen.serve.problems import Problem
from mianshen.serve.settings import Settings
from mianshen.serve.store import Store
from mianshen.source import Lang, Message

COOKIE: Final = "mianshen"
LANG_COOKIE: Final = "lang"
Parameters = ParamSpec("Parameters")
Made = TypeVar("Made")


@dataclass(slots=True, weakref_slot=True)
class Shared:
    """What the processes of a server have in common, made before they part; `worker` is the number of this one.

    The folder of sessions goes when it is closed, at the latest when the process that made it ends.
    """

    metrics: Metrics
    connections: MutableSequence[int]  # of each process
    worker: int = 0
    secret: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    folder: str = field(default_factory=lambda: tempfile.mkdtemp(prefix="mianshen-serve-"))
    close: Callable[[], object] = field(init=False)

    def __post_init__(self) -> None:
        self.close = weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)

    @property
    def sessions(self) -> str:
        """The file of sessions."""
        return os.path.join(self.folder, "sessions")  # noqa: PTH118  # sqlite3 takes a text


class Service:
    """One process of a server."""

    def __init__(self, settings: Settings, shared: Shared) -> None:
        self.settings = settings
        self.shared = shared
        self.tokens = None if settings.tokens is None else Tokens(settings.tokens)
        self.audit = None if settings.audit is None else Audit(settings.audit)
        self.office = Office(settings.rules, settings.overlays)
        self.store = None if settings.store is None else Store(settings.store)
        self._turn = asyncio.Lock()

    @cached_property
    def sessions(self) -> Sessions:
        return Sessions(self.shared.sessions)

    @cached_property
    def _second(self) -> Office:
        return Office(self.settings.rules, self.settings.overlays)

    async def slowly(self, function: Callable[[Office], Made]) -> Made:
        """What a function makes of the second office, on a thread of its own, one at a time."""
        async with self._turn:
            return await run_in_threadpool(lambda: function(self._second))

    def note(self, identity: Identity, action: str, people: Sequence[str]) -> None:
        """Record whom somebody saw, where there is an audit."""
        if self.audit is not None and people:
            self.audit.note(identity.name, action, people)


def service_of(request: Request) -> Service:
    service = request.app.state.service
    assert isinstance(service, Service)
    return service


# -- who may ---------------------------------------------------------------------------------------


def identity_of(request: Request) -> Identity | None:
    """Who asks: the holder of a token or of a session; on this machine alone, without tokens, whoever does."""
    service = service_of(request)
    if service.tokens is None:
        return LOCAL
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return service.tokens.of(token.strip())
    cookie = request.cookies.get(COOKIE)
    identity = None if cookie is None else service.sessions.of(cookie)
    if identity is not None and not service.tokens.holds(identity.name, identity.roles):
        service.sessions.end(identity.session)
        return None
    return identity


def allowed(*roles: Role) -> Callable[[Request], Coroutine[Any, Any, Identity]]:
    """A dependency: whoever asks, if one of their roles is among `roles` (any role where none is named)."""

    async def identified(request: Request) -> Identity:
        identity = identity_of(request)
        if identity is None:
            raise Problem("no_token", headers={"www-authenticate": "Bearer"})
        request.state.identity = identity
        if roles and not identity.roles & set(roles):
            raise Problem("wrong_role")
        return identity

    identified.roles = roles  # type: ignore[attr-defined]  # for the test of every route
    return identified


# -- in which language -----------------------------------------------------------------------------


def language_of(request: Request) -> Lang:
    """`?lang=`, else the page's choice, else what the client accepts, else the server's language."""
    accepted = request.headers.get("accept-language", "").lower()
    wanted = (request.query_params.get("lang"), request.cookies.get(LANG_COOKIE), accepted[:2])
    for lang in wanted:
        if lang == "zh":
            return "zh"
        if lang == "en":
            return "en"
    return service_of(request).settings.lang


LangParameter = Annotated[Lang | None, Query(description="zh or en; else Accept-Language, else the server's")]


def unavailable(option: str) -> Problem:
    """What needs an option that the server was not started with."""
    return Problem("unavailable", Message(f"启动时请给出 {option}", f"Start the server with {option}"))


def folder_of(path: Path | None, option: str) -> Path:
    """A folder that an option names; a Problem where it was not given."""
    if path is None:
        raise unavailable(option)
    return path
