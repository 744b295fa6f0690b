"""A long trace in brief: each decision once, with its values at all rows and the provisions behind them.

In: a trace, words for its values. Out: lines of text in one language. What a benefit's reason says already is left out, and
of what is unknown all but the clauses; `Explanation` tells a part of a trace whole.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from decimal import Decimal

from mianshen.casework.wording import Words
from mianshen.interpreter.rows import Row
from mianshen.interpreter.trace.explain import Step, Trace, Used
from mianshen.program.program import Citation, Key
from mianshen.source import Lang
from mianshen.values import Unknown
from mianshen_cli import output
from mianshen_cli.render.explanation import PILOT, Explanation
from mianshen_cli.wording import wording

_UNRULED = wording("overview.unruled")


class Overview:
    """Puts long traces into few words. `tabled`: decisions whose values stand in a table above."""

    def __init__(self, words: Words, lang: Lang, tabled: Collection[Key] = ()) -> None:
        self.words = words
        self.program = words.program
        self.explanation = Explanation(words, lang)
        self.say = self.explanation.say
        self.lang = lang
        self.tabled = tabled
        self._sources: dict[str, int] = {}

    def text(self, trace: Trace, width: int | None) -> str:
        """Entity by entity, the decisions in the order in which they were made; then the sources by number."""
        steps: dict[str, dict[str, list[Step]]] = {}
        in_reasons = {(benefit.entity, benefit.eligible) for benefit in self.program.benefits.values()}
        for step in trace.steps:
            steps.setdefault(step.row.entity, {}).setdefault(step.decision.name, []).append(step)
        lines = [self.say(wording("overview.whole"))]
        for entity, decisions in steps.items():
            rows = list(dict.fromkeys(step.row for of_rows in decisions.values() for step in of_rows))
            lines += [
                "",
                f"== {self._heading(entity, rows)} ==",
                *self._decisions(decisions, in_reasons, rows),
            ]
        if self._sources:
            sources = self._listed(f"[{number}] {title}" for title, number in self._sources.items())
            lines += [
                "",
                f"{self.say(wording('overview.sources'))}{'：' if self.lang == 'zh' else ': '}{sources}",
            ]
        return output.folded("\n".join(lines), width).rstrip()

    def _heading(self, entity: str, rows: Iterable[Row]) -> str:
        keys = self._joined(output.printable(row.key) for row in rows)
        return f"{self.say(self.program.entities[entity].title)} {keys}".rstrip()

    def _joined(self, texts: Iterable[str]) -> str:
        return ("、" if self.lang == "zh" else ", ").join(texts)

    def _decisions(
        self, decisions: dict[str, list[Step]], in_reasons: Collection[Key], rows: list[Row]
    ) -> Iterator[str]:
        """The values and grounds of each decision; those of one provision, unknown, or not ruled in a line each."""
        unruled, unknown, further = list[str](), dict[str, list[str]](), dict[str, list[str]]()
        for steps in decisions.values():
            decision = steps[0].decision
            title = self.say(decision.title)
            if decision.key in in_reasons:
                continue
            ruled = [step for step in steps if step.used]
            if not ruled:
                unruled.append(title)
                continue
            clauses = self._joined(
                dict.fromkeys(self.cited(used.provision.citation) for step in ruled for used in step.used)
            )
            if all(isinstance(step.value, Unknown) for step in steps):
                unknown.setdefault(clauses, []).append(title)
                continue
            values = self._joined(self._by_rows(steps, rows, self._value))
            head = title if decision.key in self.tabled else f"{title} = {values}"
            limits = list(self._limits(steps, len(rows) > 1))
            if len(decision.provisions) == 1 and not limits:  # its title says what the decision's does
                further.setdefault(clauses, []).append(head)
                continue
            grounds = self._by_rows(ruled, [step.row for step in ruled], self._grounds)
            yield f"{head} | {self._listed([*grounds, *limits])}"
        for message, names in (
            (wording("overview.further"), further),
            (wording("overview.unknown"), unknown),
        ):
            if names:
                yield self.say(message, names=self._by_clause(names))
        if unruled:
            yield self.say(_UNRULED, names=self._joined(unruled))

    def _by_clause(self, by_clause: dict[str, list[str]]) -> str:
        return self._listed(f"{self._joined(names)} {cited}".rstrip() for cited, names in by_clause.items())

    def _listed(self, texts: Iterable[str]) -> str:
        return ("；" if self.lang == "zh" else "; ").join(texts)

    def _by_rows(self, steps: list[Step], rows: list[Row], say: Callable[[Step], str]) -> list[str]:
        """The text for each row; where it differs, or holds for some only, with those rows."""
        said: dict[str, list[str]] = {}
        for step in steps:
            said.setdefault(say(step), []).append(output.printable(step.row.key))
        if len(said) == 1 and len(steps) == len(rows):
            return list(said)
        return [f"{text} ({self._joined(keys)})" for text, keys in said.items()]

    def _value(self, step: Step) -> str:
        return self.say(self.words.value(step.value, step.decision.written, step.decision.type))

    def _grounds(self, step: Step) -> str:
        grounds = self._joined(map(self._ground, step.used))
        return grounds if len(step.used) == 1 else self.say(wording("overview.untold"), names=grounds)

    def _ground(self, used: Used) -> str:
        provision = used.provision
        pilot = f" [{self.say(PILOT)}]" if provision.status == "pilot" else ""
        return f"{self.say(provision.title)}{pilot} {self.cited(provision.citation)}".rstrip()

    def cited(self, citation: Citation) -> str:
        """A source by its number in the list at the end, and the clause."""
        source = self.say(self.words.citation(Citation(citation.source, None)))
        number = self._sources.setdefault(source, len(self._sources) + 1) if source else 0
        return " ".join(filter(None, (f"[{number}]" if number else "", citation.clause or "")))

    def _limits(self, steps: list[Step], several: bool) -> Iterator[str]:
        """What annual limits withheld, row by row."""
        for step in steps:
            for used in step.used:
                limited = used.limited
                if limited is not None and limited.withheld != Decimal(0):
                    row = f"{output.printable(step.row.key)} " if several else ""
                    yield f"{row}{self.explanation.limited(limited)}"
