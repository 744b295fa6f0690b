"""The language server as an editor drives it: over the protocol, in a process of its own."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from lsprotocol import types as lsp
from pygls.lsp.client import BaseLanguageClient  # type: ignore[attr-defined]
from tests.support.pensions import RULES

from mianshen.editor.workspace import Workspace

Drive = Callable[["Editor"], Awaitable[None]]
CASE = """
cases:
  - name: old_worker
    as_of: 2026-06-30
    person: {person_id: A, place: "31", kind: worker, born: 1950-01-01, months: 400, frozen: false}
    expect: {benefits: {pension: {status: eligible}}}
"""


class Editor:
    """A client with one rulebook open."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "rules" / "pensions.yaml"
        self.client = BaseLanguageClient("editor", "1")
        self.told: dict[str, list[lsp.Diagnostic]] = {}
        self.news = asyncio.Event()
        self.awaited = self.uri  # the file whose mistakes are news

        @self.client.feature(lsp.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)  # type: ignore[untyped-decorator]
        def published(params: lsp.PublishDiagnosticsParams) -> None:
            self.told[params.uri] = list(params.diagnostics)
            if params.uri == self.awaited:
                self.news.set()

    @property
    def uri(self) -> str:
        return self.file.as_uri()

    @property
    def document(self) -> lsp.TextDocumentIdentifier:
        return lsp.TextDocumentIdentifier(self.uri)

    async def begin(self) -> None:
        await self.client.start_io(sys.executable, "-m", "mianshen_cli", "lsp", "--lang", "en")
        await self.client.initialize_async(
            lsp.InitializeParams(capabilities=lsp.ClientCapabilities(), root_uri=self.folder.as_uri())
        )
        self.client.initialized(lsp.InitializedParams())
        self.open(self.file)
        await self.heard()

    def open(self, file: Path) -> None:
        text = file.read_text("utf-8")
        self.client.text_document_did_open(
            lsp.DidOpenTextDocumentParams(lsp.TextDocumentItem(file.as_uri(), "yaml", 1, text))
        )

    async def type(self, text: str) -> None:
        """Replace the whole text, and wait for the mistakes."""
        self.news.clear()
        changes = [lsp.TextDocumentContentChangeWholeDocument(text)]
        self.client.text_document_did_change(
            lsp.DidChangeTextDocumentParams(lsp.VersionedTextDocumentIdentifier(2, self.uri), changes)
        )
        await self.heard()

    async def heard(self) -> None:
        await asyncio.wait_for(self.news.wait(), 60)
        self.news.clear()

    def place(self, words: str, within: str | None = None) -> lsp.Position:
        """Where some words first stand, or first after others."""
        text = self.file.read_text("utf-8")
        start = text.index(words, 0 if within is None else text.index(within))
        line = text.count("\n", 0, start)
        return lsp.Position(line, start - text.rfind("\n", 0, start) - 1 + 1)

    async def end(self) -> None:
        await self.client.shutdown_async(None)
        self.client.exit(None)
        await self.client.stop()  # type: ignore[no-untyped-call]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[asyncio.AbstractEventLoop, Editor]]:
    """One server for all scripts, and the loop in which its client lives."""
    folder = tmp_path_factory.mktemp("editor")
    (folder / "rules").mkdir()
    (folder / "rules" / "pensions.yaml").write_text(RULES, "utf-8")
    loop = asyncio.new_event_loop()
    editor = Editor(folder)
    loop.run_until_complete(editor.begin())
    yield loop, editor
    loop.run_until_complete(editor.end())
    loop.close()


@pytest.fixture
def drive(shared: tuple[asyncio.AbstractEventLoop, Editor]) -> Callable[[Drive], None]:
    """Runs a script in an editor whose rulebook and cases are as they were."""
    loop, editor = shared
    (editor.folder / "cases.yaml").write_text(CASE, "utf-8")
    loop.run_until_complete(editor.type(RULES))
    return lambda script: loop.run_until_complete(script(editor))


def test_mistakes_are_told_as_they_are_typed_and_taken_back(drive: Callable[[Drive], None]) -> None:
    async def script(editor: Editor) -> None:
        assert [
            item for item in editor.told[editor.uri] if item.severity == lsp.DiagnosticSeverity.Error
        ] == []
        await editor.type(RULES.replace("value: income < poverty_line", "value: incom < poverty_line"))
        (finding,) = editor.told[editor.uri]
        assert finding.code == "E301"
        assert finding.source == "mianshen"
        line = RULES.split("\n")[finding.range.start.line]
        assert line[finding.range.start.character :].startswith("income")
        await editor.type(RULES)
        assert [item.code for item in editor.told[editor.uri] if item.code == "E301"] == []
        await editor.type(RULES.replace("provisions:", "provisions: ["))
        assert editor.told[editor.uri]

    drive(script)


def test_a_name_is_explained_defined_and_found(drive: Callable[[Drive], None]) -> None:
    async def script(editor: Editor) -> None:
        place = editor.place("poverty_line", "value: income")
        hover = await editor.client.text_document_hover_async(lsp.HoverParams(editor.document, place))
        assert hover is not None
        assert isinstance(hover.contents, lsp.MarkupContent)
        assert "12,000.00" in hover.contents.value
        assert "parameter" in hover.contents.value
        assert "Example" in hover.contents.value
        where = await editor.client.text_document_definition_async(
            lsp.DefinitionParams(editor.document, place)
        )
        assert isinstance(where, list | tuple)
        (only,) = where
        assert isinstance(only, lsp.Location)
        assert RULES.split("\n")[only.range.start.line].strip().startswith(("poverty_line", "{type: money"))
        context = lsp.ReferenceContext(include_declaration=True)
        uses = await editor.client.text_document_references_async(
            lsp.ReferenceParams(context, editor.document, place)
        )
        assert uses is not None
        assert len(uses) == RULES.count("poverty_line")

    drive(script)


def test_names_are_offered_while_a_line_is_half_written(drive: Callable[[Drive], None]) -> None:
    async def script(editor: Editor) -> None:
        await editor.type(RULES.replace("value: income < poverty_line", "value: inc"))
        place = lsp.CompletionParams(editor.document, editor.place("income", "poor_people"))
        offered = await editor.client.text_document_completion_async(place)
        assert isinstance(offered, list | tuple)
        details = {item.label: item.detail for item in offered}
        assert {"income", "poverty_line", "worker", "pension_due", "old_enough"} <= set(details)
        assert details["poverty_line"] == "parameter · line"

    drive(script)


def test_a_name_is_renamed_everywhere_at_once_or_not_at_all(drive: Callable[[Drive], None]) -> None:
    async def script(editor: Editor) -> None:
        async def rename(name: str, new: str) -> lsp.WorkspaceEdit | None:
            params = lsp.RenameParams(editor.document, editor.place(name), new)
            return await editor.client.text_document_rename_async(params)

        edit = await rename("months:", "contributed")
        assert edit is not None
        assert edit.changes is not None
        changed = {uri.rsplit("/", 1)[1]: len(edits) for uri, edits in edit.changes.items()}
        titled = RULES.count("en: months")  # a title is no name
        assert changed == {"pensions.yaml": RULES.count("months") - titled, "cases.yaml": 1}
        assert await rename("months:", "income") is None  # taken
        assert await rename("months:", "two words") is None

    drive(script)


def test_a_case_file_s_mistakes_are_told_too(drive: Callable[[Drive], None]) -> None:
    async def script(editor: Editor) -> None:
        file = editor.folder / "wrong.yaml"
        file.write_text(CASE.replace("status: eligible", "status: eligibel"), "utf-8")
        editor.awaited = file.as_uri()
        editor.open(file)
        await editor.heard()
        assert [item.code for item in editor.told[file.as_uri()]] != []
        editor.awaited = editor.uri
        editor.client.text_document_did_close(
            lsp.DidCloseTextDocumentParams(lsp.TextDocumentIdentifier(file.as_uri()))
        )
        file.unlink()

    drive(script)


def test_what_a_case_comes_to_stands_beside_it(drive: Callable[[Drive], None]) -> None:
    async def script(editor: Editor) -> None:
        async def hints(text: str) -> list[str]:
            file = editor.folder / "cases.yaml"
            file.write_text(text, "utf-8")
            document = lsp.TextDocumentIdentifier(file.as_uri())
            whole = lsp.Range(lsp.Position(0, 0), lsp.Position(99, 0))
            result = await editor.client.text_document_inlay_hint_async(lsp.InlayHintParams(document, whole))
            return [str(hint.label) for hint in result or []]

        assert await hints(CASE) == ["✓ Due"]
        assert await hints(CASE.replace("born: 1950", "born: 2000")) == ["✗ ineligible Due"]
        assert await hints(CASE.replace("eligible", "eligibel")) == []

    drive(script)


def test_a_rulebook_above_the_workspace_is_none_of_it(tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text(RULES, "utf-8")
    root = tmp_path / "project"
    (root / "rules").mkdir(parents=True)
    (root / "rules" / "pensions.yaml").write_text(RULES, "utf-8")
    workspace = Workspace(root, "en")
    assert workspace.rulebook(root / "cases.yaml") == root / "rules"
    assert workspace.rulebook(tmp_path / "other.yaml") == tmp_path


def test_an_emptied_file_is_empty_whatever_stands_on_disk(tmp_path: Path) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text("facts: {}\n", "utf-8")
    workspace = Workspace(tmp_path, "en")
    workspace.open(file, "")
    assert workspace.text(file) == ""
    workspace.close(file)
    assert workspace.text(file) == "facts: {}\n"


def test_cases_and_overlays_that_end_in_yml_are_read_too(tmp_path: Path) -> None:
    rules = tmp_path / "rules" / "pensions.yaml"
    rules.parent.mkdir()
    rules.write_text(RULES, "utf-8")
    case = tmp_path / "cases" / "old.yml"
    case.parent.mkdir()
    case.write_text(CASE.replace("months: 400", "monhts: 400"), "utf-8")
    workspace = Workspace(tmp_path, "en")
    assert [d.code for d in workspace.findings(case)[str(case)]] == ["E403"]
    workspace.ready(rules)
    case.write_text(CASE, "utf-8")
    renamed = workspace.renamed("months", "months_paid")
    assert {Path(at.span.file).name for at in renamed} == {"pensions.yaml", "old.yml"}
    passed_over = rules.with_suffix(".yml")
    passed_over.write_text(RULES, "utf-8")
    assert [d.code for d in workspace.findings(passed_over)[str(passed_over)]] == ["E105"]
