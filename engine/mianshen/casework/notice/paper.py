"""A notice laid out: an HTML page that prints well, or a PDF.

In: a `Notice`. Out: a self-contained page (no script, no address fetched); the bytes of a PDF, its
fonts embedded; a file, whole or not at all.
Invariants: the templates see texts and escape them; the same notice gives the same bytes.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from functools import cache
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Final

import jinja2
import segno

from mianshen.casework.notice.content import Notice
from mianshen.casework.notice.phrases import HEADING, labels
from mianshen.catalogue import diagnostic
from mianshen.source import Lang, RuleError, unlined
from mianshen.templates import templates
from mianshen.whole_file import whole_file

FORMS: Final = (".html", ".pdf")
_HERE: Final = Path(__file__).parent
SEVERAL: Final = (
    100  # notices that are typeset together: they share their fonts, and take 2 MB of memory each
)
_PACKAGES: Final = ("typst", "pylopdf_fonts_zh_cn", "pypdf")


def write_notice(notice: Notice, out: Path) -> None:
    """Write a notice in the form its file name asks for; RuleError where that cannot be done."""
    refuse_unfit(out)
    content = to_pdf(notice) if out.suffix.lower() == ".pdf" else to_html(notice).encode()
    with whole_file(out) as part:
        part.write_bytes(content)


def refuse_unfit(out: Path) -> None:
    """RuleError when no notice can be written under that name: another form, or its extra is not there."""
    if out.suffix.lower() not in FORMS:
        raise RuleError([diagnostic("E744.unknown_form", unlined(str(out)))])
    if out.suffix.lower() == ".pdf":
        for package in _PACKAGES:
            if find_spec(package) is None:
                raise RuleError([diagnostic("E745.no_extra", unlined(str(out)), package=package)])


def to_html(notice: Notice) -> str:
    """The page, self-contained."""
    return _page().render(notice=notice, labels=labels(notice.lang), qr=_qr(notice.code, embedded=True))


def _qr(code: str, embedded: bool = False) -> str:
    """The QR code of a text as an SVG element; `embedded`: in a page, which needs no name space."""
    out = io.BytesIO()
    segno.make(code, error="m", micro=False).save(
        out,
        kind="svg",
        xmldecl=False,
        svgclass=None,
        lineclass=None,
        omitsize=True,
        svgns=not embedded,
        border=2,
        title="QR",
    )
    return out.getvalue().decode()


def joined_pages(pages: Iterable[Path], to: Path, lang: Lang) -> None:
    """Several notices' pages as one, each beginning on a sheet of its own. Raises OSError."""
    with to.open("w", encoding="utf-8") as out:
        begun = False
        for page in pages:
            head, _, rest = page.read_text("utf-8").partition("<body>\n")
            body, _, end = rest.rpartition("</body>")
            if not begun:
                out.write(f"{head}<body>\n")
                begun = True
            out.write(f'<div class="sheet">\n{body}</div>\n')
        out.write(f"</body>{end}" if begun else f"<!doctype html><title>{HEADING.in_(lang)}</title>\n")


@cache
def _page() -> jinja2.Template:
    return templates(_HERE).get_template("notice.html")


def to_pdf(notice: Notice) -> bytes:
    """The PDF. Needs the extra `notice`; `refuse_unfit` says so beforehand."""
    return _typeset([for_pdf(notice)], notice.lang)


def for_pdf(notice: Notice) -> str:
    """What a PDF needs of a notice, as JSON."""
    return json.dumps({"notice": asdict(notice), "code": _qr(notice.code)}, ensure_ascii=False)


def joined_pdf(notices: Iterable[Path], to: Path, lang: Lang) -> None:
    """Several notices, files of what `for_pdf` gives, as one PDF, each on sheets of its own, printed on both sides or one.

    Raises OSError.
    """
    from pypdf import PdfWriter

    files = iter(notices)
    with PdfWriter() as writer:
        while several := [file.read_text("utf-8") for file in islice(files, SEVERAL)]:
            if len(writer.pages) % 2:
                writer.add_blank_page()
            writer.append(io.BytesIO(_typeset(several, lang)))
        writer.write(to)


def _typeset(notices: Sequence[str], lang: Lang) -> bytes:
    import pylopdf_fonts_zh_cn
    import typst

    data = f'{{"notices": [{", ".join(notices)}], "labels": {json.dumps(labels(lang), ensure_ascii=False)}}}'
    pdf: bytes = typst.compile(
        _HERE / "notice.typ",
        font_paths=[pylopdf_fonts_zh_cn.sans_path().parent],
        ignore_system_fonts=True,
        format="pdf",
        sys_inputs={"data": data},
    )
    return pdf
