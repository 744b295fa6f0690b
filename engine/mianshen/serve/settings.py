"""What a server is started with, and what is refused before it starts.

In: the options of `mianshen serve`. Out: `Settings`.
Invariant: an address that other machines reach is served over TLS, to holders of tokens, with an audit; else nothing is.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mianshen.catalogue import diagnostic
from mianshen.source import NOWHERE, Diagnostic, Lang, RuleError, Span

LOCAL_NAMES: Final = ("localhost", "127.0.0.1", "[::1]")
MOST_BYTES: Final = 2 * 1024 * 1024  # of a request's body


@dataclass(frozen=True, slots=True)
class Settings:
    """`names`: host names beside `host` that requests may come for; `rate`: requests a second from one address."""

    host: str = "127.0.0.1"
    port: int = 8000
    lang: Lang = "en"
    rules: tuple[Path, ...] = ()
    overlays: tuple[str, ...] = ()
    certificate: Path | None = None
    key: Path | None = None
    tokens: Path | None = None
    audit: Path | None = None
    store: Path | None = None
    runs: Path | None = None
    cases: tuple[Path, ...] = ()
    names: tuple[str, ...] = ()
    workers: int = 1
    rate: int = 50
    docs: Path | None = None  # pages that `mianshen docs` wrote

    @property
    def local(self) -> bool:
        """Whether no other machine reaches the address."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host.strip("[]")).is_loopback
        except ValueError:
            return False

    @property
    def tls(self) -> bool:
        return self.certificate is not None

    @property
    def known_hosts(self) -> frozenset[str]:
        """The names that a request's `Host` may have; a page of another site that resolves here has none of them."""
        names = {*self.names} if not self.local else {*self.names, *LOCAL_NAMES}
        host = f"[{self.host.strip('[]')}]" if ":" in self.host else self.host
        return frozenset(name.lower() for name in (*names, host))


def check_safe(settings: Settings) -> None:
    """Raises RuleError with everything that keeps a server from starting."""
    problems = list(_problems(settings))
    if problems:
        raise RuleError(problems)


def _problems(settings: Settings) -> Iterator[Diagnostic]:
    if (settings.certificate is None) != (settings.key is None):
        yield diagnostic("E883.half_a_pair", NOWHERE)
    if not settings.local:
        if not settings.tls:
            yield diagnostic("E880.needs_tls", NOWHERE, host=settings.host)
        if settings.tokens is None:
            yield diagnostic("E881.needs_tokens", NOWHERE, host=settings.host)
        if settings.audit is None:
            yield diagnostic("E882.needs_audit", NOWHERE, host=settings.host)
    for folder in filter(None, (settings.runs, *settings.cases)):
        if not folder.exists():
            yield diagnostic("E886.not_there", Span(str(folder), 0, 0))
