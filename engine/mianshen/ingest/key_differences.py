"""What the keys of two files may differ by, so that hardly a row finds its parent, and what to do about it."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from mianshen.catalogue import diagnostic
from mianshen.source import Diagnostic, Message, unlined

Words = tuple[str, str]  # Chinese, English
Difference: TypeAlias = Literal["blanks", "case", "zeros"]
DIFFERENCES: Final[dict[Difference, str]] = {  # how DuckDB writes a key without the difference
    "blanks": r"regexp_replace({k}, '^[\s\x{{a0}}\x{{3000}}]+|[\s\x{{a0}}\x{{3000}}]+$', '', 'g')",
    "case": r"upper(trim({k}))",
    "zeros": r"ltrim(regexp_replace(trim(upper({k})), '[.]0+$', ''), '0')",
}
_WHY: Final[dict[Difference, Words]] = {
    "blanks": (
        "编号前后有空白，请用 --mapping 的 trim 去掉",
        "they differ by blanks: strip them with trim in a --mapping",
    ),
    "case": ("编号的大小写不同，请统一后再导出", "they differ in case: export them alike"),
    "zeros": (
        "编号前面的 0 不一致，请按文本格式重新导出",
        "they differ by leading zeros: export them as text",
    ),
}
_NO_REASON: Final[Words] = (
    "请确认两个文件出自同一系统、同一批人",
    "Check that both files are of the same people and system",
)


def strangers(place: str, child: Message, parent: Message, key: str, why: Difference | None) -> Diagnostic:
    """Hardly any row of a file finds its parent in the other."""
    zh, en = _NO_REASON if why is None else _WHY[why]
    fix = f"{zh}；确认无误可加 --yes 继续", f"{en[0].upper()}{en[1:]}; --yes goes on"
    return diagnostic("E547.strangers", unlined(place), fix=fix, child=child, parent=parent, parent_key=key)
