"""What the pages share: templates, signing in and out, the language, the style sheet.

In: requests of browsers. Out: HTML without scripts.
Invariants: a form carries a key that no page of another site knows; whoever is not signed in is sent to do so; a way
back is a path of ours.
"""

from __future__ import annotations

import datetime as dt
import hmac
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final

import jinja2
from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from mianshen.casework.wording import BASIS, STATUS
from mianshen.page_style import STYLE
from mianshen.serve.identity import Identity, Role, form_key
from mianshen.serve.problems import Problem
from mianshen.serve.service import (
    COOKIE,
    LANG_COOKIE,
    Service,
    allowed,
    identity_of,
    language_of,
    service_of,
    unavailable,
)
from mianshen.serve.words import texts
from mianshen.templates import templates

pages: Final = APIRouter(include_in_schema=False)
_HERE: Final = Path(__file__).parent / "templates"
_SECTIONS: Final[tuple[tuple[str, str, Role], ...]] = (
    ("counter", "/counter", "counter"),
    ("cases", "/cases", "counter"),
    ("runs", "/runs", "operator"),
    ("policy", "/policy", "policy"),
)
Anyone = Annotated[Identity, Depends(allowed())]
Text = Annotated[str, Form()]


@cache
def _environment() -> jinja2.Environment:
    environment = templates(_HERE)
    environment.filters["clock"] = _clock
    return environment


def _clock(moment: str) -> str:
    """A moment of the store, which is UTC, by the clock where the server stands."""
    return f"{dt.datetime.fromisoformat(moment).astimezone():%Y-%m-%d %H:%M}"


def sections(service: Service, identity: Identity | None) -> list[tuple[str, str]]:
    """The pages that somebody may open and that the server was started with."""
    settings = service.settings
    there = {"cases": settings.store, "runs": settings.runs}
    roles = frozenset() if identity is None else identity.roles
    return [
        (name, path) for name, path, role in _SECTIONS if role in roles and there.get(name, path) is not None
    ]


def page(request: Request, template: str, status: int = 200, **content: Any) -> HTMLResponse:
    """A page from its template, in the request's language."""
    service, lang = service_of(request), language_of(request)
    identity = getattr(request.state, "identity", None)
    content |= {
        "lang": lang,
        "t": texts(lang),
        "statuses": {name: words.in_(lang) for name, words in STATUS.items()},
        "bases": {name: words.in_(lang) for name, words in BASIS.items()},
        "sections": sections(service, identity),
        "here": request.url.path,
        "signed_in": identity is not None and bool(identity.session),
        "form_key": "" if identity is None else form_key(service.shared.secret, identity),
    }
    return HTMLResponse(_environment().get_template(template).render(content), status)


def form_of(request: Request, identity: Identity, key: str) -> None:
    """Raises a Problem where a form does not carry its key."""
    if not hmac.compare_digest(key.encode(), form_key(service_of(request).shared.secret, identity).encode()):
        raise Problem("no_session")


def problem_page(request: Request, problem: Problem) -> Response:
    """A problem as a page; who is not signed in is sent to do so."""
    if problem.kind == "no_token":
        return RedirectResponse(f"/login?next={_own(request.url.path)}", 303)
    return page(request, "problem.html", problem.status, lines=problem.lines(language_of(request)))


@pages.get("/")
async def home(request: Request, identity: Anyone) -> Response:
    open_to = sections(service_of(request), identity)
    if not open_to:  # of an operator, where there are no runs to look at
        raise unavailable("--runs")
    return RedirectResponse(open_to[0][1], 303)


@pages.get("/style.css")
async def style() -> Response:
    return Response(STYLE, media_type="text/css", headers={"cache-control": "public, max-age=600"})


@pages.get("/language/{lang}")
async def choose_language(lang: str, next: str = "/") -> Response:  # noqa: A002  # the parameter's name
    response = RedirectResponse(_own(next), 303)
    response.set_cookie(
        LANG_COOKIE, "zh" if lang == "zh" else "en", max_age=31_536_000, samesite="strict", httponly=True
    )
    return response


@pages.get("/login")
async def login_form(request: Request, next: str = "/") -> Response:  # noqa: A002  # the parameter's name
    return page(request, "login.html", next=_own(next), wrong=False)


@pages.post("/login")
async def login(request: Request, token: Text = "", next: Text = "/") -> Response:  # noqa: A002
    service = service_of(request)
    identity = None if service.tokens is None else service.tokens.of(token.strip())
    if identity is None:
        return page(request, "login.html", 403, next=_own(next), wrong=True)
    response = RedirectResponse(_own(next), 303)
    response.set_cookie(
        COOKIE,
        service.sessions.begin(identity),
        httponly=True,
        samesite="strict",
        secure=service.settings.tls,
    )
    return response


@pages.post("/logout")
async def logout(request: Request, form_key: Text = "") -> Response:
    identity = identity_of(request)
    if identity is not None and identity.session:
        form_of(request, identity, form_key)
        service_of(request).sessions.end(identity.session)
    response = RedirectResponse("/login", 303)
    response.delete_cookie(COOKIE)
    return response


def _own(path: str) -> str:
    """A path of this server; the front page for anything else."""
    own = path.startswith("/") and not path.startswith("//") and "\\" not in path and path.isprintable()
    return path if own else "/"
