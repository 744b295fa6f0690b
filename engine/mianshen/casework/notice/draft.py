"""Drafting a notice: what is asked about is found in the decided case, and put into words.

In: a checker, a case it has checked, what is asked about. Out: a `Notice` in one language.
Invariants: only decisions the answer rests on are told; the facts of other members of a household are
not, though the figures used for them are; the value of a personal fact is never told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from mianshen.casework.check import Checked, Checker
from mianshen.casework.notice import phrases
from mianshen.casework.notice.content import Given, Notice
from mianshen.casework.notice.digest import Digests, canonical_answer, digest_of, record_digest
from mianshen.casework.notice.office import Letterhead
from mianshen.casework.notice.working import Working
from mianshen.catalogue import diagnostic
from mianshen.interpreter.result import BenefitResult, RowResult, benefit_result, row_result
from mianshen.interpreter.rows import Row
from mianshen.interpreter.trace.walk import Caveats
from mianshen.program.calendar import MISSING as CALENDAR
from mianshen.program.program import Benefit, Citation, Program
from mianshen.program.titles import key_title, meant
from mianshen.source import Diagnostic, Lang, Message, RuleError, listed, suggestion, unlined
from mianshen.values import NOT_MODELLED, Missing
from mianshen.version import __version__

MOST_LISTED: Final = 24  # names in one sentence


@dataclass(frozen=True, slots=True)
class Subject:
    """What a notice is about: a benefit, or (with its outcome) a row below the person; or both."""

    benefit: str | None
    row: str | None
    file: str = ""  # the record's, for messages


def draft_of(checker: Checker, checked: Checked, subject: Subject) -> Draft:
    """The draft about a subject, in no office's name. Raises RuleError as `notice_of` does."""
    return Draft(checker, checked, subject, "en", None)


def notice_of(
    checker: Checker, checked: Checked, subject: Subject, lang: Lang, letterhead: Letterhead | None = None
) -> Notice:
    """The notice about a subject. Raises RuleError when the record has no such thing or it is rejected."""
    draft = Draft(checker, checked, subject, lang, letterhead)
    return draft.notice()


class Draft:
    """A notice being drafted: what is asked about, found in the case, and traced."""

    def __init__(
        self, checker: Checker, checked: Checked, subject: Subject, lang: Lang, letterhead: Letterhead | None
    ) -> None:
        self.letterhead = letterhead
        self.checker = checker
        self.checked = checked
        self.program: Program = checker.program
        self.words = checker.words
        self.lang: Lang = lang
        self.file = subject.file
        case = checked.case
        self.day = case.as_of.isoformat()
        self.row = self._row(subject)
        self.result = self._result(subject)
        trace = checker.explainer.trace(case, [(self.row, name) for name in self._names()])
        self.working = Working(self.words, case, self.row, trace, lang)

    # -- what is asked about -------------------------------------------------------------------

    def _row(self, subject: Subject) -> Row:
        """The row the answer is about; RuleError where there is none or it is rejected."""
        person = self.checked.case.person
        below = {row.key: row for row in person.children}
        if subject.benefit is None and subject.row is None:
            raise RuleError([diagnostic("E747.nothing_asked", unlined(self.file))])
        if subject.benefit is not None and subject.benefit not in self.program.benefits:
            raise RuleError([unknown_benefit(self.file, subject.benefit, self.program.benefits)])
        cancelled = {row.key: by.key for by, row in self.checked.case.reversed}
        if subject.row in cancelled and subject.row not in below:
            by = cancelled[subject.row]
            raise RuleError([diagnostic("E749.cancelled", unlined(self.file), key_name=subject.row, by=by)])
        if subject.row is not None and subject.row not in below:
            fix = suggestion(subject.row, below, otherwise=Message("请核对核定材料", "Check the record"))
            raise RuleError(
                [diagnostic("E741.unknown_row", unlined(self.file), fix=fix, key_name=subject.row)]
            )
        row = person if subject.row is None else below[subject.row]
        if subject.benefit is not None:
            row = self._of_benefit(subject.benefit, row)
        if subject.row is not None and row is not below[subject.row]:
            raise RuleError(
                [
                    diagnostic(
                        "E748.needs_no_row",
                        unlined(self.file),
                        benefit=subject.benefit or "",
                        entity=self.program.entities[row.entity].title,
                    )
                ]
            )
        if row.rejection is not None:
            title = self.program.entities[row.entity].title
            raise RuleError(
                [diagnostic("E743.row_rejected", unlined(self.file), entity=title, why=row.rejection.message)]
            )
        return row

    def _of_benefit(self, name: str, row: Row) -> Row:
        """The row that a benefit is decided for: the row named, the person, or what the person belongs to."""
        entity = self.program.benefits[name].entity
        at = next((one for one in row.lineage() if one.entity == entity), None)
        if at is not None:
            return at
        keys = [child.key for child in self.checked.case.person.children if child.entity == entity]
        names = listed(keys, MOST_LISTED)
        title = self.program.entities[entity].title
        raise RuleError(
            [diagnostic("E742.needs_row", unlined(self.file), benefit=name, entity=title, names=names)]
        )

    def _result(self, subject: Subject) -> BenefitResult | RowResult:
        if subject.benefit is None:
            return row_result(self.program, self.row)
        return benefit_result(self.program.benefits[subject.benefit], self.row)

    def _names(self) -> list[str]:
        """The decisions the answer consists of."""
        if isinstance(self.result, RowResult):
            return list(self.result.values)
        benefit = self.result.benefit
        settled = self.row.values[benefit.eligible] in (False, NOT_MODELLED)
        names = (benefit.eligible, *(() if settled else (benefit.amount, *benefit.shows)))
        return [name for name in names if name is not None]

    # -- the notice ----------------------------------------------------------------------------

    def notice(self) -> Notice:
        caveats = self._caveats()
        result, working = self.result, self.working
        return Notice(
            lang=self.lang,
            heading=self._say(self.program.notice or phrases.HEADING),
            subject=self._subject(),
            person=self.checked.case.person.key,
            person_title=self._say(key_title(self.program, self.program.entry)),
            day=self.day,
            status=result.status,
            status_words=self._say(phrases.STATUS[result.status]),
            amount=self._amount(),
            amount_title=self._amount_title(),
            reason=self._reason(),
            terms=tuple(self._terms()),
            clauses=tuple(self._clauses()),
            missing=tuple(self._say(self.words.missing([fact], self.row)) for fact in sorted(result.missing)),
            layers=tuple(working.layers()),
            counted=tuple(working.counted()),
            figures=tuple(working.figures()),
            provisional=tuple(self._say(self.words.provisional(name)) for name in caveats.provisional),
            facts=tuple(working.facts()),
            assumptions=tuple(self._assumptions(caveats)),
            remedies=tuple(self._remedies(caveats)),
            replay=tuple(self._replay()),
            code=self.digests().code(),
            letterhead=self.letterhead,
        )

    def _say(self, message: Message, **values: object) -> str:
        return message.in_(self.lang, **values)

    def _caveats(self) -> Caveats:
        """What anything told here rests on that is not certain."""
        case, explainer = self.checked.case, self.checker.explainer
        return explainer.rests_on(case, self.row, *self._names())

    def _subject(self) -> str:
        if isinstance(self.result, BenefitResult):
            title = self._say(self.result.benefit.title)
            own = self.row.parent is not None and self.row.parent.current is self.checked.case.person
            return f"{title} · {self._row_title()}" if own else title
        return self._row_title()

    def _row_title(self) -> str:
        entity = self.program.entities[self.row.entity]
        date = "" if entity.date is None else str(self.row.facts.get(entity.date, ""))
        return " ".join(filter(None, (self._say(entity.title), self.row.key, date)))

    def _amount(self) -> str:
        """The amount of a benefit, the outcome of a row; empty where there is none to tell."""
        name = self._amount_name()
        if name is None or self.result.status not in ("eligible", "decided"):
            return ""
        value = self.row.values[name]
        if not isinstance(value, Decimal):
            return self._say(phrases.NO_AMOUNT)
        yuan = " 元" if self.lang == "zh" else " yuan"
        decision = self.words.decisions[self.row.entity, name]
        return self._say(self.words.value(value, decision.written, decision.type)) + yuan

    def _amount_title(self) -> str:
        name = self._amount_name()
        return "" if name is None else self._say(self.words.decisions[self.row.entity, name].title)

    def _amount_name(self) -> str | None:
        if isinstance(self.result, BenefitResult):
            return self.result.benefit.amount
        return self.program.entities[self.row.entity].outcome

    def _reason(self) -> str:
        if self.result.status == "undetermined":
            return self._say(phrases.UNANSWERED)
        if isinstance(self.result, RowResult):
            return self._say(self.words.of_row(self.result))
        if self.row is self.checked.case.person or self.result.status == "not_modelled":
            return self._say(self.words.of_benefit(self.result, self.checker.explainer))
        return self._say(self.words.because(self.checker.explainer, self.row, self.result.benefit.eligible))

    def _terms(self) -> Iterator[Given]:
        if isinstance(self.result, BenefitResult) and self.result.status == "eligible":
            benefit = self.result.benefit
            how = self._say(phrases.DELIVERY[benefit.delivery])
            yield Given(self._say(phrases.HOW), "delivery", how)
            if benefit.paid_to is not None:
                yield Given(self._say(phrases.PAID_TO), "paid_to", self._say(benefit.paid_to))
            yield from map(self._told, benefit.shows)

    def _told(self, name: str) -> Given:
        """A decision worth showing beside the amount, such as a deadline."""
        decision = self.words.decisions[self.row.entity, name]
        value = self.words.value(self.row.values[name], decision.written, decision.type)
        return Given(self._say(decision.title), name, self._say(value))

    def _clauses(self) -> Iterator[str]:
        """The clause that decided, then the benefit's own where it is another."""
        cited: list[Citation] = []
        decided = self.words.provisions.get(self.result.reason)
        if decided is not None:
            cited.append(decided.citation)
        if isinstance(self.result, BenefitResult):
            cited.append(self.result.benefit.citation)
        yield from dict.fromkeys(self._say(self.words.citation(item)) for item in cited)

    # -- what holds, and what to do ------------------------------------------------------------

    def _assumptions(self, caveats: Caveats) -> Iterator[str]:
        yield self._say(phrases.UNDATED, day=self.day)
        for name in caveats.assumed:
            fact = next(fact for (_, part), fact in self.program.facts.items() if part == name)
            value = self._say(self.words.value(fact.when_absent, fact.written, fact.type))
            yield self._say(phrases.ABSENT, title=self._say(fact.title), value=value)
        if self.working.others:
            above = self.program.entities[
                self.program.entities[self.program.entry].parent or self.program.entry
            ]
            yield self._say(phrases.OTHERS, above=self._say(above.title))

    def _remedies(self, caveats: Caveats) -> Iterator[str]:
        facts = [fact for fact in self.result.missing if not _is_figure(fact)]
        if self.result.status == "not_modelled":
            yield self._say(phrases.REMEDIES["not_modelled"])
        if facts:
            yield self._say(
                phrases.REMEDIES["amount" if self.result.status == "eligible" else "undetermined"]
            )
        if len(facts) < len(self.result.missing):
            yield self._say(phrases.REMEDIES["figures"])
        if caveats.provisional:
            yield self._say(phrases.REMEDIES["provisional"])
        yield from self._stand_ins(caveats)
        own = () if self.letterhead is None else self.letterhead.remedies
        office = self._say(phrases.office(self.program))
        yield from own or (self._say(remedy, office=office) for remedy in phrases.ALWAYS)

    def _stand_ins(self, caveats: Caveats) -> Iterator[str]:
        """Where another place's rule stands in: which, and the local authority to be asked."""
        for name in caveats.provisional:
            provision = self.words.provisions.get(name)
            if provision is not None and provision.stand_in is not None:
                rule, authority = self.words.provisional(name), provision.stand_in.authority
                remedy = self._say(phrases.REMEDIES["stand_in"])
                yield remedy.format(rule=self._say(rule), authority=self._say(authority))

    def digests(self) -> Digests:
        """What the notice can be held against."""
        case = self.checked.case
        answer = digest_of(canonical_answer(case, self.result))
        return Digests(record_digest(case), f"sha256:{self.program.digest}", answer, self.day)

    def _replay(self) -> Iterator[Given]:
        def told(name: str, value: str) -> Given:
            return Given(self._say(phrases.REPLAY[name]), name, value)

        yield told("rulebook", self._say(self.program.title))
        digests = self.digests()
        yield told("rulebook_digest", digests.rulebook)
        if self.program.overlays:
            yield told("overlays", ", ".join(self.program.overlays))
        yield told("record_digest", digests.record)
        yield told("answer_digest", digests.answer)
        yield told("version", f"mianshen {__version__}")


def unknown_benefit(file: str, name: str, benefits: Mapping[str, Benefit]) -> Diagnostic:
    """Something is asked about that is no benefit's name or title."""
    return diagnostic("E740.unknown_benefit", unlined(file), fix=meant(name, benefits), name=name)


def _is_figure(missing: Missing) -> bool:
    """What the office, not the person, has to supply: a figure, or a year of the calendar."""
    return missing.name.startswith(("parameter ", CALENDAR))
