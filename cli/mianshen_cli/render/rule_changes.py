"""What differs between two rulebooks as a table: figures with their days and clauses, provisions part by part.

In: changes of the policy room. Out: rows of texts, or the table of them.
"""

from __future__ import annotations

from mianshen.policy.rule_diff import RuleChange
from mianshen.source import Lang, Message
from mianshen_cli import output
from mianshen_cli.case_arguments import cited

_KINDS = {
    "figure": Message("数值", "figure"), "provision": Message("条款", "provision"), "decision": Message("决定", "decision"),
    "accumulator": Message("累计", "accumulator"), "benefit": Message("待遇", "benefit"), "fact": Message("事实", "fact"),
    "codes": Message("代码表", "code list"),
}  # fmt: skip
HEADS = tuple(
    Message(*item)
    for item in (
        ("类别", "kind"), ("名称", "name"), ("部分", "part"), ("原", "was"), ("新", "is"), ("条文", "clause"),
        ("影响", "rests on it"),
    )
)  # fmt: skip
FEW = 4  # names of what rests on a change that a table shows
SAME = Message("没有差别", "nothing differs")


def changes_table(changes: tuple[RuleChange, ...], lang: Lang) -> str:
    """The changes, or that there are none."""
    if not changes:
        return SAME.in_(lang)
    return output.table([head.in_(lang) for head in HEADS], change_rows(changes, lang))


def change_rows(changes: tuple[RuleChange, ...], lang: Lang) -> list[tuple[str, ...]]:
    return [
        (_KINDS[c.kind].in_(lang), c.name, c.part, c.before, c.after, cited(c.clause), _first(c.rests))
        for c in changes
    ]


def _first(names: tuple[str, ...]) -> str:
    """The first names, and how many more there are; JSON has them all."""
    more = len(names) - FEW
    return ", ".join(names[:FEW]) + (f" … +{more}" if more > 0 else "")
