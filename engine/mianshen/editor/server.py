"""The language server: the protocol's requests answered by a `Workspace`.

In: an editor's messages on standard input. Out: answers on standard output.
Invariants: mistakes are told a moment after the last key; an editor's lines and columns count from 0.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from pathlib import Path
from typing import Final

from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer
from pygls.uris import from_fs_path, to_fs_path

from mianshen.editor.names import Occurrence
from mianshen.editor.workspace import Workspace
from mianshen.source import Diagnostic, Lang, Span
from mianshen.version import __version__

PAUSE: Final = 0.3  # seconds without a key before mistakes are looked for


class RuleServer(LanguageServer):
    """One editor's server."""

    def __init__(self, lang: Lang) -> None:
        super().__init__("mianshen", __version__)
        self.lang: Lang = lang
        self.rules = Workspace(Path.cwd(), lang)
        self.reported: set[str] = set()
        self.turn = 0

    async def look(self, uri: str, pause: float = PAUSE) -> None:
        """Tell the mistakes of a file's rulebook, unless another change comes first."""
        self.turn += 1
        turn = self.turn
        await asyncio.sleep(pause)
        if turn != self.turn:
            return
        findings = await asyncio.to_thread(self.rules.findings, _path(uri))
        files = {_uri(file): diagnostics for file, diagnostics in findings.items() if file}
        for target in {*files, *self.reported, uri}:
            items = [self.diagnostic(item) for item in files.get(target, [])]
            self.text_document_publish_diagnostics(lsp.PublishDiagnosticsParams(target, items))
        self.reported = set(files)

    def diagnostic(self, finding: Diagnostic) -> lsp.Diagnostic:
        """A mistake as the protocol has it."""
        severity = (
            lsp.DiagnosticSeverity.Warning if finding.severity == "warning" else lsp.DiagnosticSeverity.Error
        )
        related = [
            lsp.DiagnosticRelatedInformation(lsp.Location(_uri(span.file), _range(span)), note.in_(self.lang))
            for span, note in finding.also
        ]
        return lsp.Diagnostic(
            _range(finding.span),
            finding.sentences(self.lang),
            severity,
            finding.code,
            source="mianshen",
            related_information=related,
        )

    def at(self, document: lsp.TextDocumentIdentifier, place: lsp.Position) -> Occurrence | None:
        """The name under the cursor."""
        file = _path(document.uri)
        self.rules.ready(file)
        return self.rules.name_at(file, place.line + 1, place.character + 1)


def start(lang: Lang) -> None:
    """Serve one editor until it leaves."""
    rule_server(lang).start_io()


def rule_server(lang: Lang) -> RuleServer:
    """A server with all its features."""
    server = RuleServer(lang)
    _texts(server)
    _names(server)
    _help(server)
    return server


def _texts(server: RuleServer) -> None:
    @server.feature(lsp.INITIALIZED)
    def initialized(_: lsp.InitializedParams) -> None:
        folder = server.workspace.root_path
        server.rules = Workspace(Path(folder or Path.cwd()), server.lang)

    @server.feature(lsp.TEXT_DOCUMENT_DID_OPEN)
    async def opened(params: lsp.DidOpenTextDocumentParams) -> None:
        await _changed(server, params.text_document.uri, 0)

    @server.feature(lsp.TEXT_DOCUMENT_DID_CHANGE)
    async def changed(params: lsp.DidChangeTextDocumentParams) -> None:
        await _changed(server, params.text_document.uri)

    @server.feature(lsp.TEXT_DOCUMENT_DID_SAVE)
    async def saved(params: lsp.DidSaveTextDocumentParams) -> None:
        server.rules.saved()
        await _changed(server, params.text_document.uri, 0)

    @server.feature(lsp.TEXT_DOCUMENT_DID_CLOSE)
    def closed(params: lsp.DidCloseTextDocumentParams) -> None:
        server.rules.close(_path(params.text_document.uri))


async def _changed(server: RuleServer, uri: str, pause: float = PAUSE) -> None:
    server.rules.open(_path(uri), server.workspace.get_text_document(uri).source)
    await server.look(uri, pause)


def _names(server: RuleServer) -> None:
    @server.feature(lsp.TEXT_DOCUMENT_HOVER)
    def hover(params: lsp.HoverParams) -> lsp.Hover | None:
        at = server.at(params.text_document, params.position)
        text = "" if at is None else server.rules.hover(at.name, dt.datetime.now().astimezone().date())
        if at is None or not text:
            return None
        return lsp.Hover(lsp.MarkupContent(lsp.MarkupKind.Markdown, text), _range(at.span))

    @server.feature(lsp.TEXT_DOCUMENT_DEFINITION)
    def definition(params: lsp.DefinitionParams) -> list[lsp.Location]:
        at = server.at(params.text_document, params.position)
        symbols = [] if at is None else server.rules.symbols(at.name)
        return [lsp.Location(_uri(symbol.span.file), _range(symbol.span)) for symbol in symbols]

    @server.feature(lsp.TEXT_DOCUMENT_REFERENCES)
    def references(params: lsp.ReferenceParams) -> list[lsp.Location]:
        at = server.at(params.text_document, params.position)
        uses = [] if at is None else server.rules.uses(at.name)
        return [lsp.Location(_uri(use.span.file), _range(use.span)) for use in uses]


def _help(server: RuleServer) -> None:
    @server.feature(lsp.TEXT_DOCUMENT_RENAME)
    def rename(params: lsp.RenameParams) -> lsp.WorkspaceEdit | None:
        at = server.at(params.text_document, params.position)
        changes: dict[str, list[lsp.TextEdit]] = {}
        for use in [] if at is None else server.rules.renamed(at.name, params.new_name):
            edit = lsp.TextEdit(_range(use.span), params.new_name)
            changes.setdefault(_uri(use.span.file), []).append(edit)
        return lsp.WorkspaceEdit(changes) if changes else None

    @server.feature(lsp.TEXT_DOCUMENT_INLAY_HINT)
    async def traces(params: lsp.InlayHintParams) -> list[lsp.InlayHint]:
        spans = await asyncio.to_thread(server.rules.traces, _path(params.text_document.uri))
        first, last = params.range.start.line, params.range.end.line
        return [
            lsp.InlayHint(_range(span).end, text, padding_left=True)
            for span, text in spans
            if first <= span.line - 1 <= last
        ]

    @server.feature(lsp.TEXT_DOCUMENT_COMPLETION, lsp.CompletionOptions(trigger_characters=["."]))
    def completion(params: lsp.CompletionParams) -> list[lsp.CompletionItem]:
        server.rules.ready(_path(params.text_document.uri))
        return [
            lsp.CompletionItem(name, detail=f"{kind} · {title}", kind=lsp.CompletionItemKind.Variable)
            for name, kind, title in server.rules.completions()
        ]


def _path(uri: str) -> Path:
    return Path(to_fs_path(uri) or uri)


def _uri(file: str) -> str:
    return from_fs_path(str(Path(file).absolute())) or file


def _range(span: Span) -> lsp.Range:
    line, column = max(span.line - 1, 0), max(span.column - 1, 0)
    end = (span.end_line - 1, span.end_column - 1) if span.end_line else (line, column + 1)
    return lsp.Range(lsp.Position(line, column), lsp.Position(*end))
