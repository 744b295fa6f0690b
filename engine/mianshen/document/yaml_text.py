"""Texts as YAML has them.

In: a text. Out: YAML that is read back as the text.
"""

from __future__ import annotations

import json
import re
from typing import Final

_PLAIN: Final = re.compile(
    r"[A-Za-z_\u4e00-\u9fff][A-Za-z0-9_\u4e00-\u9fff（）〔〕–]*|-?[0-9]+(\.[0-9]+)?%?|[0-9]{4}-[0-9]{2}-[0-9]{2}"
)
_WORDS: Final = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})


def scalar(text: str) -> str:
    """The text plain where that is certain, else in double quotes.

    >>> scalar("低保"), scalar("85%"), scalar("no"), scalar("a: b")
    ('低保', '85%', '"no"', '"a: b"')
    """
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    return json.dumps(text, ensure_ascii=False)
