"""The docs as a folder of pages in both languages, with a search that needs no server.

In: a subject, a folder. Out: the folder, whole or not at all: `index.html`, `zh/`, `en/`, style, scripts, `docs.json`.
Invariants: the same rulebook, cases and texts give the same bytes; nothing is fetched from elsewhere; a folder that
is not docs already is never replaced.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import jinja2

from mianshen.batch.whole_folder import whole_folder
from mianshen.catalogue import diagnostic
from mianshen.docs.case_pages import CasePages
from mianshen.docs.links import fragment
from mianshen.docs.lists import ListPages
from mianshen.docs.pages import FEW, LISTED, ItemPages, Page
from mianshen.docs.subject import Subject
from mianshen.page_style import STYLE
from mianshen.policy.catalogue import KIND, KINDS, Catalogue
from mianshen.source import Lang, RuleError, unlined
from mianshen.templates import templates
from mianshen.version import __version__
from mianshen.wording import wording

MARKER: Final = "docs.json"
LANGUAGES: Final[tuple[Lang, ...]] = ("zh", "en")
_TEMPLATES: Final = Path(__file__).parent / "templates"


def write_docs(subject: Subject, out: Path) -> int:
    """Write the docs and return how many pages they have. Raises RuleError, OSError."""

    def refuse(folder: Path) -> None:
        empty = folder.is_dir() and not any(folder.iterdir())
        if folder.exists() and not (empty or (folder / MARKER).is_file()):
            raise RuleError([diagnostic("E794.foreign_docs", unlined(str(out)))])

    with whole_folder(out, refuse) as part:
        return _fill(part, subject)


def _fill(part: Path, subject: Subject) -> int:
    count = 0
    for lang in LANGUAGES:
        sections = _sections(subject, lang)
        for page in pages(subject, lang):
            _write(part / lang / page.path, _page(page, subject, lang, sections))
            count += 1
    style = STYLE + (_TEMPLATES / "docs.css").read_text("utf-8")
    marker = {
        "rulebook": subject.program.name,
        "digest": f"sha256:{subject.program.digest}",
        "version": __version__,
    }
    index = json.dumps(_index(subject), ensure_ascii=False, separators=(",", ":"))
    for name, text in (
        ("style.css", style),
        ("search.js", (_TEMPLATES / "search.js").read_text("utf-8")),
        ("search-index.js", f"window.mianshenIndex = {index};\n".replace("],[", "],\n[")),
        ("index.html", _environment().get_template("languages.html").render(title=subject.program.title)),
        (MARKER, json.dumps(marker, ensure_ascii=False, indent=2) + "\n"),
    ):
        _write(part / name, text)
    return count


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8", newline="\n")


def pages(subject: Subject, lang: Lang) -> Iterator[Page]:
    """Every page of a language."""
    lists = ListPages(subject, lang, up="")
    yield lists.start()
    for kind in LISTED:
        if subject.catalogue.of_kind(kind):
            yield lists.kind(kind)
    yield from filter(
        None, (lists.tables(), lists.properties(), lists.open(), lists.coverage(), lists.cases_list())
    )
    items = ItemPages(subject, lang)
    for item, path in subject.links.paths.items():
        if "#" not in path:
            yield items.page(item)
    if subject.evidence is not None:
        yield from CasePages(subject, lang).pages(subject.evidence)


def _sections(subject: Subject, lang: Lang) -> list[tuple[str, str]]:
    """Where every page leads: (name, path)."""
    words = wording.labels("docs", lang)
    listed = [(KINDS[kind].in_(lang), f"{kind}.html") for kind in LISTED if subject.catalogue.of_kind(kind)]
    if any("__" in name for name in subject.program.parameters):
        listed.append((words["tables"], "tables.html"))
    if subject.program.properties:
        listed.append((words["properties"], "properties.html"))
    listed.append((words["open"], "open.html"))
    cases = [("coverage", "coverage.html"), ("cases", "cases.html")] if subject.evidence is not None else []
    return [*listed, *((words[name], path) for name, path in cases)]


def _page(page: Page, subject: Subject, lang: Lang, sections: list[tuple[str, str]]) -> str:
    return _environment().get_template("page.html").render(
        page=page, lang=lang, other="en" if lang == "zh" else "zh", t=wording.labels("docs", lang), few=FEW, sections=sections,
        rulebook=subject.program.title.in_(lang),
    )  # fmt: skip


def _index(subject: Subject) -> list[list[Any]]:
    """What the search finds: kind in both languages, title in both, name, path."""
    catalogue: Catalogue = subject.catalogue
    rows = [
        [
            KIND[item.kind].zh,
            KIND[item.kind].en,
            title.zh,
            title.en,
            str(item),
            subject.links.paths[item],
        ]
        for item, title in catalogue.titles.items()
        if item in subject.links.paths
    ]
    return [*rows, *_index_beside(subject)]


def _index_beside(subject: Subject) -> Iterator[list[Any]]:
    """What the search finds beside the names of the catalogue: properties, clauses, cases."""
    words = {lang: wording.labels("docs", lang) for lang in LANGUAGES}
    for stated in subject.program.properties:
        kinds = [words[lang]["properties"] for lang in LANGUAGES]
        path = f"properties.html#{fragment(stated.name)}"
        yield [*kinds, stated.title.zh, stated.title.en, stated.name, path]
    for citation, path in subject.clauses.items():
        clause = next(
            c.clause for c in subject.covered[citation.source or ""] if c.clause.citation == citation
        )
        titles = [f"{citation.clause} {clause.subject.in_(lang)}".strip() for lang in LANGUAGES]
        yield [words["zh"]["clause"], words["en"]["clause"], *titles, citation.source or "", path]
    for number, case in enumerate(() if subject.evidence is None else subject.evidence.cases):
        name = case.name.replace("_", " ")
        file, link = subject.case_file(case.file), subject.case_link(number, case)
        yield [words["zh"]["cases"], words["en"]["cases"], name, name, file, link]


@cache
def _environment() -> jinja2.Environment:
    return templates(_TEMPLATES)
