"""Rows of totals among records: their labels, in any column.

In: cells. Out: which of them hold a label such as 合计, and why their rows are refused.
"""

from __future__ import annotations

import re
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mianshen.ingest.typed_columns import Array, Refusal, is_text, refusal_of
from mianshen.program.program import Fact
from mianshen.records import diagnostics
from mianshen.source import NOWHERE

TOTALS: Final = re.compile(  # 合计, 本页小计, 合计12笔, 共计3人次, 总金额, 合計（元）, Total amount
    r"(本[页頁表月年期批]|全部)?([合总總小共累][计計](金[额額]|[费費]用|人[数數]|[数數]|[额額])?|[总總](金[额額]|[费費]用))"
    r"([0-9,.]*[笔筆人次条條户戶例项項万萬元]*)?|(grand|sub)?totals?(amount)?|sum"
)
_AROUND_TOTALS: Final = str.maketrans("", "", " \t\u3000\xa0:：()（）*")


def is_total_label(text: str) -> bool:
    """Whether a text says that its row holds totals."""
    return TOTALS.fullmatch(text.translate(_AROUND_TOTALS).lower()) is not None


def total_row(fact: Fact) -> Refusal:
    """Why a row is refused in which a fact says that it holds totals."""
    return refusal_of(fact.name, diagnostics.total_row(NOWHERE, fact.name))


def labelled(cells: pa.Array, rows: Array) -> Array:
    """Which of some rows hold a label of totals. A cell that is no text holds none."""
    marks = np.zeros(len(rows), bool)
    if not (len(rows) and is_text(cells.type)):
        return marks
    if pa.types.is_string_view(cells.type):  # of which Arrow cannot take some
        cells = cells.cast(pa.string())
    texts = cells.take(pa.array(rows)).cast(pa.string())
    likely = pc.match_substring_regex(texts, "(?i)计|計|额|額|用|total|sum")
    for at in np.flatnonzero(np.asarray(pc.fill_null(likely, False))):
        marks[at] = is_total_label(texts[int(at)].as_py())
    return marks
