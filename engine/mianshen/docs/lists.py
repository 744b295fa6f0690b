"""Pages that list: the start, each kind of thing, data tables, what is provisional, properties, coverage, files of cases.

In: a subject, a language. Out: `Page`s.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from os.path import commonprefix
from pathlib import Path
from typing import assert_never

from markupsafe import Markup, escape

from mianshen.casework.wording import DELIVERY
from mianshen.docs.links import fragment
from mianshen.docs.pages import LISTED, PROVISION_HEADS, ItemPages, Page, Section, mark, whole
from mianshen.docs.subject import CasePage
from mianshen.interpreter.formula import to_text
from mianshen.policy.case_coverage import PART_TITLES, PARTS
from mianshen.policy.catalogue import KINDS, Item, Kind
from mianshen.policy.descriptions import LABELS
from mianshen.program import program


class ListPages(ItemPages):
    """The lists, all of which stand in the language's own folder."""

    def start(self) -> Page:
        """The first page: what the rulebook is, its benefits."""
        page = Page("index.html", self.say(self.program.title), self.text("docs"), self.program.name)
        overlays = self.joined(self.program.overlays)
        page.lines = [(self.text("overlays"), overlays)] if overlays else []
        page.lines.append((self.text("digest"), Markup("<code>{}</code>").format(self.program.digest)))
        kinds = [(kind, self.catalogue.of_kind(kind)) for kind in LISTED]
        page.lines += [
            (self.say(KINDS[kind]), self.anchor(f"{kind}.html", str(len(items))))
            for kind, items in kinds
            if items
        ]
        if self.catalogue.of_kind("benefit"):
            page.sections.append(self._list("benefit"))
        return page

    def kind(self, kind: Kind) -> Page:
        return Page(f"{kind}.html", self.say(KINDS[kind]), sections=[self._list(kind)])

    def _list(self, kind: Kind) -> Section:
        names = {
            "benefit": ("title", "delivery", "clause", "coverage"),
            "decision": ("title", "entity", "type", "provisions", "coverage"),
            "provision": PROVISION_HEADS,
            "parameter": ("title", "value", "from", "basis", "clause"),
        }.get(kind, ("title", "name"))
        rows = [self._row(kind, item) for item in self.catalogue.of_kind(kind)]
        title = self.say(KINDS[kind]) if kind == "benefit" else ""
        return Section(title, heads=[self.text(name) for name in names], rows=rows)

    def _row(self, kind: Kind, item: Item) -> Sequence[Markup | str]:
        marks = Markup(" ").join(mark(part) for part in self.covered(item))
        match kind:
            case "benefit":
                benefit = self.program.benefits[item.name]
                return (
                    self.link(item),
                    self.say(DELIVERY[benefit.delivery]),
                    self.citation(benefit.citation),
                    marks,
                )
            case "decision":
                decision = self.program.decision(item.entity, item.name)
                entity = self.link(Item("entity", item.entity))
                return (
                    self.link(item),
                    entity,
                    self.type(decision.written),
                    str(len(decision.provisions)),
                    marks,
                )
            case "provision":
                return self.provision_row(item)
            case "parameter":
                parameter = self.program.parameters[item.name]
                return *self.latest(parameter), self.citation(parameter.series[-1].citation)
            case _:
                return self.link(item), Markup("<code>{}</code>").format(item)

    # -- tables of data ----------------------------------------------------------------------

    def tables(self) -> Page | None:
        """Figures with keys side by side: those that have the same keys under one title are columns of one table."""
        bases: dict[tuple[tuple[str, str], ...], list[str]] = {}
        keyed: dict[str, list[program.Parameter]] = {}
        for name, parameter in self.program.parameters.items():
            base, by_key, _ = name.partition("__")
            if by_key:
                keyed.setdefault(base, []).append(parameter)
        for base, parameters in keyed.items():
            keys = tuple((p.name.partition("__")[2], p.title.zh) for p in parameters)
            bases.setdefault(keys, []).append(base)
        sections = [self._table(columns, keyed) for columns in bases.values()]
        return Page("tables.html", self.text("tables"), sections=sections) if sections else None

    def _table(self, columns: Sequence[str], keyed: dict[str, list[program.Parameter]]) -> Section:
        first = keyed[columns[0]]
        rows = [
            [self.say(parameter.title), *(self._value(keyed[column][number]) for column in columns)]
            for number, parameter in enumerate(first)
        ]
        prefix = commonprefix([self.say(p.title) for p in first])  # noqa: RUF071  # characters, no paths
        title = prefix.rpartition("（" if self.lang == "zh" else " (")[0] or prefix
        return Section(
            title, fragment(columns[0]), ", ".join(columns), heads=[self.text("title"), *columns], rows=rows
        )

    def _value(self, parameter: program.Parameter) -> Markup:
        return self.link(Item("parameter", parameter.name), self.figure(parameter, parameter.series[-1]))

    # -- what is open ------------------------------------------------------------------------

    def open(self) -> Page:
        """What is provisional, not published, another place's, a pilot, or planned."""
        page = Page("open.html", self.text("open"))
        figures = [
            (self.link(Item("parameter", parameter.name)), whole(dated.start), whole(self.figure(parameter, dated)),
             mark(self.basis(dated.basis)), self.citation(dated.citation), whole(dated.review_by))
            for parameter in self.program.parameters.values()
            for dated in parameter.series
            if dated.basis != "cited"
        ]  # fmt: skip
        heads = [self.text(name) for name in ("title", "from", "value", "basis", "clause", "review_by")]
        page.sections.append(
            self._or_nothing(Section(self.text("figures_open"), "figures", heads=heads, rows=figures))
        )
        provisions = [
            self.provision_row(Item("provision", provision.name))
            for _, provision in self.catalogue.provisions.values()
            if provision.basis == "provisional" or provision.stand_in or provision.status == "pilot"
        ]
        heads = [self.text(name) for name in PROVISION_HEADS]
        page.sections.append(
            self._or_nothing(
                Section(self.text("provisions_open"), "provisions", heads=heads, rows=provisions)
            )
        )
        planned = [
            (Markup('<span id="{}">{}</span>').format(fragment(item.name), self.say(item.title)),
             Markup("<code>{}</code>").format(item.name), self.citation(item.citation))
            for item in self.program.planned
        ]  # fmt: skip
        heads = [self.text(name) for name in ("title", "name", "clause")]
        page.sections.append(
            self._or_nothing(Section(self.text("planned_open"), "planned", heads=heads, rows=planned))
        )
        return page

    def _or_nothing(self, section: Section) -> Section:
        if not section.rows:
            section.note = self.text("nothing")
        return section

    # -- properties --------------------------------------------------------------------------

    def properties(self) -> Page | None:
        """What the rulebook states of itself."""
        sections = []
        for stated in self.program.properties:
            when = " and ".join(to_text(part, stated.entity) for part in stated.when)
            lines: list[tuple[str, Markup | str]] = []
            if stated.entity:
                lines.append((self.text("entity"), self.link(Item("entity", stated.entity))))
            if when:
                lines.append((self.say(LABELS["when"]), Markup("<code>{}</code>").format(when)))
            lines += [(self.text("states"), self._claim(claim, stated.entity)) for claim in stated.claims]
            clause = self.citation(stated.citation)
            lines += [(self.text("clause"), clause)] if clause else []
            sections.append(Section(self.say(stated.title), fragment(stated.name), stated.name, lines=lines))
        return Page("properties.html", self.text("properties"), sections=sections) if sections else None

    def _claim(self, claim: program.Claim, entity: str) -> Markup | str:
        def decisions(names: Iterable[str]) -> Markup:
            return self.joined(self.link(Item("decision", name, entity)) for name in names)

        def fact(key: program.Key) -> Markup:
            return self.link(Item("fact", key[1], key[0]))

        match claim:
            case program.Holds(text=text):
                return Markup("<code>{}</code>").format(text)
            case program.AlwaysModelled(decisions=names):
                return self.filled("always_modelled", decisions=decisions(names))
            case program.NeverFalls(decisions=names, fact=key):
                return self.filled("never_falls", decisions=decisions(names), fact=fact(key))
            case program.NeverLess(decisions=names, fact=key, values=values, than=than):
                sides = {"values": self.joined(values), "than": self.joined(than)}
                return self.filled("never_less", decisions=decisions(names), fact=fact(key), **sides)
            case program.FiguresWithin(figures=figures):
                links = self.joined(self.link(Item("parameter", name)) for name in figures)
                return self.filled("within", figures=links)
            case _:
                assert_never(claim)

    # -- coverage ----------------------------------------------------------------------------

    def coverage(self) -> Page | None:
        """How much the cases try, and what they do not."""
        if self.evidence is None:
            return None
        result = self.evidence.coverage
        rows = [
            (self.say(PART_TITLES[part]), str(n.covered), str(n.all)) for part, n in result.counts.items()
        ]
        heads = [self.text(name) for name in ("part", "covered_count", "all_count")]
        page = Page("coverage.html", self.text("coverage"), sections=[Section(heads=heads, rows=rows)])
        heads = [self.text(name) for name in ("title", "what", "clause", "where")]
        for part in PARTS:
            untried = [
                (self._named_by(point.name), Markup("<code>{}</code>").format(point.what), self.citation(point.clause),
                 Markup("<code>{}</code>").format(self.subject.place(point.span)))
                for point in result.uncovered if point.part == part
            ]  # fmt: skip
            if untried:
                title = f"{self.text('untried')}: {self.say(PART_TITLES[part])}"
                page.sections.append(Section(title, part, heads=heads, rows=untried))
        return page

    def _named_by(self, name: str) -> Markup:
        items = [item for item in self.catalogue.named(name) if item.kind in ("provision", "parameter")]
        return self.link(items[0]) if items else escape(name)

    # -- cases -------------------------------------------------------------------------------

    def _case_links(self, file: Path, parts: Sequence[CasePage]) -> Markup:
        """A file of cases, with links to its pages."""
        name = self.subject.case_file(file)
        if len(parts) == 1:
            return self.anchor(parts[0].path, name)
        links = [self.anchor(part.path, f"{part.first}\u2060–\u2060{part.last}") for part in parts]
        return Markup("{} {}").format(name, Markup(" ").join(links))

    def cases_list(self) -> Page | None:
        if self.evidence is None:
            return None
        rows = [
            (self._case_links(file, parts), str(parts[-1].last))
            for file, parts in self.subject.case_pages.items()
        ]
        heads = (self.text("file"), self.text("count"))
        return Page("cases.html", self.text("cases"), sections=[Section(heads=heads, rows=rows)])
