"""Serving: sockets, processes, TLS.

In: settings. Out: a server that runs until it is told to stop.
Invariants: settings that are not safe start nothing; a process that is killed is started again; the address is taken before
the processes part, so that one that is in use is told at once.
"""

from __future__ import annotations

import gc
import logging
import os
import signal
import socket
import ssl
import sys
import time
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from mianshen.catalogue import diagnostic
from mianshen.rulebook import open_program
from mianshen.serve.settings import Settings, check_safe
from mianshen.source import NOWHERE, RuleError

if TYPE_CHECKING:
    from fastapi import FastAPI

    from mianshen.serve.service import Shared

PACKAGES: Final = ("fastapi", "uvicorn", "multipart", "orjson")
_PAUSE: Final = 1.0  # seconds before a process that died at once is started again


def check_extra_installed() -> None:
    """RuleError where a package of the extra `serve` is not installed."""
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        raise RuleError([diagnostic("E884.no_extra", NOWHERE, package=missing[0])])


def refuse_unfit(settings: Settings) -> None:
    """Raises where the settings are not safe, or something that they name cannot be used: RuleError, OSError."""
    check_safe(settings)
    from mianshen.serve.audit import Audit
    from mianshen.serve.identity import Tokens
    from mianshen.serve.store import Store

    open_program(settings.rules, settings.overlays)
    if settings.tokens is not None:
        Tokens(settings.tokens)
    if settings.store is not None:
        Store(settings.store)
    if settings.audit is not None:
        os.close(Audit(settings.audit).handle)
    if settings.certificate is not None:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(
            settings.certificate, settings.key
        )


def address(settings: Settings) -> socket.socket:
    """The socket to serve on; port 0 takes a free one. Raises OSError where the address cannot be had."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((settings.host.strip("[]"), settings.port))
        listening.listen(1024)
    except OSError:
        listening.close()
        raise
    listening.set_inheritable(True)
    return listening


def url(settings: Settings, listening: socket.socket) -> str:
    """Where the server is reached."""
    host = f"[{settings.host.strip('[]')}]" if ":" in settings.host else settings.host
    return f"{'https' if settings.tls else 'http'}://{host}:{listening.getsockname()[1]}/"


def serve(settings: Settings, listening: socket.socket) -> None:
    """Serve until interrupted or terminated."""
    from mianshen.serve.app import create_app, shared_for

    shared = shared_for(settings)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(message)s")
    try:
        app = create_app(settings, shared)
        gc.collect()
        gc.freeze()  # the processes share what is there before they part, and never look through it again
        if settings.workers == 1 or not hasattr(os, "fork"):
            _work(settings, listening, shared, app)
        else:
            _supervise(settings, listening, shared, app)
    finally:
        shared.close()


def _work(settings: Settings, listening: socket.socket, shared: Shared, app: FastAPI) -> None:
    """Serve in this process."""
    import uvicorn

    from mianshen.serve.listener import SharedServer

    config = uvicorn.Config(
        app, log_config=None, log_level="warning", access_log=False, server_header=False, proxy_headers=False,
        lifespan="off", timeout_keep_alive=30, limit_concurrency=1000, timeout_graceful_shutdown=5,
        ssl_certfile=settings.certificate, ssl_keyfile=settings.key,
    )  # fmt: skip
    server = uvicorn.Server(config) if settings.workers == 1 else SharedServer(config, shared)
    server.run(sockets=[listening])


def _supervise(settings: Settings, listening: socket.socket, shared: Shared, app: FastAPI) -> None:
    """Keep the processes running; end them when this one is to end."""
    running: dict[int, int] = {}
    ending = False

    def end(*_: object) -> None:
        nonlocal ending
        ending = True
        for process in running:
            os.kill(process, signal.SIGTERM)

    for worker in range(settings.workers):
        running[_forked(settings, listening, shared, app, worker)] = worker
    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    while running:
        begun = time.monotonic()
        process, status = os.wait()
        worker = running.pop(process)
        if not ending and not os.WIFSIGNALED(status):  # it gave up by itself, and would again
            end()
        if ending:
            continue
        if time.monotonic() - begun < _PAUSE:
            time.sleep(_PAUSE)
        running[_forked(settings, listening, shared, app, worker)] = worker


def _forked(settings: Settings, listening: socket.socket, shared: Shared, app: FastAPI, worker: int) -> int:
    """The number of a new process that serves."""
    process = os.fork()
    if process:
        return process
    status = 1
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        shared.worker = shared.metrics.worker = worker
        _work(settings, listening, shared, app)
        status = 0
    finally:
        os._exit(status)
    return 0
