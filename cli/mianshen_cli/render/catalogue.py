"""The catalogue of a rulebook as it reads on a terminal.

In: items of a catalogue. Out: text in one language: headings, tables, indented lines.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mianshen.casework.wording import BASIS
from mianshen.policy.catalogue import KIND, KINDS, Catalogue, Item
from mianshen.policy.descriptions import LABELS, Descriptions, Line, figure_words
from mianshen.program.program import Parameter
from mianshen.source import Lang, Message
from mianshen_cli import output
from mianshen_cli.usage_errors import Refused
from mianshen_cli.wording import wording


def items_named(catalogue: Catalogue, name: str) -> list[Item]:
    """What has the name; Refused where nothing has it."""
    items = catalogue.named(name)
    if items:
        return items
    near = catalogue.nearest(name)
    words = wording("catalogue.no_name") if near is None else wording("catalogue.near_name")
    raise Refused(words.filled(name=name, near=near))


class CatalogueView:
    """Puts a catalogue into words."""

    def __init__(self, catalogue: Catalogue, lang: Lang) -> None:
        self.catalogue = catalogue
        self.program = catalogue.program
        self.described = Descriptions(catalogue)
        self.lang = lang

    def everything(self) -> str:
        """Every name, a table for each kind."""
        parts = []
        for kind, heading in KINDS.items():
            rows = [(str(item), self.title(item)) for item in self.catalogue.of_kind(kind)]
            if rows:
                table = output.table(wording.heads("catalogue.names", self.lang), rows)
                parts.append(f"== {heading.in_(self.lang)} ({len(rows)}) ==\n{table}")
        return "\n\n".join(parts)

    def one(self, item: Item) -> str:
        """All there is to say about one item."""
        kind = KIND[item.kind].in_(self.lang)
        lines = [f"== {kind} {item} ==", self.title(item), *self._body(item)]
        if item.kind == "decision":
            lines.append("")
        for label, items in (
            ("reads", self.described.reads(item)),
            ("readers", self.described.readers(item)),
        ):
            if items:
                lines += self._lines([Line(label, items=items)])
        return "\n".join(lines)

    def title(self, item: Item) -> str:
        return output.printable(self.catalogue.titles[item].in_(self.lang))

    def _body(self, item: Item) -> Iterator[str]:
        yield from self._lines(self.described.of(item))
        if item.kind == "parameter":
            yield from self._figures(self.program.parameters[item.name])
        if item.kind == "codes":
            values = self.program.codes[item.name].values
            yield output.table(
                wording.heads("catalogue.codes", self.lang),
                [(code, label.in_(self.lang)) for code, label in values.items()],
            )
        if item.kind == "decision":
            decision = self.program.decision(item.entity, item.name)
            if not decision.provisions:
                yield f"  {wording('catalogue.unruled').in_(self.lang)}"
            for provision in decision.provisions:
                yield ""
                yield f"- {provision.name}  {output.printable(provision.title.in_(self.lang))}"
                yield from self._lines(self.described.provision(provision))

    def _figures(self, parameter: Parameter) -> Iterator[str]:
        """The values of a series as a table, and the notes on them."""
        words = self.described.words
        rows = [
            (
                str(dated.start),
                str(dated.end or ""),
                figure_words(words, parameter, dated).in_(self.lang),
                BASIS[dated.basis].in_(self.lang),
                words.citation(dated.citation).in_(self.lang),
                str(dated.review_by or ""),
            )
            for dated in parameter.series
        ]
        yield output.table(wording.heads("catalogue.figures", self.lang), rows, right=[2])
        for dated in parameter.series:
            if dated.note is not None:
                yield from self._lines([Line("note", Message(*[f"{dated.start} {dated.note}"] * 2))])

    # -- lines -------------------------------------------------------------------------------

    def _lines(self, lines: Iterable[Line]) -> Iterator[str]:
        """`  label  text`, several lines of text below each other; a mark is its label alone."""
        for line in lines:
            head, text = LABELS[line.label].in_(self.lang), self._text(line)
            if not text:
                yield f"  {head}"
                continue
            gap = " " * max(12 - output.width(head), 1)
            for index, row in enumerate(text.rstrip().split("\n")):
                yield f"  {head}{gap}{row}" if index == 0 else " " * 14 + row

    def _text(self, line: Line) -> str:
        names = ", ".join(map(str, line.items))
        if line.formula:
            beside = line.words.in_(self.lang)
            return line.formula + (f" ({names})" if names else "") + (f"  {beside}" if beside else "")
        return names or line.words.in_(self.lang)
