"""The words of a notice that do not come from the rulebook, in both languages."""

from __future__ import annotations

from typing import Final

from mianshen.program.program import Program
from mianshen.source import Lang, Message
from mianshen.wording import wording

HEADING: Final = wording("notice.heading")  # where the rulebook has no word for it
OFFICE: Final = wording("notice.office")
HOW: Final = wording("notice.how")
PAID_TO: Final = wording("notice.paid_to")
NO_AMOUNT: Final = wording("notice.no_amount")
UNANSWERED: Final = wording("notice.untold")
ASSUMED: Final = wording("notice.assumed")
UNDATED: Final = wording("notice.undated")
ABSENT: Final = wording("notice.absent")
OTHERS: Final = wording("notice.others")
SETTLED: Final = wording("notice.settled")
SETTLED_ALONE: Final = wording("notice.settled_alone")
SINCE: Final = wording("notice.since")
BETWEEN: Final = wording("notice.between")
STATUS: Final = wording.group("notice.status")
DELIVERY: Final = wording.group("notice.delivery")
REPLAY: Final = wording.group("notice.replay")
REMEDIES: Final = wording.group("notice.remedies")
ALWAYS: Final = tuple(wording.group("notice.always").values())  # what to do, whatever the notice says


def office(program: Program) -> Message:
    """Whom a notice names for questions."""
    return program.office or Message(OFFICE.zh, OFFICE.en)


def labels(lang: Lang) -> dict[str, str]:
    """Every heading a template uses, by name."""
    return wording.labels("notice.labels", lang)
