"""The application: routes, errors and what stands around them.

In: settings, what the server's processes share. Out: an ASGI app.
Invariants: no page and no error shows a traceback; every error of the API is problem details.
"""

from __future__ import annotations

import logging
from multiprocessing.sharedctypes import RawArray
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import Response
from starlette.routing import Route

from mianshen.serve import openapi
from mianshen.serve.api import api
from mianshen.serve.case_pages import case_pages
from mianshen.serve.counter_pages import counter_pages
from mianshen.serve.metrics import Metrics
from mianshen.serve.pages import pages, problem_page
from mianshen.serve.policy_pages import policy_pages
from mianshen.serve.problems import Kind, Problem, kind_of
from mianshen.serve.run_pages import run_pages
from mianshen.serve.service import Service, Shared, language_of
from mianshen.serve.settings import Settings
from mianshen.serve.shield import LOG, Shield, TooLarge
from mianshen.source import Message, RuleError
from mianshen.version import __version__

ROUTERS: Final = (api, pages, counter_pages, case_pages, run_pages, policy_pages)
_KINDS: Final[dict[int, Kind]] = {
    400: "unreadable",
    404: "not_found",
    405: "wrong_method",
    413: "too_large",
    415: "wrong_type",
}


def shared_for(settings: Settings) -> Shared:
    """What the processes of a server have in common; made once, before they part."""
    routes = [route.path for router in ROUTERS for route in router.routes if isinstance(route, Route)]
    return Shared(Metrics(settings.workers, routes), RawArray("I", settings.workers))


def create_app(settings: Settings, shared: Shared | None = None) -> FastAPI:
    """The app, made before processes part. Raises RuleError where the rulebook or the tokens cannot be read."""
    shared = shared_for(settings) if shared is None else shared
    app = FastAPI(
        title="Mianshen", version=__version__, docs_url=None, redoc_url=None, openapi_url=None,
        redirect_slashes=False, middleware=[Middleware(Shield, settings=settings, metrics=shared.metrics)],
    )  # fmt: skip
    service = Service(settings, shared)
    app.state.service = service
    for router in ROUTERS:
        app.include_router(router)
    described = openapi.document(app, service.office.program, settings.tokens is not None)

    @app.get("/openapi.json", include_in_schema=False)
    async def openapi_document() -> dict[str, Any]:
        return described

    app.add_exception_handler(Exception, _failed)
    for kind in (Problem, RuleError, RequestValidationError, HTTPException, TooLarge):
        app.add_exception_handler(kind, _refused)
    return app


def problem_of(error: Exception) -> Problem:
    """What a client is told of an error."""
    match error:
        case Problem():
            return error
        case RuleError():
            return Problem(kind_of(error.diagnostics), None, error.diagnostics)
        case TooLarge():
            return Problem("too_large", headers={"connection": "close"})
        case RequestValidationError():
            names = ", ".join(str(part["loc"][-1]) for part in error.errors())
            return Problem("bad_parameter", Message(names, names))
        case HTTPException():
            kind = _KINDS.get(error.status_code, "not_found")
            return Problem(kind, headers=dict(error.headers or {}))
        case _:
            return Problem("internal")


async def _refused(request: Request, error: Exception) -> Response:
    return _told(request, problem_of(error))


def _told(request: Request, problem: Problem) -> Response:
    """A page where a browser asks, else problem details."""
    if "text/html" in request.headers.get("accept", ""):
        return problem_page(request, problem)
    return problem.response(language_of(request))


async def _failed(request: Request, error: Exception) -> Response:
    """An error of our own: the log has its kind and place, never a value."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{trace.tb_frame.f_globals.get('__name__')}:{trace.tb_lineno}" if trace else "?"
    LOG.log(logging.ERROR, "internal error: %s at %s", type(error).__name__, place)
    return _told(request, problem_of(error))
