"""The operator's pages: past runs, their rejects and lists, one person decided again.

In: requests. Out: pages. Invariant: whoever sees people of a run is in the audit.
"""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from mianshen.serve.answers import AnswerTexts
from mianshen.serve.identity import Identity
from mianshen.serve.pages import form_of, page
from mianshen.serve.runs import MOST_ROWS, STATUSES, due_list, rejects_of, replayed, run_view, runs_in
from mianshen.serve.service import allowed, folder_of, language_of, service_of

run_pages: Final = APIRouter(include_in_schema=False)
Operators = Annotated[Identity, Depends(allowed("operator"))]
Text = Annotated[str, Form()]


@run_pages.get("/runs")
async def runs(request: Request, identity: Operators) -> Response:  # noqa: ARG001
    folder = folder_of(service_of(request).settings.runs, "--runs")
    return page(request, "runs.html", runs=await run_in_threadpool(runs_in, folder))


@run_pages.get("/runs/{name}")
async def run(request: Request, name: str, identity: Operators) -> Response:  # noqa: ARG001
    folder = folder_of(service_of(request).settings.runs, "--runs")
    view = await run_in_threadpool(run_view, folder, name, language_of(request))
    return page(request, "run.html", run=view, order=STATUSES)


@run_pages.get("/runs/{name}/rejects")
async def rejects(request: Request, name: str, identity: Operators, code: str = "") -> Response:
    folder = folder_of(service_of(request).settings.runs, "--runs")
    rows = await run_in_threadpool(rejects_of, folder, name, code, language_of(request))
    service_of(request).note(identity, "rejects", [key for _, _, key, _ in rows])
    return page(request, "rejects.html", name=name, code=code, rows=rows, most=MOST_ROWS)


@run_pages.get("/runs/{name}/due/{benefit}")
async def due(
    request: Request, name: str, benefit: str, identity: Operators, area: str | None = None
) -> Response:
    folder = folder_of(service_of(request).settings.runs, "--runs")
    view = await run_in_threadpool(due_list, folder, name, benefit, area, language_of(request))
    service_of(request).note(identity, "list", [person for person, _, _ in view.rows])
    return page(request, "due.html", name=name, benefit=benefit, view=view, most=MOST_ROWS)


@run_pages.post("/runs/{name}/person")
async def person(
    request: Request, name: str, identity: Operators, form_key: Text = "", key: Text = ""
) -> Response:
    form_of(request, identity, form_key)
    folder = folder_of(service_of(request).settings.runs, "--runs")
    replay = await run_in_threadpool(replayed, folder, name, key.strip())
    service_of(request).note(identity, "replay", (replay.checked.result.key,))
    say = AnswerTexts(replay.checker, language_of(request))
    benefits = [say.benefit(replay.checked, result) for result in replay.checked.result.benefits.values()]
    return page(
        request, "person.html", name=name, key=replay.checked.result.key, benefits=benefits,
        rows=[say.row(row) for row in replay.checked.result.rows], replay=replay,
    )  # fmt: skip
