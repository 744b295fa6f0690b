"""Rows among records that are none: totals, by a label in any column; notes below a table and headers, by their key.

In: cells. Out: which of them hold a label such as 合计 or 制表人：, and why their rows are refused.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mianshen.ingest.typed_columns import Array, Refusal, is_text, refusal_of
from mianshen.program.program import Fact
from mianshen.records import diagnostics
from mianshen.source import NOWHERE

TOTALS: Final = re.compile(  # 合计, 本页小计, 合计12笔, 共计3人次, 总金额, 人数合计, 合计（元）, Total amount
    r"(本[页頁表月年期批]|全部|以上|人[数數]|金[额額])?"
    r"([合总總小共累][计計](金[额額]|[费費]用|人[数數]|[数數]|[额額])?|[总總](金[额額]|[费費]用|[人户戶笔筆][数數]))"
    r"([0-9,.]*[笔筆人次条條户戶例项項万萬元]*)?|(grand|sub)?totals?(amount)?|sum"
)
_NOTES: Final = re.compile(  # 制表人：张三, 打印时间：2026-06-30, 备注：…, 以下空白, 第1页 共3页, Page 1 of 3, (20 rows), ---
    r"(制表|填表|填[报報]|[编編]制|制[单單]|[统統][计計]|[汇匯][总總]|[审審]核|[复複]核|核[对對]|校[对對]|[经經][办辦]|([单單]位)?[负負][责責]"
    r"|[报報]送|上[报報]|打印|[导導]出|生成|[联聯]系|([数數]据|[资資]料)[来來]源|[说說]明|[备備]?[注註][0-9]*|[单單]位|盖章|公章)"
    r"(人|[员員]|者|[单單]位|[机機][构構]|部[门門]|日期|[时時][间間]|[电電][话話]|方式)?:.*"
    r"|以下(空白|[无無][内內]容|[无無]正文)|第[0-9]+[页頁][,/ ]*(共[0-9]+[页頁])?"
    r"|共 ?[0-9]+ ?[页頁条條行人户戶笔筆例项項]([记記][录錄])?|page ?[0-9]+ ?(of|/) ?[0-9]+"
    r"|\(?[0-9]+ ?(rows?|records?|行|[条條])([记記][录錄])?( selected| affected)?\)?\.?"
    r"|[-.*=~_—…]{2,}|[-\s*]*(end|eof|完|[结結]束)[-\s*]*",
    re.DOTALL,
)
_AROUND_TOTALS: Final = str.maketrans("", "", " \t\u3000\xa0:：()（）*")


def is_total_label(text: str) -> bool:
    """Whether a text says that its row holds totals."""
    return TOTALS.fullmatch(_plain(text).translate(_AROUND_TOTALS)) is not None


def _plain(text: str) -> str:
    """A text in small letters of usual width."""
    return unicodedata.normalize("NFKC", text).strip().lower()


def notes(keys: pa.Array, last: int) -> Array:
    """Of the last rows of a file, those whose key is a note below its table."""
    rows = np.arange(max(0, len(keys) - last), len(keys))
    texts = keys.slice(len(keys) - len(rows)).to_pylist()
    is_note = [text is not None and _NOTES.fullmatch(_plain(text)) is not None for text in texts]
    noted: Array = rows[np.array(is_note, bool)]
    return noted


def headers(fact: Fact, keys: pa.Array) -> Array:
    """The rows whose key is what its column is called: headers of files that were put together."""
    names = {fact.name, fact.name.upper(), fact.title.zh, fact.title.en}
    repeated = pc.is_in(keys, value_set=pa.array(sorted(names), keys.type))
    return np.flatnonzero(np.asarray(repeated))


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
    likely = pc.match_substring_regex(texts, "(?i)计|計|额|額|用|数|數|total|sum|[Ａ-Ｚａ-ｚ]")
    for at in np.flatnonzero(np.asarray(pc.fill_null(likely, False))):
        marks[at] = is_total_label(texts[int(at)].as_py())
    return marks
