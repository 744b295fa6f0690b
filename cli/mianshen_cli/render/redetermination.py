"""What a redetermination says, as a table.

In: a redetermination. Out: text in one language.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal

from mianshen.casework.causes import Cause, cause_name, cause_value
from mianshen.casework.redetermination import DecisionChange, Redetermination, RowChange
from mianshen.casework.wording import STATUS, Words
from mianshen.interpreter.result import BenefitResult
from mianshen.interpreter.rows import Case
from mianshen.program.program import Program
from mianshen.source import Lang, Message
from mianshen.values import Value
from mianshen_cli import output
from mianshen_cli.wording import wording

_HEAD = wording("redetermination.head")
_SIDE = wording.group("redetermination.side")
_ABSENT = wording("redetermination.absent")
_SAME = wording("redetermination.same")
_OWED = wording("redetermination.owed")
_OVERPAID = wording("redetermination.overpaid")
_OWED_KNOWN = wording("redetermination.owed_known")
_OVERPAID_KNOWN = wording("redetermination.overpaid_known")
_OPEN = wording("redetermination.open")
_FILE = wording("redetermination.file")
_UNDER = wording("redetermination.under")
_KINDS = wording.group("redetermination.kinds")


class RedeterminationView:
    """Shows redeterminations in one language."""

    def __init__(
        self,
        old: Program,
        program: Program,
        lang: Lang,
        files: tuple[str, str] | None = None,
        rows: tuple[Message | None, Message | None] = (None, None),
    ) -> None:
        """`old`, `program`: those of the two sides; `files`: their records, where there are two; `rows`: left out, or more."""
        self.old = old
        self.program = program
        self.files = files
        self.rows = rows
        self.words, self.old_words = Words(program), Words(old)
        self.lang: Lang = lang

    def _say(self, message: Message, **values: object) -> str:
        return output.printable(message.in_(self.lang, **values))

    # -- text ----------------------------------------------------------------------------------

    def text(self, result: Redetermination) -> str:
        title = self._say(self.program.entities[self.program.entry].title)
        key = output.printable(result.after.person.key)
        before, after = self._side(0, result.before, self.old), self._side(1, result.after, self.program)
        lines = [self._say(_HEAD, title=title, key=key, before=before, after=after), ""]
        rows = [*self._benefits(result), *(line for row in result.rows for line in self._row(row))]
        if not rows:
            return "\n".join([*lines, self._say(_SAME)])
        lines += [
            output.table(wording.heads("redetermination.what", self.lang), rows, right=[1, 2, 3, 4]),
            "",
        ]
        lines.append(self._owed(result))
        return "\n".join(lines)

    def _side(self, number: int, case: Case, program: Program) -> str:
        """One side: its record where there are two, its day, its overlays."""
        side = str(case.as_of)
        if self.files is not None:
            side = self._say(_FILE, file=output.printable(self.files[number]), day=side)
        if program.overlays:
            side = self._say(_UNDER, side=side, overlays=", ".join(program.overlays))
        rows = self.rows[number]
        return side if rows is None else f"{side}{'，' if self.lang == 'zh' else ', '}{self._say(rows)}"

    def _owed(self, result: Redetermination) -> str:
        """The total; where amounts are open, what is known of it and how many are."""
        open_ = self._say(_OPEN, count=result.open) if result.open else ""
        whole, known = (_OVERPAID, _OVERPAID_KNOWN) if result.owed < 0 else (_OWED, _OWED_KNOWN)
        words = known if result.open else whole
        return self._say(words, amount=f"{abs(result.owed):,.2f}") + open_

    def _benefits(self, result: Redetermination) -> Iterator[tuple[str, ...]]:
        for benefit in result.benefits:
            title = (
                self.words.program.benefits[benefit.name].title
                if benefit.name in self.program.benefits
                else None
            )
            yield (
                benefit.name if title is None else self._say(title),
                self._state(benefit.before),
                self._state(benefit.after),
                "",
                _signed(benefit.owed),
                self._causes(benefit.causes),
            )

    def _state(self, result: BenefitResult | None) -> str:
        if result is None:
            return self._say(_ABSENT)
        status = self._say(STATUS[result.status])
        return status if result.amount is None else f"{status} {result.amount:,.2f}"

    def _row(self, row: RowChange) -> Iterator[tuple[str, ...]]:
        key = output.printable(row.key) or self._say(self.program.entities[row.entity].title)
        if row.before != row.after:
            yield key, self._status(row.before), self._status(row.after), "", "", ""
        for decision in row.decisions:
            paid = (row.entity, decision.name) in self.program.paid
            yield (
                f"{key} {self._say(self.words.decisions[row.entity, decision.name].title)}",
                self._value(row, decision, decision.before),
                self._value(row, decision, decision.after),
                f"{decision.paid:,.2f}" if paid and decision.paid is not None else "",
                _signed(decision.owed),
                self._causes(decision.causes),
            )

    def _status(self, status: str | None) -> str:
        if status is None:
            return self._say(_ABSENT)
        return self._say(_SIDE.get(status) or STATUS[status])

    def _value(self, row: RowChange, change: DecisionChange, value: Value | None) -> str:
        if value is None:
            return self._say(_ABSENT)
        decision = self.words.decisions[row.entity, change.name]
        return self._say(self.words.value(value, decision.written, decision.type))

    def _causes(self, causes: Iterable[Cause]) -> str:
        return "; ".join(self._cause(cause) for cause in causes)

    def _cause(self, cause: Cause) -> str:
        name = self._say(cause_name(cause, self.words, self.old_words))
        if cause.kind in ("provision", "row"):
            sign = "+" if not cause.before else "-" if not cause.after else "~"
            return f"{self._say(_KINDS[cause.kind])} {sign}{name}"
        before, after = (
            self._say(cause_value(cause, text, self.program)) or "?" for text in (cause.before, cause.after)
        )
        return f"{self._say(_KINDS[cause.kind])} {name}: {before} -> {after}"


def _signed(owed: Decimal | None) -> str:
    return f"{owed:+,.2f}" if owed else ""
