"""Whatever a workbook or a model holds, it is read or refused with its place: nothing else comes out."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook
from tests.exchange.test_dmn import FOREIGN, SEASONS
from tests.exchange.test_dmn import SMALL as MODELLED
from tests.exchange.test_workbook import SMALL
from tests.support.campaigns import few

from mianshen.exchange import export_model, export_workbook, import_model, import_workbook
from mianshen.source import Diagnostic, RuleError

TEXTS = (
    "",
    "-",
    "null",
    "low",
    '"low"',
    "=1+1",
    "~",
    "{",
    "a: b",
    "#",
    "2026-02-30",
    "１",
    "31",
    "not(",
    "\u2028",
    "‘low’",
    "x" * 300,
)
CELLS = st.one_of(
    st.sampled_from(TEXTS), st.text(max_size=5).filter(lambda text: re.fullmatch(r"[ -~\u4e00-\u9fff]*", text)),
    st.integers(-5, 10**18), st.floats(allow_nan=False, allow_infinity=False), st.booleans(),
    st.dates().map(lambda day: dt.datetime.combine(day, dt.time())), st.times(), st.none(),
)  # fmt: skip


def refusal(call: Callable[[], object]) -> tuple[Diagnostic, ...]:
    """What is told where something is refused; nothing where it is read."""
    try:
        call()
    except RuleError as error:
        return error.diagnostics
    return ()


@settings(max_examples=few(12, 400))
@given(data=st.data())
def test_any_cell_is_read_or_refused(data: st.DataObject) -> None:
    with TemporaryDirectory() as folder:
        rules, path = Path(folder) / "rules.yaml", Path(folder) / "t.xlsx"
        rules.write_text(SMALL, "utf-8")
        export_workbook([rules], [], (), path)
        book: Any = load_workbook(path)
        for _ in range(data.draw(st.integers(1, 3))):
            page = book[data.draw(st.sampled_from(book.sheetnames))]
            row, column = data.draw(st.integers(1, 9)), data.draw(st.integers(1, 13))
            page.cell(row, column).value = data.draw(CELLS)
        book.save(path)
        findings = refusal(lambda: import_workbook(path, [rules], [], "draft"))
        assert all(one.span.file.startswith(str(path)) or one.code == "E902" for one in findings), findings


def models() -> list[str]:
    with TemporaryDirectory() as folder:
        rules, out = Path(folder) / "rules.yaml", Path(folder) / "m.dmn"
        rules.write_text(MODELLED, "utf-8")
        export_model([rules], [], (), out)
        return [FOREIGN, SEASONS, out.read_text("utf-8")]


MODELS = models()
PARTS = re.compile(r'<[a-zA-Z:]+|</[a-zA-Z:]+>|/>|[a-zA-Z]+="[^"]*"|>[^<>]+<')


@settings(max_examples=few(60, 2000))
@given(data=st.data())
def test_any_model_is_read_or_refused(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from(MODELS))
    for _ in range(data.draw(st.integers(1, 3))):
        places = list(PARTS.finditer(text))
        part, other = data.draw(st.sampled_from(places)), data.draw(st.sampled_from(places))
        put = data.draw(
            st.sampled_from(("", other[0], part[0] * 2, re.sub(r'"[^"]*"', '"x"', part[0]), ">null<"))
        )
        text = text[: part.start()] + put + text[part.end() :]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "m.dmn"
        path.write_text(text, "utf-8")
        findings = refusal(lambda: import_model(path))
        assert all(one.span.file == str(path) and one.span.line for one in findings), findings


@settings(max_examples=few(15, 300))
@given(st.binary(max_size=60))
def test_any_bytes_are_refused(content: bytes) -> None:
    with TemporaryDirectory() as folder:
        rules, path = Path(folder) / "rules.yaml", Path(folder) / "m.dmn"
        rules.write_text(SMALL, "utf-8")
        for head in (
            b"",
            b'<?xml version="1.0" encoding="x-none"?>',
            b"<?xml version='1.0' encoding='utf-16'?>",
            b"PK\x03\x04",
        ):
            path.write_bytes(head + content)
            assert refusal(lambda: import_model(path))
        assert refusal(lambda: import_workbook(path, [rules], [], "x"))
