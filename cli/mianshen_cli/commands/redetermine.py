"""`mianshen redetermine`: one person decided twice, and what comes of the difference.

In: a record file, or two of one person; two days, two rulebooks, or rows that come late. Out: what changes, old to
new, what is owed or overpaid, and the rule, figure or fact responsible. Exit status 0 answered, 1 a part of the
record was rejected, 2 a file cannot be read.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

from mianshen.casework.check import checker_of
from mianshen.casework.redetermination import Terms, check_known, rows_of
from mianshen.casework.redetermination import redetermine as redetermined
from mianshen.casework.redetermination_data import to_plain
from mianshen.document.yaml_tree import Mapping, Node
from mianshen.records.read import DAY, named, record_nodes
from mianshen.rulebook import open_program
from mianshen.source import Lang, Message, listed
from mianshen_cli import options, output
from mianshen_cli.click_commands import Day, argument, command, option, today
from mianshen_cli.output import Status
from mianshen_cli.render.redetermination import RedeterminationView
from mianshen_cli.session import no_case, overlay_of
from mianshen_cli.usage_errors import Refused
from mianshen_cli.wording import wording


@command
@argument("file", metavar="OLD")
@argument("new", metavar="[NEW]", required=False)
@options.rulebook
@option("--against", metavar="PATH", type=Path, multiple=True)
@option("--overlay", "overlays", metavar="F", multiple=True)
@option("--from-date", type=Day())
@option("--to-date", type=Day())
@option("--late", metavar="KEY", multiple=True)
@option("--with", "more", metavar="FILE", multiple=True)
@option("--case", metavar="NAME")
@options.form
def redetermine(
    lang: Lang,
    file: str,
    new: str | None,
    rules: tuple[Path, ...],
    against: tuple[Path, ...],
    overlays: tuple[str, ...],
    from_date: dt.date | None,
    to_date: dt.date | None,
    late: tuple[str, ...],
    more: tuple[str, ...],
    case: str | None,
    form: str,
) -> Status:
    if not (new or against or overlays or from_date or to_date or late or more):
        raise Refused(wording("redetermine.nothing"))
    if (from_date is None) != (to_date is None):
        raise Refused(wording("redetermine.both_days"))
    node, under = _record(Path(file), case)
    new_node, new_under = (node, under) if new is None else _record(Path(new), case)
    old_explainer = checker_of(open_program(rules, under)).explainer
    new_explainer = old_explainer
    if against or overlays or new_under != under:
        new_explainer = checker_of(open_program(against or rules, [*new_under, *overlays])).explainer
    program = new_explainer.program
    check_known(late, node, program)
    extra: tuple[Node, ...] = tuple(row for path in more for row in rows_of(Path(path), program))
    before = Terms(old_explainer, from_date or _day(node), frozenset(late))
    after = Terms(new_explainer, to_date or _day(new_node), frozenset(), extra)
    result = redetermined(node, before, after, None if new is None else new_node)
    if form == "json":
        output.say(output.json_text(to_plain(result, old_explainer.program, program)))
    else:
        files = None if new is None else (file, new)
        rows = _listed(wording("redetermine.without"), late), _listed(wording("redetermine.added"), more)
        output.say(RedeterminationView(old_explainer.program, program, lang, files, rows).text(result))
    output.complain_of(result.rejects, lang)
    rejected = any(row.rejection is not None for side in (result.before, result.after) for row in side.rows())
    return Status.FOUND if rejected else Status.DONE


def _listed(words: Message, names: Sequence[str]) -> Message | None:
    """What a side leaves out or adds; None where that is nothing."""
    if not names:
        return None
    return words.filled(names=listed(names))


def _day(node: Node) -> dt.date | None:
    """The day of a side whose record names none: today."""
    return None if isinstance(node, Mapping) and node.get(DAY) is not None else today()


def _record(file: Path, case: str | None) -> tuple[Node, Sequence[str | Path]]:
    """The record to decide, and the overlays its file wants it decided under."""
    nodes = [(node, named(node)) for node in record_nodes(file)]
    if case is not None:
        nodes = [(node, (name, overlays)) for node, (name, overlays) in nodes if name == case]
        if not nodes:
            raise no_case(case)
    if len(nodes) > 1:
        raise Refused(wording("redetermine.several"))
    node, (_, overlays) = nodes[0]
    return node, [overlay_of(file, overlay) for overlay in overlays]
