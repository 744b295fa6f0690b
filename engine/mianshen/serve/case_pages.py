"""The pages of kept cases: search, one with its history, kept, opened again, deleted.

In: forms. Out: pages. Invariant: whoever sees a list or a case is in the audit.
"""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import RedirectResponse, Response

from mianshen.serve.counter import Counter, Sent
from mianshen.serve.counter_pages import sent_form, step
from mianshen.serve.identity import Identity
from mianshen.serve.pages import form_of, page
from mianshen.serve.problems import Problem
from mianshen.serve.service import allowed, language_of, service_of, unavailable
from mianshen.serve.store import MOST_SHOWN, Store, StoredCase

case_pages: Final = APIRouter(include_in_schema=False)
Counters = Annotated[Identity, Depends(allowed("counter"))]
Text = Annotated[str, Form()]


def _store(request: Request) -> Store:
    store = service_of(request).store
    if store is None:
        raise unavailable("--store")
    return store


def _case(request: Request, number: int) -> StoredCase:
    try:
        return _store(request).case(number)
    except KeyError:
        raise Problem("not_found") from None


@case_pages.get("/cases")
async def cases(request: Request, identity: Counters, q: str = "") -> Response:
    stored = _store(request).search(q)
    service_of(request).note(identity, "search", [case.person for case in stored])
    return page(request, "cases.html", cases=stored, q=q, most=MOST_SHOWN)


@case_pages.post("/cases")
async def keep(request: Request, identity: Counters) -> Response:
    store, sent, lang = _store(request), await sent_form(request, identity), language_of(request)
    record, person = await service_of(request).slowly(lambda office: _kept(Counter(office, sent, lang)))
    try:
        number = store.keep(person, sent.label, record, sent.benefits, identity.name, sent.case)
    except KeyError:
        raise Problem("not_found") from None
    service_of(request).note(identity, "keep", (person,))
    return RedirectResponse(f"/cases/{number}", 303)


def _kept(counter: Counter) -> tuple[str, str]:
    return counter.view().record, counter.story.case.person.key


@case_pages.get("/cases/{number}")
async def case(request: Request, number: int, identity: Counters) -> Response:
    stored = _case(request, number)
    service_of(request).note(identity, "case", (stored.person,))
    return page(request, "case.html", case=stored)


@case_pages.post("/cases/{number}/open")
async def open_case(
    request: Request,
    number: int,
    identity: Counters,
    form_key: Text = "",
    version: Annotated[int, Form()] = 0,
) -> Response:
    form_of(request, identity, form_key)
    stored = _case(request, number)
    chosen = next((item for item in stored.versions if item.number == version), None)
    if chosen is None:
        raise Problem("not_found")
    return await step(
        request, identity, Sent(chosen.record, chosen.benefits, label=stored.label, case=number)
    )


@case_pages.post("/cases/{number}/delete")
async def delete_case(request: Request, number: int, identity: Counters, form_key: Text = "") -> Response:
    form_of(request, identity, form_key)
    stored = _case(request, number)
    service_of(request).note(identity, "delete", (stored.person,))
    _store(request).delete(number)
    return RedirectResponse("/cases", 303)
