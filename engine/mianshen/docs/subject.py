"""What the docs are of: a rulebook with its catalogue, the cases that show it, the texts of its documents.

In: a program, cases, a folder of texts. Out: `Subject`. Invariant: nothing of it depends on a language.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from mianshen.cases.read import CaseOf, Programs
from mianshen.catalogue import diagnostic
from mianshen.docs.evidence import Evidence, evidence_of
from mianshen.docs.links import Links
from mianshen.docs.quotes import Document
from mianshen.elaboration.coverage import Covered, coverage
from mianshen.policy.catalogue import Catalogue, Item
from mianshen.policy.descriptions import Descriptions
from mianshen.program.program import Citation, Clause, Program
from mianshen.source import Message, RuleError, Span

PER_PAGE: Final = 1_000  # expectations of a page of cases, about a quarter of a megabyte


@dataclass(frozen=True, slots=True)
class CasePage:
    """Some cases of a file on a page; `first`: the place of the first in the file, from 1; `numbers`: among all cases."""

    path: str
    first: int
    numbers: list[int]

    @property
    def last(self) -> int:
        """The place of the last case in the file."""
        return self.first + len(self.numbers) - 1


@dataclass(slots=True)
class Subject:
    """`roots`: the rulebook's folders and files, which places are shown relative to; likewise `case_roots`."""

    programs: Programs
    roots: Sequence[Path]
    case_roots: Sequence[Path] = ()
    evidence: Evidence | None = None
    documents: Mapping[str, Document] = field(default_factory=dict)  # by source
    catalogue: Catalogue = field(init=False)
    described: Descriptions = field(init=False)
    links: Links = field(init=False)
    covered: dict[str, list[Covered]] = field(init=False)  # the clauses of each source, those not listed last
    clauses: dict[Citation, str] = field(init=False)  # where each clause stands in the docs
    case_pages: dict[Path, list[CasePage]] = field(init=False)
    _case_paths: dict[int, str] = field(init=False)  # the page of each case, by its number

    def __post_init__(self) -> None:
        self.catalogue = Catalogue(self.program)
        self.described = Descriptions(self.catalogue)
        self.links = Links(self.catalogue)
        self.covered = {name: [] for name in self.program.sources}
        whole = replace(self.program, clauses=(*self.program.clauses, *self._unlisted()))
        for covered in coverage(whole):
            self.covered[covered.clause.citation.source or ""].append(covered)
        self.clauses = {
            covered.clause.citation: f"{self.links.paths[Item('source', name)]}#c{number}"
            for name, clauses in self.covered.items()
            for number, covered in enumerate(clauses, 1)
        }
        self.case_pages, self._case_paths = {}, {}
        by_file: dict[Path, list[int]] = {}
        for number, case in enumerate(() if self.evidence is None else self.evidence.cases):
            by_file.setdefault(case.file, []).append(number)
        for file, numbers in by_file.items():
            name = self.case_file(file).replace("/", ".")
            first = 1
            self.case_pages[file] = []
            for part in self._parts(numbers):
                path = self.links.path("cases", name if first == 1 else f"{name}.{first}")
                self.case_pages[file].append(CasePage(path, first, part))
                first += len(part)
            self._case_paths |= {
                number: page.path for page in self.case_pages[file] for number in page.numbers
            }

    def _parts(self, numbers: Sequence[int]) -> list[list[int]]:
        """Cases of a file, by number, as many together as a page holds."""
        assert self.evidence is not None
        parts: list[list[int]] = []
        room = 0
        for number in numbers:
            size = len(self.evidence.cases[number].expectations)
            if not parts or size > room:
                parts.append([])
                room = PER_PAGE
            parts[-1].append(number)
            room -= size
        return parts

    @property
    def program(self) -> Program:
        return self.programs.under(())

    def _unlisted(self) -> Iterator[Clause]:
        """The clauses that are cited and not listed."""
        program = self.program
        listed = {clause.citation for clause in program.clauses}
        citing: list[Citation] = [b.citation for b in program.benefits.values()]
        citing += [p.citation for d in program.decisions for p in d.provisions]
        citing += [dated.citation for figure in program.parameters.values() for dated in figure.series]
        citing += [planned.citation for planned in program.planned]
        for citation in dict.fromkeys(citing):
            if citation.source in program.sources and citation.clause and citation not in listed:
                yield Clause(citation, Message("", ""), ())

    def place(self, span: Span) -> str:
        """Where something stands, as the rulebook's folder has it."""
        return f"{relative(Path(span.file), self.roots)}:{span.line}"

    def case_file(self, file: Path) -> str:
        """A case file as the folder of cases has it."""
        return relative(file, self.case_roots)

    @property
    def quoted(self) -> int:
        """How many clauses are found in their documents."""
        listed = ((self.documents.get(c.source or ""), c.clause or "") for c in self.clauses)
        return sum(document is not None and document.quote(clause) is not None for document, clause in listed)

    def case_link(self, number: int, case: CaseOf) -> str:
        """Where a case stands in the docs; `number`: among all cases."""
        return f"{self._case_paths[number]}#{case.name}"


def relative(file: Path, roots: Sequence[Path]) -> str:
    """A file's path below the first root that holds it; its name where none does."""
    resolved = file.resolve()
    for root in roots:
        if root.is_dir() and resolved.is_relative_to(root.resolve()):
            return resolved.relative_to(root.resolve()).as_posix()
    return file.name


def _text(file: Path) -> str:
    """A document's text, UTF-8 or GB18030. Raises OSError; what is neither is read as far as it can be."""
    content = file.read_bytes()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("gb18030", errors="replace")


def subject_of(
    programs: Programs,
    roots: Sequence[Path],
    cases: Sequence[CaseOf] | None,
    case_roots: Sequence[Path],
    texts: Path | None,
    advance: Callable[[int], None] = lambda _: None,
) -> Subject:
    """Everything the docs are made from; `cases`: None where there are none. Raises RuleError, OSError."""
    program = programs.under(())
    documents = {
        source.name: Document(_text(texts / source.file))
        for source in program.sources.values()
        if texts is not None and source.file is not None and (texts / source.file).is_file()
    }
    if texts is not None and not documents:
        raise RuleError([diagnostic("E795.no_texts", Span(str(texts), 0, 0))])
    evidence = None if cases is None else evidence_of(cases, programs, Catalogue(program), advance)
    return Subject(programs, roots, case_roots, evidence, documents)
