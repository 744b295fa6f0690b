"""`mianshen redetermine`: one person decided twice, and what comes of the difference.

In: a record file, or two of one person; two days, two rulebooks, or rows that come late. Out: what changes, old to
new, what is owed or overpaid, and the rule, figure or fact responsible. Exit status 0 answered, 1 a part of the
record was rejected, 2 a file cannot be read.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

from mianshen.casework.causes import Desk
from mianshen.casework.redetermination import Terms, refuse_unknown, rows_of
from mianshen.casework.redetermination import redetermine as redetermined
from mianshen.casework.redetermination_data import to_plain
from mianshen.document.yaml_tree import Mapping, Node
from mianshen.records.read import DAY, named, record_nodes
from mianshen.rulebook import open_program
from mianshen.source import Lang, Message
from mianshen_cli import options, output
from mianshen_cli.click_commands import Day, argument, command, option, today
from mianshen_cli.output import Status
from mianshen_cli.render.redetermination import RedeterminationView
from mianshen_cli.usage_errors import Refused

_WITHOUT, _WITH = Message("不含 {names}", "without {names}"), Message("加上 {names}", "with {names}")
_NOTHING = Message(
    "没有说明与什么比较。请给出新的核定材料、--from-date 与 --to-date、--against、--overlay、--late 或 --with",
    "there is nothing to compare. Give a new record, --from-date and --to-date, --against, --overlay, --late or --with",
)
_BOTH_DAYS = Message(
    "--from-date 与 --to-date 须同时给出", "--from-date and --to-date go together. Give both"
)
_SEVERAL = Message(
    "文件里有多份核定材料。请用 --case 指定一份", "the file holds several records. Name one with --case"
)
_NO_CASE = Message(
    "没有名为 {name} 的案例。请看文件里的 name", "there is no case {name}. See the names in the file"
)


@command(
    Message(
        "同一参保人核定两次并比较：两份核定材料、两个核定日、两套规则，或补录费用；说明各项由多少变为多少、应补发或应追回"
        "多少、因哪一条。\n例：mianshen redetermine 旧.yaml 新.yaml",
        "Decide one person twice and compare: two records, two days, two rulebooks, or claims that come late. Says "
        "what changes, what is owed or overpaid, and the rule, figure or fact responsible.\n"
        "Try: mianshen redetermine old.yaml new.yaml",
    )
)
@argument("file", metavar="OLD", words=Message("核定材料（YAML 或 JSON）", "a record file: YAML or JSON"))
@argument(
    "new",
    metavar="[NEW]",
    required=False,
    words=Message("同一参保人新的核定材料", "the new record of the same person"),
)
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
        "新的一方的调整方案：文件，或随附方案的名称；可多次",
        "an overlay on the new side: a file or a shipped one's name; may be repeated",
    ),
)
@option("--from-date", type=Day(), words=Message("旧的核定日", "the day of the old side"))
@option("--to-date", type=Day(), words=Message("新的核定日", "the day of the new side"))
@option(
    "--late",
    metavar="KEY",
    multiple=True,
    words=Message(
        "补录费用：旧的一方没有它；可多次", "a claim that came late: the old side lacks it; may be repeated"
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
    new: str | None,
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
    if not (new or against or overlays or from_date or to_date or late or more):
        raise Refused(_NOTHING)
    if (from_date is None) != (to_date is None):
        raise Refused(_BOTH_DAYS)
    node, under = _record(Path(file), case)
    new_node, new_under = (node, under) if new is None else _record(Path(new), case)
    old_desk = Desk(open_program([Path(path) for path in rules], under))
    new_desk = old_desk
    if against or overlays or new_under != under:
        paths = [Path(path) for path in against or rules]
        new_desk = Desk(open_program(paths, [*new_under, *overlays]))
    refuse_unknown(late, node, new_desk.program)
    extra: tuple[Node, ...] = tuple(row for path in more for row in rows_of(Path(path)))
    before = Terms(old_desk, from_date or _day(node), frozenset(late))
    after = Terms(new_desk, to_date or _day(new_node), frozenset(), extra)
    result = redetermined(node, before, after, None if new is None else new_node)
    if form == "json":
        output.say(output.json_text(to_plain(result, old_desk.program, new_desk.program)))
    else:
        files = None if new is None else (file, new)
        rows = _listed(_WITHOUT, late), _listed(_WITH, more)
        output.say(RedeterminationView(old_desk.program, new_desk.program, lang, files, rows).text(result))
    for diagnostic in result.rejects:
        output.complain(diagnostic.show(lang))
    rejected = any(row.rejection is not None for side in (result.before, result.after) for row in side.rows())
    return Status.FOUND if rejected else Status.DONE


def _listed(words: Message, names: Sequence[str]) -> Message | None:
    """What a side leaves out or adds; None where that is nothing."""
    if not names:
        return None
    return Message(words.zh.format(names="、".join(names)), words.en.format(names=", ".join(names)))


def _day(node: Node) -> dt.date | None:
    """The day of a side whose record names none: today."""
    return None if isinstance(node, Mapping) and node.get(DAY) is not None else today()


def _record(file: Path, case: str | None) -> tuple[Node, Sequence[str | Path]]:
    """The record to decide, and the overlays its file wants it decided under."""
    nodes = [(node, named(node)) for node in record_nodes(file)]
    if case is not None:
        nodes = [(node, (name, overlays)) for node, (name, overlays) in nodes if name == case]
        if not nodes:
            raise Refused(Message(_NO_CASE.zh.format(name=case), _NO_CASE.en.format(name=case)))
    if len(nodes) > 1:
        raise Refused(_SEVERAL)
    node, (_, overlays) = nodes[0]
    return node, [file.parent / o if o.endswith((".yaml", ".yml")) else o for o in overlays]
