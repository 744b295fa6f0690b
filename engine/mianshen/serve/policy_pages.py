"""The policy desk's pages: figures, one of them over time, a change tried on cases and on a past run's people.

In: requests. Out: pages; the overlay as a file.
"""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import FileResponse, Response

from mianshen.proof import solver_present
from mianshen.serve.identity import Identity
from mianshen.serve.notices import page_response
from mianshen.serve.pages import form_of, page
from mianshen.serve.policy import figure_lines, figure_view, overlay_text, population_page, properties
from mianshen.serve.problems import Problem
from mianshen.serve.runs import runs_in
from mianshen.serve.service import Service, allowed, folder_of, language_of, service_of
from mianshen.source import Message, RuleError

policy_pages: Final = APIRouter(include_in_schema=False)
Policies = Annotated[Identity, Depends(allowed("policy"))]
Text = Annotated[str, Form()]
_OF_DOCS: Final = (
    "default-src 'none'; style-src 'self' 'unsafe-inline'; script-src 'self'; img-src 'self' data:; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)


@policy_pages.get("/policy")
async def figures(request: Request, identity: Policies, q: str = "") -> Response:  # noqa: ARG001
    service = service_of(request)
    lines = figure_lines(service.office.program, service.office.today(), q, language_of(request))
    return page(request, "policy.html", figures=lines, q=q, docs=service.settings.docs is not None)


@policy_pages.get("/policy/docs/{path:path}")
async def docs(request: Request, path: str, identity: Policies) -> Response:  # noqa: ARG001
    """A page of the folder that `mianshen docs` wrote; its own script searches, and nothing else runs."""
    folder = folder_of(service_of(request).settings.docs, "--docs").resolve()
    file = (folder / path).resolve()
    file = file / "index.html" if file.is_dir() else file
    if not file.is_relative_to(folder) or not file.is_file():
        raise Problem("not_found")
    return FileResponse(file, headers={"content-security-policy": _OF_DOCS})


@policy_pages.get("/policy/properties")
async def stated(request: Request, identity: Policies) -> Response:  # noqa: ARG001
    views = properties(service_of(request).office.program, language_of(request))
    return page(request, "properties.html", properties=views, solver=solver_present())


@policy_pages.post("/policy/properties")
async def proved(request: Request, identity: Policies, form_key: Text = "", name: Text = "") -> Response:
    form_of(request, identity, form_key)
    if not solver_present():
        raise Problem("unavailable", Message("请先安装 mianshen[proof]", "Install mianshen[proof] first"))
    lang = language_of(request)
    views = await service_of(request).slowly(lambda office: properties(office.program, lang, name))
    return page(request, "properties.html", properties=views, solver=True)


@policy_pages.get("/policy/figures/{name}")
async def figure(request: Request, name: str, identity: Policies) -> Response:  # noqa: ARG001
    service = service_of(request)
    view = figure_view(service.office.program, name, language_of(request))
    return page(request, "figure.html", figure=view, today=service.office.today().isoformat())


@policy_pages.post("/policy/figures/{name}")
async def change(
    request: Request, name: str, identity: Policies, form_key: Text = "", start: Text = "", value: Text = "",
    clause: Text = "",
) -> Response:  # fmt: skip
    form_of(request, identity, form_key)
    parameter = service_of(request).office.program.parameters.get(name)
    if parameter is None:
        raise Problem("not_found")
    return await _tried(request, overlay_text(parameter, start, value, clause))


@policy_pages.post("/policy/try")
async def tried(request: Request, identity: Policies, form_key: Text = "", overlay: Text = "") -> Response:
    form_of(request, identity, form_key)
    return await _tried(request, overlay.replace("\r\n", "\n"))


@policy_pages.post("/policy/overlay")
async def download(request: Request, identity: Policies, form_key: Text = "", overlay: Text = "") -> Response:
    form_of(request, identity, form_key)
    headers = {"content-disposition": 'attachment; filename="overlay.yaml"'}
    return Response(
        overlay.replace("\r\n", "\n"), media_type="application/yaml; charset=utf-8", headers=headers
    )


@policy_pages.post("/policy/population")
async def population(
    request: Request, identity: Policies, form_key: Text = "", overlay: Text = "", run: Text = ""
) -> Response:
    form_of(request, identity, form_key)
    settings, lang = service_of(request).settings, language_of(request)
    folder = folder_of(settings.runs, "--runs")
    text = overlay.replace("\r\n", "\n")
    content = await run_in_threadpool(
        population_page, settings.rules, settings.overlays, text, folder, run, lang
    )
    return page_response(content, attributes=True)


async def _tried(request: Request, overlay: str) -> Response:
    """The page of an overlay: its text, what is wrong with it or which cases it moves."""
    service, lang = service_of(request), language_of(request)
    problems, moved = [], None
    try:
        cases = service.settings.cases
        moved = await service.slowly(lambda office: office.moved_by(overlay, (), cases))
    except (RuleError, Problem) as error:
        problems = Problem("conflict", None, error.diagnostics).lines(lang)
    return page(
        request, "try.html", 422 if problems else 200, overlay=overlay, problems=problems, moved=moved,
        runs=await run_in_threadpool(_runs, service),
    )  # fmt: skip


def _runs(service: Service) -> list[str]:
    """The past runs whose people a change can be tried on."""
    return (
        [] if service.settings.runs is None else [line.name for line in runs_in(service.settings.runs).lines]
    )
