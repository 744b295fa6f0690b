"""A change of rules as the annex of a draft: one printed document in Chinese, for those who decide on it.

In: the program after the change, the content of `compare.json`, what differs in the rules, the cases that move. Out: HTML for A4.
Invariants: every change stands under its clause; a difference stands beside the least and most it may come to where facts
are unknown; what is provisional is named; nobody is named but by a case.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from mianshen.cases.changes import Changes, moved_words, outcome_words
from mianshen.casework.wording import BASIS, Words
from mianshen.impact.page import WORDS, template
from mianshen.policy.catalogue import Catalogue, Item, titles_of
from mianshen.policy.descriptions import figure_words
from mianshen.policy.rule_diff import RuleChange
from mianshen.program.program import Program

MOST_CASES: Final = 60  # moved expectations that are printed
MOST_GROUPS: Final = 40  # rows of a breakdown


@dataclass(frozen=True)
class Statement:
    """`moved`: what changes in the cases' expectations, where cases were named; `case_digests`: of their files."""

    after: Program
    content: Mapping[str, Any]
    changes: Sequence[RuleChange]
    moved: Changes | None = None
    case_digests: Mapping[str, str] | None = None

    def html(self) -> str:
        """The document."""
        moved = () if self.moved is None else self.moved.changes
        content = self.content
        return template("statement.html").render(
            content=content, title=self.after.title.zh, overlays=content["after"].get("overlays", ()), words=WORDS,
            clauses=list(self._clauses()), entities=self.after.entities, most_groups=MOST_GROUPS,
            groups=[group for group in content["groups"] if group["groups"]],
            cases=None if self.moved is None else list(self._cases())[:MOST_CASES],
            touched=len({str(change.case) for change in moved}), expectations=len(moved),
            left_out=() if self.moved is None else [str(case.name) for case in self.moved.left_out],
            provisional=list(self._provisional()), inputs={**content.get("inputs", {}), **(self.case_digests or {})},
        )  # fmt: skip

    @cached_property
    def words(self) -> Words:
        return Words(self.after)

    def _clauses(self) -> Iterator[tuple[str, list[dict[str, str]]]]:
        """The changes under the clause that each stands on; those that name none come last."""
        by_clause: dict[str, list[dict[str, str]]] = {}
        titles = titles_of(self.after)
        for change in self.changes:
            benefits = [
                titles[item].zh for item in change.resting if item.kind == "benefit" and item in titles
            ]
            by_clause.setdefault(self.words.citation(change.clause).zh, []).append(
                {
                    "title": change.title.zh, "name": change.name, "part": change.of.zh, "was": change.was.zh,
                    "now": change.now.zh, "benefits": "、".join(benefits),
                }
            )  # fmt: skip
        yield from sorted(by_clause.items(), key=lambda item: not item[0])

    def _cases(self) -> Iterator[tuple[str, str, str, str]]:
        for change in () if self.moved is None else self.moved.changes:
            was, now = (outcome_words(change, text, self.words).zh for text in (change.before, change.after))
            yield change.case.label, moved_words(change, self.words).zh, was, now

    def _provisional(self) -> Iterator[tuple[str, str, str, str]]:
        """The figures and provisions of provisional or missing ground that changed decisions rest on, on the day."""
        catalogue, day = Catalogue(self.after), dt.date.fromisoformat(self.content["as_of"])
        for item in sorted(_behind(catalogue, self.changes)):
            if item.kind == "parameter":
                parameter = self.after.parameters[item.name]
                for dated in parameter.series:
                    if dated.basis != "cited" and dated.holds_on(day):
                        value = figure_words(self.words, parameter, dated).zh or "—"
                        clause = self.words.citation(dated.citation).zh
                        yield parameter.title.zh, value, BASIS[dated.basis].zh, clause
            if item.kind == "provision":
                _, provision = catalogue.provisions[item.name]
                if provision.basis == "provisional" or provision.stand_in is not None:
                    words = self.words.provisional(item.name).zh
                    yield words, "—", BASIS["provisional"].zh, self.words.citation(provision.citation).zh


def _behind(catalogue: Catalogue, changes: Sequence[RuleChange]) -> set[Item]:
    """What changed, and the provisions of the decisions that read it with the figures they read."""
    direct = {Item("parameter", change.name) for change in changes if change.kind == "figure"}
    direct &= catalogue.titles.keys()
    provisions = {
        item for figure in direct for item in catalogue.readers.get(figure, ()) if item.kind == "provision"
    }
    provisions |= {
        Item("provision", c.name) for c in changes if c.kind == "provision" and c.name in catalogue.provisions
    }
    figures = {
        item for provision in provisions for item in catalogue.reads[provision] if item.kind == "parameter"
    }
    return direct | provisions | figures
