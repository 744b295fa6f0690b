"""The pages of one language: what stands on each, before it is laid out.

In: a subject, a language. Out: `Page`s of `Section`s, whose cells are HTML already.
Invariants: every text that comes from a rulebook or case is escaped; whatever a page leads to is a page of the docs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from markupsafe import Markup, escape

from mianshen.casework.wording import BASIS
from mianshen.docs.links import fragment, href
from mianshen.docs.plot import plot, steps_of
from mianshen.docs.subject import Subject
from mianshen.interpreter.formula import to_text
from mianshen.policy.case_coverage import PART_TITLES
from mianshen.policy.catalogue import KIND, Item, Kind
from mianshen.policy.descriptions import LABELS, Line, figure_words
from mianshen.policy.rule_graph import graph_of, svg
from mianshen.program.core import Choice, Code, Listing
from mianshen.program.program import Citation, Dated, Decision, Parameter, Provision
from mianshen.source import Lang, Message
from mianshen.templates import breakable
from mianshen.wording import wording

FEW: Final = 12  # links shown before the rest is folded
PROVISION_HEADS: Final = ("title", "name", "area", "clause", "notes")
LONGEST_WHOLE: Final = 20  # characters of a value that stays on one line
MOST_CASES: Final = 60  # links in all
MOST_NODES: Final = 40  # of a picture of what rests on what
DRAWN: Final[tuple[Kind, ...]] = ("benefit", "decision", "parameter", "accumulator")
LISTED: Final[tuple[Kind, ...]] = (
    "benefit", "decision", "provision", "parameter", "accumulator", "entity", "codes", "function", "source",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mark:
    """A word that says what to mind; `sort`: good, warn, bad or plain."""

    words: str
    sort: str = "plain"


@dataclass(slots=True)
class Section:
    """A part of a page; what is empty is not shown. `items` of which `FEW` are shown at once."""

    title: str = ""
    place: str = ""
    name: str = ""
    marks: Sequence[Mark] = ()
    note: str = ""
    lines: Sequence[tuple[str, Markup | str]] = ()
    picture: str = ""
    wide: bool = False  # whether the picture is looked at through a window
    heads: Sequence[str] = ()
    rows: Sequence[Sequence[Markup | str]] = ()
    beside: str = ""  # what the items are, where the title does not tell
    items: Sequence[Markup] = ()
    unlisted: int = 0  # items that there are beside those
    quoted: str = ""  # how the quotes were found
    quotes: Sequence[Markup] = ()


@dataclass(slots=True)
class Page:
    """A page below a language's folder, and what leads it."""

    path: str
    title: str
    kind: str = ""
    name: str = ""
    marks: Sequence[Mark] = ()
    lines: Sequence[tuple[str, Markup | str]] = ()
    sections: list[Section] = field(default_factory=list)

    @property
    def up(self) -> str:
        """From the page to its language's folder."""
        return "../" * self.path.count("/")


class Writer:
    """Puts things into words and links of one language, on pages one folder down."""

    def __init__(self, subject: Subject, lang: Lang, up: str = "../") -> None:
        self.subject, self.lang, self.up = subject, lang, up
        self.program, self.catalogue = subject.program, subject.catalogue
        self.described, self.links, self.evidence = subject.described, subject.links, subject.evidence
        self.words = subject.described.words
        self.texts, self.types = wording.labels("docs", lang), wording.group("value_types")

    def say(self, words: Message) -> str:
        return words.in_(self.lang)

    def text(self, name: str, **values: object) -> str:
        return self.texts[name].format(**values) if values else self.texts[name]

    def filled(self, name: str, **parts: Markup | str) -> Markup:
        """A text with parts that may be HTML."""
        return escape(self.texts[name]).format(**parts)

    def link(self, item: Item, words: str = "") -> Markup:
        return self.links.link(item, self.lang, self.up, words)

    def anchor(self, path: str, words: str) -> Markup:
        return Markup('<a href="{}">{}</a>').format(href(self.up, path), words)

    def joined(self, parts: Iterable[Markup | str]) -> Markup:
        return escape("、" if self.lang == "zh" else ", ").join(parts)

    def citation(self, citation: Citation) -> Markup | str:
        words = self.say(self.words.citation(citation))
        path = self.subject.clauses.get(citation)
        if path is None and citation.source is not None and citation.source in self.program.sources:
            path = self.links.paths[Item("source", citation.source)]
        return words if path is None or not words else self.anchor(path, words)

    def type(self, written: str) -> Markup | str:
        """A type in words; of a code the list it is of."""
        if written in self.types:
            return self.say(self.types[written])
        return self.link(Item("codes", written.rpartition(" ")[2]))

    def lines(
        self, lines: Iterable[Line], read: Iterable[Item] = (), home: str = ""
    ) -> list[tuple[str, Markup | str]]:
        """Lines of a description; places in files are left to the pages that show them."""
        names = self.links.names(read, home)
        return [
            (self.say(LABELS[line.label]), self._line(line, names))
            for line in lines
            if line.label != "place" and self._line(line, names)
        ]

    def _line(self, line: Line, names: dict[str, Item]) -> Markup | str:
        parts: list[Markup | str] = []
        if line.formula:
            parts.append(
                Markup("<code>{}</code>").format(
                    self.links.formula(
                        line.formula, {} if line.label == "call" else names, self.lang, self.up
                    )
                )
            )
        if line.items:
            parts.append(self.joined(self.link(item) for item in line.items))
        words = self.say(line.words)
        if line.citation is not None:
            parts.append(self.citation(line.citation))
        elif words:
            parts.append(self.type(words) if line.label == "type" else words)
        return Markup(" ").join(parts)

    def figure(self, parameter: Parameter, dated: Dated) -> str:
        return self.say(figure_words(self.words, parameter, dated)) or self.say(BASIS["missing"])

    def basis(self, basis: str) -> Mark:
        return Mark(self.say(BASIS[basis]), "plain" if basis == "cited" else "warn")

    def cases(self, item: Item) -> list[Markup]:
        """Links to the cases that show an item."""
        if self.evidence is None:
            return []
        numbers = self.evidence.shows.get(item, ())
        cases = [(number, self.evidence.cases[number]) for number in numbers[:MOST_CASES]]
        return [
            self.anchor(self.subject.case_link(number, case), breakable(case.label)) for number, case in cases
        ]

    def unlisted(self, item: Item) -> int:
        """How many more cases show an item than are linked."""
        numbers = () if self.evidence is None else self.evidence.shows.get(item, ())
        return max(0, len(numbers) - MOST_CASES)

    def covered(self, item: Item) -> list[Mark]:
        """How many cases show it; none is said, too."""
        if self.evidence is None:
            return []
        count = len(self.evidence.shows.get(item, ()))
        return [Mark(self.text("covered", n=count), "good") if count else Mark(self.text("uncovered"), "bad")]

    def untried(self, name: str) -> list[Markup]:
        """What no case tries of a provision or parameter."""
        points = () if self.evidence is None else self.evidence.uncovered.get(name, ())
        return [escape(f"{self.say(PART_TITLES[point.part])} {point.what}".strip()) for point in points]


class ItemPages(Writer):
    """The page of each thing that has one."""

    def page(self, item: Item) -> Page:
        page = Page(
            self.links.paths[item], self.say(self.catalogue.titles[item]), self.say(KIND[item.kind]), str(item),
            lines=self.lines(self.described.of(item), self.described.reads(item), item.entity),
        )  # fmt: skip
        page.sections += self._own(item, page)
        reads, readers = self.described.reads(item), self.described.readers(item)
        page.sections += [Section(self.text(name), name, items=self._named(items))
                          for name, items in (("reads", reads), ("readers", readers)) if items]  # fmt: skip
        if item.kind in DRAWN:
            page.sections += self._lineage(item)
        cases = self.cases(item)
        if cases and item.kind != "decision":  # those of its provisions are with them
            page.sections.append(
                Section(self.text("shown_by"), "cases", items=cases, unlisted=self.unlisted(item))
            )
        return page

    def _own(self, item: Item, page: Page) -> Iterator[Section]:
        """What things of its kind alone have."""
        match item.kind:
            case "decision":
                yield from self._decision(self.program.decision(item.entity, item.name))
            case "parameter":
                page.marks = self.covered(item)
                yield from self._parameter(self.program.parameters[item.name])
            case "benefit":
                page.marks = self.covered(item)
                yield from self._grounds(item)
            case "accumulator":
                page.marks = self.covered(item)
            case "codes":
                yield from self._codes(item.name)
            case "entity":
                yield self._facts(item.name)
            case "function":
                yield from self._function(item.name)
            case "source":
                yield from self._clauses(item.name)
            case "provision" | "planned" | "fact":
                return

    def _grounds(self, benefit: Item) -> Iterator[Section]:
        """The provisions of each decision that a benefit is made of."""
        for decision in self.described.reads(benefit):
            provisions = self.program.decision(decision.entity, decision.name).provisions
            rows = [self.provision_row(Item("provision", provision.name)) for provision in provisions]
            heads = [self.text(name) for name in PROVISION_HEADS]
            title, note = (
                self.say(self.catalogue.titles[decision]),
                "" if rows else self.text("no_provisions"),
            )
            yield Section(
                title, fragment(str(decision)), name=str(decision), note=note, heads=heads, rows=rows
            )

    def provision_row(self, item: Item) -> list[Markup | str]:
        """A provision in a table: title, name, place, clause, what to mind."""
        _, provision = self.catalogue.provisions[item.name]
        where = next(line for line in self.described.provision(provision) if line.label == "where")
        marks = Markup(" ").join(mark(part) for part in self.marks(provision))
        name = Markup("<code>{}</code>").format(item.name)
        return [self.link(item), name, self.say(where.words), self.citation(provision.citation), marks]

    def _named(self, items: Iterable[Item]) -> list[Markup]:
        return [Markup('{} <span class="soft">{} {}</span>').format(self.link(item), self.say(KIND[item.kind]), item)
                for item in items]  # fmt: skip

    def _lineage(self, item: Item) -> Iterator[Section]:
        """What rests on what, two steps to either side, or one where that is too much to look at."""
        graphs = (graph_of(self.catalogue, [item], depth) for depth in (2, 1))
        graph = next((g for g in graphs if sum(map(len, g.columns.values())) <= MOST_NODES), None)
        if graph is not None and graph.reads:
            picture = svg(graph, self.catalogue, self.lang, lambda node: self._address(node, item))
            yield Section(
                self.text("lineage"), "lineage", note=self.text("lineage_note"), picture=picture, wide=True
            )

    def _address(self, node: Item, own: Item) -> str | None:
        path = self.links.paths.get(node)
        return None if path is None or node == own else href(self.up, path)

    # -- decisions ---------------------------------------------------------------------------

    def _decision(self, decision: Decision) -> Iterator[Section]:
        if not decision.provisions:
            yield Section(self.text("provisions"), note=self.text("no_provisions"))
        for provision in decision.provisions:
            yield self._provision(decision, provision)

    def _provision(self, decision: Decision, provision: Provision) -> Section:
        item = Item("provision", provision.name)
        section = Section(
            self.say(provision.title), fragment(provision.name), provision.name, self.marks(provision)
        )
        section.lines = self.lines(
            self.described.provision(provision), self.catalogue.reads[item], decision.entity
        )
        section.lines += [
            (self.say(LABELS["place"]), Markup("<code>{}</code>").format(self.subject.place(provision.span)))
        ]
        if isinstance(provision.value, Choice):
            section.heads = (self.say(LABELS["when"]), self.say(LABELS["value"]))
            section.rows = [[Markup("<code>{}</code>").format(to_text(part, decision.entity)) for part in row]
                            for row in provision.value.rows]  # fmt: skip
        untried = self.untried(provision.name)
        if untried:
            section.lines += [(self.text("untried"), Markup("<br>").join(untried))]
        section.beside, section.items = self.text("shown_by"), self.cases(item)
        section.unlisted = self.unlisted(item)
        return section

    def marks(self, provision: Provision) -> list[Mark]:
        """What to mind of a provision: provisional, a stand-in, a pilot; whether cases show it."""
        marks = []
        if provision.basis == "provisional":
            marks.append(self.basis("provisional"))
        if provision.stand_in is not None:
            of, authority = self.say(provision.stand_in.of), self.say(provision.stand_in.authority)
            marks.append(Mark(self.text("stand_in", of=of, authority=authority), "warn long"))
        if provision.status == "pilot":
            marks.append(Mark(self.text("pilot"), "warn"))
        if provision.fallback:
            marks.append(Mark(self.text("fallback")))
        if provision.exceptions:
            marks.append(Mark(self.text("exception")))
        return marks + self.covered(Item("provision", provision.name))

    # -- figures -----------------------------------------------------------------------------

    def _parameter(self, parameter: Parameter) -> Iterator[Section]:
        labels = [self.figure(parameter, dated) for dated in parameter.series]
        rows = [
            (
                whole(dated.start), whole(dated.end), label, mark(self.basis(dated.basis)), self.citation(dated.citation),
                whole(dated.review_by), dated.note or "",
            )
            for dated, label in zip(parameter.series, labels, strict=True)
        ]  # fmt: skip
        heads = [
            self.text(name) for name in ("from", "until", "value", "basis", "clause", "review_by", "note")
        ]
        picture = plot(steps_of(parameter, labels), self.say(parameter.title))
        place = Markup("<code>{}</code>").format(self.subject.place(parameter.span))
        section = Section(self.text("over_time"), "values", picture=picture, heads=heads, rows=rows)
        section.lines = [(self.say(LABELS["place"]), place)]
        untried = self.untried(parameter.name)
        if untried:
            section.lines.append((self.text("untried"), Markup("<br>").join(untried)))
        yield section
        beside = self.keyed(parameter.name)
        if len(beside) > 1:
            heads = [self.text(name) for name in ("title", "value", "from", "basis")]
            yield Section(
                self.text("keys"), "keys", heads=heads, rows=[self.latest(other) for other in beside]
            )

    def keyed(self, name: str) -> list[Parameter]:
        """The figures that are looked up by keys together with it."""
        base, keyed, _ = name.partition("__")
        return [p for n, p in self.program.parameters.items() if keyed and n.startswith(f"{base}__")]

    def latest(self, parameter: Parameter) -> list[Markup | str]:
        """A figure as it is from its newest day on."""
        dated = parameter.series[-1]
        value = whole(self.figure(parameter, dated))
        return [
            self.link(Item("parameter", parameter.name)),
            value,
            whole(dated.start),
            mark(self.basis(dated.basis)),
        ]

    # -- vocabulary --------------------------------------------------------------------------

    def _codes(self, name: str) -> Iterator[Section]:
        rows = [(code, self.say(label)) for code, label in self.program.codes[name].values.items()]
        yield Section(self.text("codes"), "codes", heads=(self.text("code"), self.text("label")), rows=rows)
        using = [
            Item("fact", fact.name, fact.entity)
            for fact in self.program.facts.values()
            if (fact.type.item if isinstance(fact.type, Listing) else fact.type) == Code(name)
        ]
        if using:
            yield Section(self.text("used_by"), "facts", items=self._named(using))

    def _facts(self, entity: str) -> Section:
        heads = [self.text(name) for name in ("title", "name", "type", "range", "readers")]
        facts = [fact for fact in self.program.facts.values() if fact.entity == entity]
        rows = []
        for fact in facts:
            item = Item("fact", fact.name, entity)
            title = Markup('<span id="{}">{}</span>').format(fragment(fact.name), self.say(fact.title))
            lines = [line for line in self.described.of(item) if line.label != "type"]
            ranges = [f"{self.say(LABELS[line.label])} {self.say(line.words)}".strip() for line in lines]
            readers = self.folded([self.link(reader) for reader in self.described.readers(item)])
            rows.append((title, Markup("<code>{}</code>").format(fact.name), self.type(fact.written),
                         "；".join(ranges) if self.lang == "zh" else "; ".join(ranges), readers))  # fmt: skip
        return Section(self.text("facts"), "facts", heads=heads, rows=rows)

    def folded(self, links: Sequence[Markup]) -> Markup:
        """Links one below the other, the most of them behind a line to be opened."""
        if len(links) <= 3:
            return Markup("<br>").join(links)
        return Markup("<details><summary>{}</summary>{}</details>").format(
            len(links), Markup("<br>").join(links)
        )

    def _function(self, name: str) -> Iterator[Section]:
        call = re.compile(rf"\b{name}\(")
        users = [
            Item("provision", provision.name)
            for _, provision in self.catalogue.provisions.values()
            if call.search(provision.value_text) or call.search(provision.when_text or "")
        ]
        if users:
            yield Section(self.text("readers"), "readers", items=self._named(users))

    # -- sources -----------------------------------------------------------------------------

    def _clauses(self, source: str) -> Iterator[Section]:
        document = self.subject.documents.get(source)
        for number, covered in enumerate(self.subject.covered[source], 1):
            clause = covered.clause
            section = Section(clause.citation.clause or "", f"c{number}", note=self.say(clause.subject))
            answers = [self._answer(answer.kind, answer.name) for answer in covered.answers]
            state = "answered" if answers else "left_out" if covered.left_out else "unanswered"
            sorts = {"answered": "good", "left_out": "plain", "unanswered": "bad"}
            section.marks = [Mark(self.text(state), sorts[state])]
            section.lines = [(self.text("left_out"), self.say(out.reason)) for out in covered.left_out]
            quote = None if document is None else document.quote(clause.citation.clause or "")
            if quote is not None:
                section.quoted = self.text(f"quote_{quote.found_by}").format(words=quote.words)
                section.quotes = [marked(paragraph, quote.words) for paragraph in quote.paragraphs]
            elif document is not None:
                section.lines.append((self.text("clause"), self.text("no_quote")))
            section.beside, section.items = self.text("answers"), answers
            yield section

    def _answer(self, kind: str, name: str) -> Markup:
        """A link to what answers a clause; of a table to its first row."""
        for item in self.catalogue.named(name):
            if item.kind in ("benefit", "provision", "parameter", "planned", "decision"):
                return Markup('{} <span class="soft">{}</span>').format(self.link(item), name)
        return escape(name)


def whole(text: object) -> Markup:
    """A date or value that is not broken over lines, but for long ones; nothing for None."""
    if text is None or len(str(text)) > LONGEST_WHOLE:
        return escape(text or "")
    return Markup('<span class="whole">{}</span>').format(text)


def mark(word: Mark) -> Markup:
    return Markup('<span class="mark {}">{}</span>').format(word.sort, word.words)


def marked(paragraph: str, words: str) -> Markup:
    """A paragraph in which the words stand out."""
    if not words:
        return escape(paragraph)
    return Markup("<mark>{}</mark>").format(words).join(map(escape, paragraph.split(words)))
