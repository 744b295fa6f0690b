"""The words of a clause, found in the text of its document.

In: the text of a document, a clause as rules cite it: `四（一）4（预警线）`. Out: a `Quote`, or None.
Invariants: a numbered clause is what stands under that number in the document, where the number leads to one place
alone; any other is quoted as the sentences that hold its words, and the quote says which way it was found.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

Path: TypeAlias = tuple[str, str, str]  # numbers of part, section and item; empty: the part or section itself

_LABEL: Final = re.compile(
    r"(?P<part>[一二三四五六七八九十]+)(?:（(?P<section>[一二三四五六七八九十]+)）)?"
    r"(?P<items>[0-9]{1,3}(?:[-–—、][0-9]{1,3})*)?(?:（(?P<subject>[^（）]+)）)?"
)
_RANGE: Final = re.compile(r"([0-9]+)(?:[-–—]([0-9]+))?")
_HEADINGS: Final = (
    re.compile(r"(?P<part>[一二三四五六七八九十]+)、"),
    re.compile(r"[（(](?P<section>[一二三四五六七八九十]+)[）)]"),
    re.compile(r"(?P<item>[0-9]{1,3})[.．、](?![0-9])"),
)
_WORDS: Final = re.compile(r"(?:[^（）]*（)?([^（）]{2,}?)(?:段）?|）)?")
_SENTENCES: Final = re.compile(r"[^。；\n]+[。；]?")
_ENDED: Final = tuple("。；：！？.;:!?")
MOST_SENTENCES: Final = 3
SHORTEST_BROKEN: Final = 12  # characters of a line that may go on in the next


@dataclass(frozen=True, slots=True)
class Quote:
    """Paragraphs of a document; `words`: those of the clause's subject, where they stand in it."""

    paragraphs: tuple[str, ...]
    found_by: Literal["number", "words"]
    words: str = ""


class Document:
    """One document, its paragraphs under their numbers."""

    def __init__(self, text: str) -> None:
        self.paragraphs = _paragraphs(line.strip() for line in text.splitlines())
        self.numbered: dict[Path, list[list[str]]] = {}  # a list for each place that has the number
        for path, opens, paragraph in _under_numbers(self.paragraphs):
            places = self.numbered.setdefault(path, [])
            if opens or not places:
                places.append([])
            places[-1].append(paragraph)

    def quote(self, clause: str) -> Quote | None:
        """The words of a clause, None where they are not found."""
        label = _LABEL.fullmatch(clause)
        if label is not None:
            paragraphs = tuple(self._numbered(label))
            if paragraphs:
                subject = label["subject"] or ""
                return Quote(paragraphs, "number", subject if subject in "".join(paragraphs) else "")
        words = _WORDS.fullmatch(clause)
        sentences = () if words is None else tuple(self._holding(words[1]))
        return Quote(sentences, "words", words[1]) if words is not None and sentences else None

    def _numbered(self, label: re.Match[str]) -> Iterator[str]:
        part, section, items = label["part"], label["section"] or "", label["items"]
        if items is None:
            paths: Iterable[Path] = [path for path in self.numbered if _within(path, part, section)]
        else:
            ranges = _RANGE.findall(items)
            numbers = (n for first, last in ranges for n in range(int(first), int(last or first) + 1))
            paths = [(part, section, str(number)) for number in numbers]
        places = [self.numbered.get(path, []) for path in paths]
        if all(len(at) == 1 for at in places):
            for (paragraphs,) in places:
                yield from paragraphs

    def _holding(self, words: str) -> Iterator[str]:
        """The first sentences that hold the words."""
        sentences = (sentence for paragraph in self.paragraphs for sentence in _SENTENCES.findall(paragraph))
        holding = [sentence.strip() for sentence in sentences if words in sentence]
        yield from dict.fromkeys(holding[:MOST_SENTENCES])


def _paragraphs(lines: Iterable[str]) -> list[str]:
    """The lines that say something, one that breaks off joined with what follows unless that has a number."""
    paragraphs: list[str] = []
    for line in filter(None, lines):
        last = paragraphs[-1] if paragraphs else ""
        broken = len(last) >= SHORTEST_BROKEN and not last.endswith(_ENDED)
        if broken and not any(pattern.match(line) for pattern in _HEADINGS):
            paragraphs[-1] += line
        else:
            paragraphs.append(line)
    return paragraphs


def _within(path: Path, part: str, section: str) -> bool:
    return path[0] == part and (not section or path[1] == section)


def _under_numbers(paragraphs: Iterable[str]) -> Iterator[tuple[Path, bool, str]]:
    """Each paragraph from the first number on, with where it stands and whether it opens that place."""
    part = section = item = ""
    for paragraph in paragraphs:
        opened = [pattern.match(paragraph) for pattern in _HEADINGS]
        if opened[0]:
            part, section, item = opened[0]["part"], "", ""
        elif opened[1] and part:
            section, item = opened[1]["section"], ""
        elif opened[2] and part:
            item = opened[2]["item"]
        if part:
            yield (part, section, item), any(opened), paragraph
