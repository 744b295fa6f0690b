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
from mianshen.wording import wording

Kind: TypeAlias = Literal[
    "unreadable", "bad_parameter", "no_token", "wrong_role", "other_site", "no_session", "not_found", "wrong_method",
    "conflict", "too_large", "wrong_type", "wrong_host", "too_many", "unavailable", "internal",
]  # fmt: skip
MEDIA_TYPE: Final = "application/problem+json"
TITLES: Final = wording.group("problems")
STATUS: Final[Mapping[Kind, int]] = {
    "unreadable": 422, "bad_parameter": 422, "no_token": 401, "no_session": 403, "wrong_role": 403,
    "other_site": 403, "not_found": 404, "conflict": 409, "wrong_method": 405, "too_large": 413, "wrong_type":
    415, "wrong_host": 421, "too_many": 429, "unavailable": 404, "internal": 500,
}  # fmt: skip
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
        self.status = STATUS[kind]
        self.detail = detail
        self.diagnostics = tuple(map(_without_folders, diagnostics))
        self.headers = dict(headers or {})

    def lines(self, lang: Lang) -> list[str]:
        """What is wrong, a line for each diagnostic; without any, the title and the detail."""
        if self.diagnostics:
            return [_line(diagnostic, lang) for diagnostic in self.diagnostics]
        parts = (TITLES[self.kind], self.detail)
        return [part.in_(lang) for part in parts if part is not None]

    def plain(self, lang: Lang) -> dict[str, Any]:
        """The problem's details as data."""
        content: dict[str, Any] = {
            "type": f"urn:mianshen:problem:{self.kind}",
            "title": TITLES[self.kind].in_(lang),
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
