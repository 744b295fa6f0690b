"""A trace as it reads on a terminal: row by row, layer by layer.

In: a trace, words for its values. Out: lines of text in one language.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from mianshen.casework.wording import BASIS, LIMIT, Words
from mianshen.interpreter.formula import to_text
from mianshen.interpreter.rows import Row
from mianshen.interpreter.trace.explain import Limited, Step, Trace, Used
from mianshen.interpreter.trace.unmatched import Unmatched
from mianshen.interpreter.trace.walk import Input
from mianshen.source import Lang, Message
from mianshen_cli import output
from mianshen_cli.wording import wording

PILOT = wording("explanation.pilot")
_UNTOLD = wording("explanation.untold")
_UNRULED = wording("explanation.unruled")
_OTHERS = wording("explanation.others")
_WHY = wording.group("explanation.why")


class Explanation:
    """Puts traces into words."""

    def __init__(self, words: Words, lang: Lang) -> None:
        self.words = words
        self.program = words.program
        self.lang = lang
        self._told: dict[
            tuple[str, tuple[str, ...]], str
        ] = {}  # a decision's lines, and the row they were told of

    def text(self, trace: Trace, width: int | None = None) -> str:
        """The whole trace: a heading for each row, then its decisions in the order they were made.

        What is the same as for an earlier row is said once; lines are folded to `width` columns.
        """
        rows: dict[Row, list[Step]] = {}
        for step in trace.steps:
            rows.setdefault(step.row, []).append(step)
        parts: list[str] = []
        self._told.clear()
        for row, steps in rows.items():
            parts.append(self._heading(row))
            parts += [line for step in steps for line in self._step(step)]
            parts.append("")
        return output.folded("\n".join(parts), width).rstrip()

    def say(self, message: Message, **values: object) -> str:
        return output.printable(message.in_(self.lang, **values))

    def _heading(self, row: Row) -> str:
        entity = self.program.entities[row.entity]
        date = "" if entity.date is None else str(row.facts.get(entity.date, ""))
        text = " ".join(filter(None, (self.say(entity.title), output.printable(row.key), date)))
        return f"== {text} =="

    def _step(self, step: Step) -> Iterator[str]:
        decision = step.decision
        value = self.say(self.words.value(step.value, decision.written, decision.type))
        head = f"{self.say(decision.title)} {decision.name} = {value}"
        grounds, lost = tuple(self._grounds(step)), tuple(self._lost(step))
        if before := self._before(step, (head, *grounds, *lost)):
            yield f"{head} ({before})"
            return
        yield head
        yield from grounds
        if len(lost) > 1 and (before := self._before(step, lost)):
            yield f"    {self.say(_OTHERS)} {before}"
        elif lost:
            yield f"    {self.say(_OTHERS)}"
            yield from lost

    def _before(self, step: Step, lines: tuple[str, ...]) -> str:
        """The earlier row of which the same was told of a decision; empty where this is the first."""
        row = self._told.setdefault((step.decision.name, lines), output.printable(step.row.key))
        return "" if row == step.row.key else self.say(wording("explanation.as_for"), row=row)

    def _grounds(self, step: Step) -> Iterator[str]:
        """The provisions that gave a value, or may give one."""
        if not step.used:
            yield f"    {self.say(_UNRULED)}"
        if len(step.used) > 1:
            yield f"    {self.say(_UNTOLD)}"
        for used in step.used:
            yield from self._used(used, step)

    def _used(self, used: Used, step: Step) -> Iterator[str]:
        provision = used.provision
        pilot = f" [{self.say(PILOT)}]" if provision.status == "pilot" else ""
        yield f"    {self.say(provision.title)} ({provision.name}){pilot}"
        yield f"    {self.say(self.words.citation(provision.citation))}"
        if provision.when_text is not None:
            yield f"    {self.say(wording('explanation.condition'))} {_one_line(provision.when_text)}"
        yield f"    {self.say(wording('explanation.formula'))} {_one_line(provision.value_text)}"
        for input_ in used.inputs:
            if input_.row.parent is not step.row or input_.name.kind == "decision":  # not what filters read
                yield f"        {self._input(input_, step.row)}"
        if used.limited is not None:
            yield f"    {self.limited(used.limited)}"
            for item in used.limited.inputs:
                yield f"        {self._input(item, step.row)}"

    def _input(self, input_: Input, home: Row) -> str:
        whose = f"{output.printable(input_.row.key)} " if input_.row.parent is home else ""
        text = f"{whose}{self.say(self.words.title(input_))} {input_.name.name} = {self.say(self.words.shown(input_))}"
        if input_.assumed:
            return f"{text} [{self.say(wording('explanation.assumed'))}]"
        if input_.dated is None:
            return text
        dated = input_.dated
        dates = f"{dated.start} –" if dated.end is None else f"{dated.start} – {dated.end}"
        source = self.say(self.words.citation(dated.citation))
        return f"{text} [{self.say(BASIS[dated.basis])}; {dates}; {source}]"

    def limited(self, limited: Limited) -> str:
        def money(value: object) -> str:
            return self.say(self.words.value(value, "money"))  # type: ignore[arg-type]

        unknown = limited.withheld if limited.withheld is not None else limited.paid
        return LIMIT.in_(
            self.lang,
            title=self.say(limited.accumulator.title),
            limit=money(limited.limit),
            before=money(limited.before),
            raw=money(limited.raw),
            paid=money(limited.paid),
            withheld=money(unknown),
        )

    def _lost(self, step: Step) -> Iterator[str]:
        for why, group in groupby(step.lost, key=lambda item: self._why(item, step.row.entity)):
            names = ", ".join(item.provision.name for item in group)
            yield f"        {names}: {why}"

    def _why(self, lost: Unmatched, home: str) -> str:
        part = "" if lost.part is None else to_text(lost.part, home)
        return _WHY[lost.why].in_(self.lang, part=part, by=lost.by or "")


def _one_line(formula: str) -> str:
    return " ".join(formula.split())
