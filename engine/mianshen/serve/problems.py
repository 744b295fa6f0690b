"""Errors as problem details (RFC 9457).

In: a kind of problem, or diagnostics. Out: a response `application/problem+json` with status, title and detail, and the
diagnostics with their codes and places.
Invariant: nothing of a record but what its diagnostics repeat, and of an internal error only its kind and place.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import PurePath
from typing import Any, Final, Literal, TypeAlias

from starlette.responses import Response

from mianshen.source import Diagnostic, Lang, Message, Span

Kind: TypeAlias = Literal[
    "unreadable", "bad_parameter", "no_token", "wrong_role", "other_site", "no_session", "not_found", "wrong_method",
    "conflict", "too_large", "wrong_type", "wrong_host", "too_many", "unavailable", "internal",
]  # fmt: skip
MEDIA_TYPE: Final = "application/problem+json"
TITLES: Final[Mapping[Kind, tuple[int, Message]]] = {
    "unreadable": (422, Message("请求无法读取", "The request cannot be read")),
    "bad_parameter": (422, Message("请求的参数有误", "A parameter of the request is wrong")),
    "no_token": (401, Message("需要令牌", "A token is needed")),
    "no_session": (403, Message("页面已过期，请重新打开", "The page has expired. Open it again")),
    "wrong_role": (403, Message("没有权限", "This role may not do that")),
    "other_site": (403, Message("请求来自其他网站", "The request comes from another site")),
    "not_found": (404, Message("没有这一项", "There is no such thing")),
    "conflict": (
        409,
        Message("请求与核定材料或规则库不符", "The request does not fit the record or the rulebook"),
    ),
    "wrong_method": (405, Message("不支持这种请求方法", "The method is not supported here")),
    "too_large": (413, Message("请求过大", "The request is too large")),
    "wrong_type": (415, Message("请求的格式不受支持", "The media type is not supported")),
    "wrong_host": (421, Message("主机名不是本服务的", "The host is not this server's")),
    "too_many": (429, Message("请求过于频繁", "Too many requests")),
    "unavailable": (404, Message("服务未启用此功能", "The server was started without this")),
    "internal": (500, Message("内部错误，请报告", "Internal error. Please report it")),
}


_ABSENT: Final = frozenset({"E741", "E770", "E892"})
_UNFIT: Final = frozenset(
    f"E{number}"
    for number in (702, 703, 704, 705, 706, 707, 708, 711, 712, 742, 743, 748, 749, 771, 772, 773)
)


def kind_of(diagnostics: Iterable[Diagnostic]) -> Kind:
    """What diagnostics make of a request: it cannot be read, names what is not there, or does not fit what is."""
    codes = {diagnostic.code for diagnostic in diagnostics}
    if codes <= _ABSENT:
        return "not_found"
    return "conflict" if codes <= _UNFIT | _ABSENT else "unreadable"


class Problem(Exception):
    """A request that is refused."""

    def __init__(
        self,
        kind: Kind,
        detail: Message | None = None,
        diagnostics: Iterable[Diagnostic] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(kind)
        self.kind = kind
        self.status = TITLES[kind][0]
        self.detail = detail
        self.diagnostics = tuple(map(_without_folders, diagnostics))
        self.headers = dict(headers or {})

    def lines(self, lang: Lang) -> list[str]:
        """What is wrong, a line for each diagnostic; without any, the title and the detail."""
        if self.diagnostics:
            return [_line(diagnostic, lang) for diagnostic in self.diagnostics]
        parts = (TITLES[self.kind][1], self.detail)
        return [part.in_(lang) for part in parts if part is not None]

    def plain(self, lang: Lang) -> dict[str, Any]:
        """The problem's details as data."""
        content: dict[str, Any] = {
            "type": f"urn:mianshen:problem:{self.kind}",
            "title": TITLES[self.kind][1].in_(lang),
            "status": self.status,
            "detail": "\n".join(self.lines(lang)),
        }
        if self.diagnostics:
            content["diagnostics"] = [_plain(diagnostic, lang) for diagnostic in self.diagnostics]
        return content

    def response(self, lang: Lang) -> Response:
        """The problem as a response."""
        text = json.dumps(self.plain(lang), ensure_ascii=False)
        return Response(text, self.status, self.headers, MEDIA_TYPE)


def _without_folders(diagnostic: Diagnostic) -> Diagnostic:
    """The diagnostic with files of the server named by their last folder alone: where they lie is nobody's concern."""
    also = tuple((_named(span), words) for span, words in diagnostic.also)
    return replace(diagnostic, span=_named(diagnostic.span), also=also)


def _named(span: Span) -> Span:
    file = PurePath(span.file)
    return replace(span, file="/".join(file.parts[-2:])) if file.is_absolute() else span


def _plain(diagnostic: Diagnostic, lang: Lang) -> dict[str, Any]:
    span = diagnostic.span
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity,
        "place": str(span),
        "line": span.line or None,
        "column": span.column or None,
        "what": diagnostic.what.plain,
        "fix": diagnostic.fix.plain,
        "message": _line(diagnostic, lang),
    }


def _line(diagnostic: Diagnostic, lang: Lang) -> str:
    """The diagnostic on a line; what stands nowhere has no place."""
    return diagnostic.show(lang).removeprefix(": ")
