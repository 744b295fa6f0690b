"""The counter's routes: begin, answer, open, save, print.

In: forms. Out: the page of the next question, the record as a file, the notice.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from starlette.datastructures import FormData, UploadFile
from starlette.responses import Response

from mianshen.casework.interview import askable_benefits
from mianshen.casework.notice import Subject, notice_of
from mianshen.casework.notice.paper import to_html
from mianshen.document.yaml_tree import read_tree
from mianshen.program.literals import read_date
from mianshen.serve.counter import RECORD, Counter, CounterView, Sent
from mianshen.serve.identity import Identity
from mianshen.serve.notices import page_response
from mianshen.serve.office import Office
from mianshen.serve.pages import form_of, page
from mianshen.serve.problems import Problem
from mianshen.serve.service import allowed, language_of, service_of
from mianshen.serve.settings import MOST_BYTES
from mianshen.source import Lang, Message, RuleError

counter_pages: Final = APIRouter(include_in_schema=False)
MOST_RECORD: Final = MOST_BYTES - (
    1 << 16
)  # bytes of a record that a form sends back beside its other fields
_TOO_LONG: Final = Message(
    "页面上的核定材料不能超过 {most} KB，请用 mianshen check 核定",
    "The pages take a record of at most {most} KB. Decide it with mianshen check",
)
Counters = Annotated[Identity, Depends(allowed("counter"))]


@counter_pages.get("/counter")
async def counter_form(request: Request, identity: Counters) -> Response:  # noqa: ARG001
    return _start(request)


@counter_pages.post("/counter")
async def counter_step(request: Request, identity: Counters) -> Response:
    sent = await sent_form(request, identity)
    return await step(request, identity, sent)


@counter_pages.post("/counter/open")
async def counter_open(request: Request, identity: Counters) -> Response:
    async with request.form(max_files=1, max_fields=10) as form:
        form_of(request, identity, _text(form, "form_key"))
        file = form.get("file")
        if not isinstance(file, UploadFile) or not file.filename:
            return _start(request)
        content = await file.read()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        _, findings = read_tree(content, RECORD)
        raise RuleError(findings) from None
    return await step(request, identity, Sent(text if text.strip() else "{}"))


@counter_pages.post("/counter/record")
async def counter_record(request: Request, identity: Counters) -> Response:
    sent, lang = await sent_form(request, identity), language_of(request)
    text = await service_of(request).slowly(lambda office: Counter(office, sent, lang).record())
    name = f"record-{dt.datetime.now().astimezone():%Y-%m-%d-%H%M}.yaml"
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(text, media_type="application/yaml; charset=utf-8", headers=headers)


@counter_pages.post("/counter/notice")
async def counter_notice(request: Request, identity: Counters) -> Response:
    sent, lang = await sent_form(request, identity), language_of(request)

    def written(office: Office) -> tuple[str, str]:
        counter = Counter(office, sent, lang)
        benefit, claim = (sent.object, None) if sent.verb == "notice" else (None, sent.object)
        root, findings = read_tree(counter.record(), RECORD)
        if root is None:
            raise RuleError(findings)
        checker, checked = office.one(root)
        content = notice_of(checker, checked, Subject(benefit, claim, RECORD), lang)
        return to_html(content), checked.result.key

    html, person = await service_of(request).slowly(written)
    service_of(request).note(identity, "notice", (person,))
    return page_response(html)


# -- one step --------------------------------------------------------------------------------------


async def step(request: Request, identity: Identity, sent: Sent) -> Response:
    """The page after one action."""
    service, lang = service_of(request), language_of(request)
    view = await service.slowly(lambda office: _view(office, sent, lang))
    if (
        len(view.record.encode()) + view.record.count("\n") > MOST_RECORD
    ):  # a browser ends lines by two characters
        raise Problem("too_large", _TOO_LONG.filled(most=f"{MOST_RECORD >> 10:,}"))
    service.note(identity, "counter", (view.person,))
    return page(request, "counter.html", view=view, stores=service.settings.store is not None)


def _view(office: Office, sent: Sent, lang: Lang) -> CounterView:
    return Counter(office, sent, lang).view()


def _start(request: Request) -> Response:
    service, lang = service_of(request), language_of(request)
    benefits = [
        (name, item.title.in_(lang)) for name, item in askable_benefits(service.office.program).items()
    ]
    today = service.office.today().isoformat()
    return page(request, "start.html", benefits=benefits, today=today)


async def sent_form(request: Request, identity: Identity) -> Sent:
    """The counter's form. Raises a Problem where it is not ours."""
    form = await request.form(max_files=0, max_fields=400, max_part_size=MOST_BYTES)
    form_of(request, identity, _text(form, "form_key"))
    day = _text(form, "as_of").strip()
    as_of = read_date(day) if day else None
    if day and as_of is None:
        raise Problem("bad_parameter")
    return Sent(
        record=_text(form, "record"),
        benefits=tuple(str(name) for name in form.getlist("benefits")),
        action=_text(form, "action"),
        place=_text(form, "place"),
        answers=tuple(str(answer) for answer in form.getlist("answer")),
        as_of=as_of,
        person=_text(form, "person"),
        label=_text(form, "label").strip(),
        case=int(number)
        if (number := _text(form, "case")).isascii() and number.isdigit() and len(number) < 16
        else None,
    )


def _text(form: FormData, name: str) -> str:
    value = form.get(name)
    return value if isinstance(value, str) else ""
