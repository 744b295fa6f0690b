"""What stands around every route: limits, checks, headers, counts and the log.

In: ASGI requests. Out: the app's responses with security headers; refusals as problem details.
Invariants: a request for a host that is not ours, or from a page of another site, reaches no route (DNS rebinding,
forged requests); a body is read to its limit and no further; the log has method, route, status and time, never a path,
a query, a body or an address within a record.
"""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mianshen.serve.metrics import OTHER, Metrics
from mianshen.serve.problems import Kind, Problem
from mianshen.serve.settings import MOST_BYTES, Settings

LOG: Final = logging.getLogger("mianshen.serve")
SAFE: Final = ("GET", "HEAD", "OPTIONS")
HEADERS: Final = {
    "content-security-policy": "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cache-control": "no-store",
}
HSTS: Final = "max-age=31536000"
BURST: Final = 4  # seconds' worth of requests that may come at once
MOST_CLIENTS: Final = 10_000


class TooLarge(Exception):
    """A body goes on past its limit."""


class Buckets:
    """How many requests each address may still send."""

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def takes(self, client: str, cost: float = 1) -> bool:
        """Whether a request may come now; counts it if so."""
        now, most = time.monotonic(), self.rate * BURST
        level, since = self._levels.pop(client, (float(most), now))
        level = min(most, level + (now - since) * self.rate)
        allowed = level >= cost
        self._levels[client] = (level - cost if allowed else level, now)
        if len(self._levels) > MOST_CLIENTS:
            self._levels.popitem(last=False)
        return allowed


class Shield:
    """The middleware; outermost."""

    def __init__(self, app: ASGIApp, settings: Settings, metrics: Metrics) -> None:
        self.app = app
        self.settings = settings
        self.metrics = metrics
        self.hosts = settings.known_hosts
        headers = HEADERS | ({"strict-transport-security": HSTS} if settings.tls else {})
        self.headers = [(name.encode("ascii"), value.encode("ascii")) for name, value in headers.items()]
        self.buckets = None if settings.tokens is None else Buckets(settings.rate)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return
        begun, status = time.perf_counter(), 500

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], *self._added(message["headers"])]
            await send(message)

        try:
            refusal = self._refusal(scope)
            if refusal is not None:
                await Problem(refusal).response(self.settings.lang)(scope, receive, sending)
            else:
                await self.app(scope, _limited(receive), sending)
        finally:
            self._count(scope, status, time.perf_counter() - begun)

    def _refusal(self, scope: Scope) -> Kind | None:
        """Why a request reaches no route."""
        headers = Headers(scope=scope)
        host = headers.get("host", "").lower()
        if _name(host) not in self.hosts:
            return "wrong_host"
        if scope["method"] not in SAFE and self._other_site(headers, host):
            return "other_site"
        length = headers.get("content-length", "0")
        if not length.isascii() or not length.isdigit() or int(length) > MOST_BYTES:
            return "too_large"
        client = scope.get("client")
        if self.buckets is not None and not self.buckets.takes(client[0] if client else ""):
            return "too_many"
        return None

    def _other_site(self, headers: Headers, host: str) -> bool:
        """Whether a page of another site sends the request."""
        if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            return True
        origin = headers.get("origin")
        scheme = "https" if self.settings.tls else "http"
        return origin is not None and origin.lower() != f"{scheme}://{host}"

    def _added(self, headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        """The headers that a response gets beside its own."""
        own = {name.lower() for name, _ in headers}
        return [header for header in self.headers if header[0] not in own]

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", OTHER)
        self.metrics.count(route, status, seconds)
        identity = scope.get("state", {}).get("identity")
        if status >= 400 or self.settings.tokens is not None:
            name = "-" if identity is None else identity.name
            LOG.info("%s %s %d %.1fms %s", scope["method"], route, status, seconds * 1000, name)


def _name(host: str) -> str:
    """The name in a `Host` header, without its port."""
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() else host


def _limited(receive: Receive) -> Receive:
    """Receives a body up to its limit; raises TooLarge past it."""
    count = 0

    async def receiving() -> Message:
        nonlocal count
        message = await receive()
        count += len(message.get("body", b""))
        if count > MOST_BYTES:
            raise TooLarge
        return message

    return receiving
