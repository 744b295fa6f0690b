"""The HTTP API: records in, answers out, as the commands print them.

In: JSON. Out: JSON, or problem details. Invariant: each route names the roles that may call it.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Annotated, Any, Final, Literal

import orjson
from fastapi import APIRouter, Depends, Query, Request
from fastapi.routing import APIRoute
from starlette.responses import Response

from mianshen.casework.notice.paper import refuse_unfit, to_html, to_pdf
from mianshen.program.literals import read_date
from mianshen.serve import openapi
from mianshen.serve.figures import figure_of, figures_of, rulebook_of
from mianshen.serve.identity import Identity
from mianshen.serve.notices import page_response
from mianshen.serve.office import Answered
from mianshen.serve.problems import Problem
from mianshen.serve.service import LangParameter, allowed, language_of, service_of
from mianshen.source import Message
from mianshen.version import __version__


class PlainRoute(APIRoute):
    """A route that, where a request names no parameter, is called without FastAPI's working out of parameters."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        working_out = super().get_route_handler()
        identified = [part.call for part in self.dependant.dependencies]

        async def handled(request: Request) -> Response:
            if request.scope["query_string"] or request.path_params or not identified:
                return await working_out(request)
            response: Response = await self.endpoint(request, await identified[0](request))  # type: ignore[misc]
            return response

        return handled


api: Final = APIRouter(route_class=PlainRoute)
Counter = Annotated[Identity, Depends(allowed("counter"))]
Operator = Annotated[Identity, Depends(allowed("operator"))]
Policy = Annotated[Identity, Depends(allowed("policy"))]
Anyone = Annotated[Identity, Depends(allowed())]
DayParameter = Annotated[
    str | None, Query(description="the decision date", json_schema_extra={"format": "date"})
]


def answer(content: Any) -> Response:
    return Response(orjson.dumps(content), media_type="application/json")


def _seen(request: Request, identity: Identity, action: str, answered: Answered) -> Response:
    """The answer, once it is recorded whom it is about."""
    service_of(request).note(identity, action, answered.people)
    return answer(answered.content)


@api.post("/check", **openapi.operation("check", body="CheckRequest", answer="CheckAnswer"))
async def check(
    request: Request,
    identity: Counter,
    lang: LangParameter = None,  # noqa: ARG001  # read from the request
    as_of: DayParameter = None,
    explain: Literal["true", "false"] = "false",
) -> Response:
    day = None if as_of is None else read_date(as_of)
    if as_of is not None and day is None:
        raise Problem("bad_parameter", Message("as_of 不是日期", "as_of is not a date"))
    body = await request.body()
    answered = service_of(request).office.check(body, language_of(request), day, explain == "true")
    return _seen(request, identity, "check", answered)


@api.post("/next", **openapi.operation("next", body="NextRequest", answer="NextAnswer"))
async def next_question(request: Request, identity: Counter, lang: LangParameter = None) -> Response:  # noqa: ARG001
    body, spoken = await request.body(), language_of(request)
    answered = await service_of(request).slowly(lambda office: office.next(body, spoken))
    return _seen(request, identity, "next", answered)


@api.post(
    "/redetermine", **openapi.operation("redetermine", body="RedetermineRequest", answer="RedetermineAnswer")
)
async def redetermine(request: Request, identity: Counter, lang: LangParameter = None) -> Response:  # noqa: ARG001
    body = await request.body()
    answered = await service_of(request).slowly(lambda office: office.redetermine(body))
    return _seen(request, identity, "redetermine", answered)


@api.post("/notice", **openapi.operation("notice", body="NoticeRequest", answer=None))
async def notice(request: Request, identity: Counter, lang: LangParameter = None) -> Response:  # noqa: ARG001
    body, spoken = await request.body(), language_of(request)
    as_pdf = "application/pdf" in request.headers.get("accept", "")
    if as_pdf:
        refuse_unfit(openapi.A_PDF)

    def written(office: Any) -> tuple[str | bytes, str]:
        content, person = office.notice(body, spoken)
        return (to_pdf(content) if as_pdf else to_html(content)), person

    content, person = await service_of(request).slowly(written)
    service_of(request).note(identity, "notice", (person,))
    return (
        Response(content, media_type="application/pdf")
        if isinstance(content, bytes)
        else page_response(content)
    )


@api.post("/compare", **openapi.operation("compare", body="CompareRequest", answer="CompareAnswer"))
async def compare(request: Request, identity: Policy, lang: LangParameter = None) -> Response:  # noqa: ARG001
    body, service = await request.body(), service_of(request)
    answered = await service.slowly(lambda office: office.moved(body, service.settings.cases))
    return _seen(request, identity, "compare", answered)


@api.get("/rulebook", **openapi.operation("rulebook", body=None, answer="Rulebook"))
async def rulebook(request: Request, identity: Anyone, lang: LangParameter = None) -> Response:  # noqa: ARG001
    return answer(rulebook_of(service_of(request).office.program))


@api.get("/rulebook/figures", **openapi.operation("figures", body=None, answer="Figures"))
async def figures(request: Request, identity: Anyone, lang: LangParameter = None) -> Response:  # noqa: ARG001
    return answer(figures_of(service_of(request).office.program))


@api.get("/rulebook/figures/{name}", **openapi.operation("figure", body=None, answer="Figure", missing=True))
async def figure(request: Request, name: str, identity: Anyone, lang: LangParameter = None) -> Response:  # noqa: ARG001
    return answer(figure_of(service_of(request).office.program, name))


@api.get("/health", **openapi.operation("health", body=None, answer="Health", open_=True))
async def health(request: Request) -> Response:
    program = service_of(request).office.program
    return answer({"status": "ok", "version": __version__, "rulebook": f"sha256:{program.digest}"})


@api.get("/metrics", **openapi.operation("metrics", body=None, answer=None))
async def metrics(request: Request, identity: Operator) -> Response:  # noqa: ARG001
    text = service_of(request).shared.metrics.text()
    return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")
