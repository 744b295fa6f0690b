"""`mianshen redetermine`: one person decided twice, and what comes of the difference.

In: a record file; two days, two rulebooks, or rows that come late. Out: what changes, old to new, what is
owed or overpaid, and the rule, figure or fact responsible. Exit status 0 answered, 1 a part of the record
was rejected, 2 a file cannot be read.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

from mianshen.casework.causes import Desk
from mianshen.casework.redetermination import Terms, refuse_unknown, rows_of
from mianshen.casework.redetermination import redetermine as redetermined
from mianshen.document.yaml_tree import Node
from mianshen.records.read import named, record_nodes
from mianshen.rulebook import open_program
from mianshen.source import Lang, Message
from mianshen_cli import options, output
from mianshen_cli.click_commands import Day, argument, command, option, today
from mianshen_cli.output import Status
from mianshen_cli.render.redetermination import RedeterminationView
from mianshen_cli.usage_errors import Refused

_NOTHING = Message(
    "没有说明与什么比较。请给出 --from-date 与 --to-date、--against、--overlay、--late 或 --with",
    "there is nothing to compare. Give --from-date and --to-date, --against, --overlay, --late or --with",
)
_BOTH_DAYS = Message(
    "--from-date 与 --to-date 须同时给出", "--from-date and --to-date go together. Give both"
)
_SEVERAL = Message(
    "文件里有多份档案。请用 --case 指定一份", "the file holds several records. Name one with --case"
)
_NO_CASE = Message(
    "没有名为 {name} 的案例。请看文件里的 name", "there is no case {name}. See the names in the file"
)


@command(
    Message(
        "同一人核定两次并比较：两个日期、两套规则，或迟到的费用；说明各项由多少变为多少、应补应退多少、因哪一条。\n"
        "例：mianshen redetermine 档案.yaml --late C9",
        "Decide one person twice and compare: two days, two rulebooks, or claims that come late. Says what "
        "changes, what is owed or overpaid, and the rule, figure or fact responsible.\n"
        "Try: mianshen redetermine record.yaml --late C9",
    )
)
@argument("file", metavar="FILE", words=Message("档案文件（YAML 或 JSON）", "a record file: YAML or JSON"))
@options.rulebook
@option(
    "--against",
    metavar="PATH",
    multiple=True,
    words=Message("与之比较的规则库", "the rulebook to compare with; may be repeated for its files"),
)
@option(
    "--overlay",
    "overlays",
    metavar="F",
    multiple=True,
    words=Message(
        "新的一方叠加的改动：文件，或随附改动的名称；可多次",
        "a change on the new side: a file or a shipped one's name; may be repeated",
    ),
)
@option("--from-date", type=Day(), words=Message("旧的核定日", "the day of the old side"))
@option("--to-date", type=Day(), words=Message("新的核定日", "the day of the new side"))
@option(
    "--late",
    metavar="KEY",
    multiple=True,
    words=Message(
        "迟到的费用：旧的一方没有它；可多次", "a claim that came late: the old side lacks it; may be repeated"
    ),
)
@option(
    "--with",
    "more",
    metavar="FILE",
    multiple=True,
    words=Message("新的一方加上此文件中的费用", "claims in this file come in on the new side"),
)
@option("--case", metavar="NAME", words=Message("只看案例文件中的这一例", "only the case of that name"))
@options.form
def redetermine(
    lang: Lang,
    file: str,
    rules: tuple[str, ...],
    against: tuple[str, ...],
    overlays: tuple[str, ...],
    from_date: dt.date | None,
    to_date: dt.date | None,
    late: tuple[str, ...],
    more: tuple[str, ...],
    case: str | None,
    form: str,
) -> Status:
    if not (against or overlays or from_date or to_date or late or more):
        raise Refused(_NOTHING)
    if (from_date is None) != (to_date is None):
        raise Refused(_BOTH_DAYS)
    node, under = _record(Path(file), case)
    old = Desk(open_program([Path(each) for each in rules], under))
    new = old
    if against or overlays:
        new = Desk(open_program([Path(each) for each in against or rules], [*under, *overlays]))
    refuse_unknown(late, node, new.program)
    extra: tuple[Node, ...] = tuple(row for each in more for row in rows_of(Path(each)))
    day = None if node_dated(node) else today()
    before = Terms(old, from_date or day, frozenset(late))
    found = redetermined(node, before, Terms(new, to_date or day, frozenset(), extra))
    view = RedeterminationView(new.program, lang)
    output.say(output.json_text(view.plain(found)) if form == "json" else view.text(found))
    for diagnostic in found.rejects:
        output.complain(diagnostic.show(lang))
    rejected = any(row.rejection is not None for side in (found.before, found.after) for row in side.rows())
    return Status.FOUND if rejected else Status.DONE


def _record(file: Path, case: str | None) -> tuple[Node, Sequence[str | Path]]:
    """The record to decide, and the overlays its file wants it decided under."""
    nodes = [(node, named(node)) for node in record_nodes(file)]
    if case is not None:
        nodes = [each for each in nodes if each[1][0] == case]
        if not nodes:
            raise Refused(Message(_NO_CASE.zh.format(name=case), _NO_CASE.en.format(name=case)))
    if len(nodes) > 1:
        raise Refused(_SEVERAL)
    node, (_, overlays) = nodes[0]
    return node, [file.parent / o if o.endswith((".yaml", ".yml")) else o for o in overlays]


def node_dated(node: Node) -> bool:
    """Whether a record names its own day."""
    get = getattr(node, "get", None)
    return get is not None and get("as_of") is not None
