"""A rulebook read from its files.

In: folders and files, overlays. Out: the merged `Document` and every mistake of every file.
Invariants: never raises for what the files hold or for files that cannot be read; the digest is of
the very bytes that were read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

from mianshen.catalogue import diagnostic
from mianshen.document.digest import digest_of_bytes
from mianshen.document.document import Document
from mianshen.document.files import RulebookPath, files_of, passed_over
from mianshen.document.merge import RulebookMerge, add_file
from mianshen.document.overlay import apply_overlay
from mianshen.document.yaml_tree import Node, read_tree
from mianshen.source import Diagnostic, reason_of, unlined

Parse: TypeAlias = Callable[[bytes, str], tuple[Node | None, list[Diagnostic]]]


def read(
    paths: Sequence[Path], overlays: Sequence[Path] = (), parse: Parse = read_tree
) -> tuple[Document, tuple[Diagnostic, ...]]:
    """Read the rulebook in `paths` (folders, files), with `overlays` (files) applied in order.

    The mistakes are sorted by file, line and column. The document holds what could be read. `parse` makes the tree
    of a file: who reads a rulebook several times need not parse it as often.
    """
    merge = RulebookMerge()
    files = files_of(paths, overlays)
    merge.diagnostics += _missing_files(paths, files)
    contents: list[tuple[RulebookPath, bytes]] = []
    for file in files:
        content = _bytes(merge, file)
        if content is not None:
            contents.append((file, content))
            _add(merge, file, *parse(content, str(file.path)))
    document = merge.document(tuple(str(file.path) for file in files), digest_of_bytes(contents))
    return document, tuple(sorted(merge.diagnostics, key=_place))


def _missing_files(paths: Sequence[Path], files: Sequence[RulebookPath]) -> list[Diagnostic]:
    read_from = {parent for file in files if not file.overlay for parent in file.path.parents}
    empty = [path for path in paths if path.is_dir() and path not in read_from]
    return [
        *(diagnostic("E104.no_files", unlined(str(path))) for path in empty),
        *(diagnostic("E105.wrong_ending", unlined(str(path))) for path in passed_over(paths)),
    ]


def _bytes(merge: RulebookMerge, file: RulebookPath) -> bytes | None:
    try:
        return file.path.read_bytes()
    except (OSError, ValueError) as error:
        merge.diagnostics.append(
            diagnostic("E101.cannot_read", unlined(str(file.path)), why=reason_of(error))
        )
        merge.broken.add(())
        return None


def _add(merge: RulebookMerge, file: RulebookPath, root: Node | None, findings: Sequence[Diagnostic]) -> None:
    merge.diagnostics += findings
    if root is None and findings:
        merge.broken.add(())
    elif file.overlay and root is None:
        merge.diagnostics.append(diagnostic("E146.not_an_overlay", unlined(str(file.path))))
    elif file.overlay and root is not None:
        apply_overlay(merge, root)
    elif root is not None:
        add_file(merge, root)


def _place(finding: Diagnostic) -> tuple[str, int, int, str]:
    return finding.span.file, finding.span.line, finding.span.column, finding.code
