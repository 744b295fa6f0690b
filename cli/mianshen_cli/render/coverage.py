"""Which clause of the sources is answered by what, as it reads on a terminal.

In: a program. Out: text in one language: source by source, clause by clause, and a count.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from mianshen.casework.wording import Words
from mianshen.elaboration.coverage import Answer, Covered, coverage
from mianshen.program.program import Citation, Program
from mianshen.source import Lang
from mianshen_cli import output
from mianshen_cli.wording import wording

_KINDS = wording.group("coverage.kinds")
_WIDTH = 96


class CoverageView:
    """Shows the coverage of one program."""

    def __init__(self, program: Program, lang: Lang) -> None:
        self.words = Words(program)
        self.covered = coverage(program)
        self.lang: Lang = lang

    @property
    def complete(self) -> bool:
        """Whether every clause has an answer or a reason."""
        return all(item.answers or item.left_out for item in self.covered)

    def text(self) -> str:
        """Everything, source by source."""
        return "\n".join(self._parts())

    def _parts(self) -> Iterator[str]:
        for source, group in groupby(self.covered, key=lambda item: item.clause.citation.source):
            yield f"{source} {self.words.citation(Citation(source, None)).in_(self.lang)}"
            for item in group:
                yield f"  {item.clause.citation.clause}  {item.clause.subject.in_(self.lang)}"
                for line in self._answers(item):
                    first, *rest = output.fold(line, _WIDTH)
                    yield f"      {first}"
                    yield from (f"        {more}" for more in rest)
            yield ""
        answered = sum(bool(item.answers) for item in self.covered)
        left_out = sum(not item.answers and bool(item.left_out) for item in self.covered)
        yield wording("coverage.count").in_(
            self.lang, all=len(self.covered), answered=answered, left_out=left_out,
            open=len(self.covered) - answered - left_out,
        )  # fmt: skip

    def _answers(self, covered: Covered) -> Iterator[str]:
        colon = wording("coverage.colon").in_(self.lang)
        for kind, title in _KINDS.items():
            names = [self._name(answer) for answer in covered.answers if answer.kind == kind]
            if names:
                yield f"{title.in_(self.lang)}{colon}{('、' if self.lang == 'zh' else ', ').join(names)}"
        for item in covered.left_out:
            yield f"{wording('coverage.out').in_(self.lang)}{colon}{item.reason.in_(self.lang)}"
        if not covered.answers and not covered.left_out:
            yield wording("coverage.open").in_(self.lang)

    def _name(self, answer: Answer) -> str:
        return wording("coverage.planned").in_(self.lang, name=answer.name) if answer.planned else answer.name
