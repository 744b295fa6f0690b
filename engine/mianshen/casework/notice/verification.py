"""What a notice can be held against, without the program (a file and a page) and with it (the record decided again).

In: a checked case, what a notice is about; digests read from a notice. Out: the verification file as JSON; what matches.
Invariants: the file holds the canonical texts whose digests stand on the notice; titles in it are for reading alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from mianshen.casework.check import Checked, Checker
from mianshen.casework.notice.digest import (
    Digests,
    canonical_answer,
    canonical_record,
    digest_of,
    record_digest,
)
from mianshen.casework.notice.draft import Subject, draft_of
from mianshen.casework.wording import STATUS
from mianshen.interpreter.result import BenefitResult, RowResult
from mianshen.source import Message

FORMAT: Final = "mianshen verification 1"


def verification_file(checker: Checker, checked: Checked, subject: Subject) -> str:
    """What the offline page compares with the notice about a subject, as JSON. Raises RuleError as a notice does."""
    draft, case = draft_of(checker, checked, subject), checked.case
    content = {
        "format": FORMAT,
        "code": draft.digests().code(),
        "record": canonical_record(case),
        "answer": canonical_answer(case, draft.result),
        "decidable": not any(row.rejection or row.told is not None for row in case.rows())
        and not case.person.blank,
    }
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


@dataclass(frozen=True, slots=True)
class Comparison:
    """A notice's digests beside those of a record decided again.

    `subject`: what of the record gives the answer on the notice, and that answer; None where nothing does.
    """

    on_notice: Digests
    record: str
    rulebook: str
    subject: Message | None

    @property
    def same(self) -> bool:
        """Whether record, rulebook and answer are those of the notice."""
        notice = self.on_notice
        return (self.record, self.rulebook) == (notice.record, notice.rulebook) and self.subject is not None


def compared(checker: Checker, checked: Checked, digests: Digests) -> Comparison:
    """Hold what a notice says against a case that was decided again."""
    case = checked.case
    subject = next(
        (
            title
            for title, result in _results(checker, checked)
            if digest_of(canonical_answer(case, result)) == digests.answer
        ),
        None,
    )
    return Comparison(digests, record_digest(case), f"sha256:{checker.program.digest}", subject)


def _results(checker: Checker, checked: Checked) -> Iterator[tuple[Message, BenefitResult | RowResult]]:
    """Everything that a notice can be about, with its title and its answer."""
    for benefit in checked.result.benefits.values():
        yield _answered(benefit.benefit.title, benefit.status, benefit.amount), benefit
    for row in checked.result.rows:
        outcome = checker.program.entities[row.row.entity].outcome
        value = None if outcome is None else row.values.get(outcome)
        named = checker.program.entities[row.row.entity].title
        title = Message(f"{named.zh} {row.row.key}", f"{named.en} {row.row.key}")
        yield _answered(title, row.status, value if isinstance(value, Decimal) else None), row


def _answered(title: Message, status: str, amount: Decimal | None) -> Message:
    zh, en = ("", "") if amount is None else (f"，{amount:,.2f} 元", f", {amount:,.2f} yuan")
    return Message(f"{title.zh}：{STATUS[status].zh}{zh}", f"{title.en}: {STATUS[status].en}{en}")
