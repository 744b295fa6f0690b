"""What requests ask of the engine, by one rulebook that was opened before.

In: bodies of requests, the language. Out: plain data as the commands print it, notices, and the keys of the people
that the answer is about. Raises RuleError with every mistake and its place in the body.
Invariants: a request names no file: overlays only by the names of those that travel with the rulebook; how many
programs are kept is bounded. One thread at a time uses an `Office`: the service sees to that.
"""

from __future__ import annotations

import datetime as dt
import tempfile
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from mianshen.casework.causes import cause_name
from mianshen.casework.check import Checked, Checker, Plain
from mianshen.casework.interview import Interview, askable_benefits
from mianshen.casework.interview.answer import give, next_step
from mianshen.casework.interview.story import begun, story_of
from mianshen.casework.notice import Notice, Subject, notice_of
from mianshen.casework.redetermination import Terms, check_known, redetermine
from mianshen.casework.redetermination_data import to_plain
from mianshen.casework.wording import Words
from mianshen.catalogue import diagnostic
from mianshen.document.yaml_tree import Mapping, Node
from mianshen.program.program import Program
from mianshen.records.read import DAY, Record, named, read_cases
from mianshen.rulebook import open_program, shipped_overlays
from mianshen.serve import requests
from mianshen.serve.problems import Problem
from mianshen.source import NOWHERE, Diagnostic, Lang, Message, RuleError, Span

if TYPE_CHECKING:
    from mianshen.cases.changes import Change, Changes
    from mianshen.cases.read import CaseOf, Programs

MOST_KEPT: Final = 8  # programs, and interviews
MOST_ANSWERS: Final = 64
ALL: Final = "all"
Made = TypeVar("Made")
Named = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer as plain data, and the keys of the people it is about, for the audit."""

    content: Plain
    people: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MovedLine:
    """An expectation of a case that comes out otherwise, in words."""

    case: str
    item: Message
    expected: Message
    before: Message
    after: Message
    causes: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class Moved:
    """What an overlay moves: as plain data, and in words."""

    content: dict[str, Any]
    lines: tuple[MovedLine, ...]


class Kept(OrderedDict[object, Made]):
    """The last few things made, by what they were made of."""

    def __init__(self, most: int = MOST_KEPT) -> None:
        super().__init__()
        self.most = most

    def of(self, key: object, make: Callable[[], Made]) -> Made:
        if key not in self:
            self[key] = make()
            if len(self) > self.most:
                self.popitem(last=False)
        self.move_to_end(key)
        return self[key]


class Office:
    """Answers by one rulebook; records may name overlays beside."""

    def __init__(self, rules: Sequence[Path] = (), overlays: Sequence[str] = ()) -> None:
        self.rules = tuple(rules)
        self.overlays = tuple(overlays)
        self._checkers: Kept[Checker] = Kept()
        self._interviews: Kept[Interview] = Kept()
        self._cases: Kept[Any] = Kept()  # as read, and the programs they are decided by without a change
        self._moved: Kept[Moved] = Kept(MOST_ANSWERS)
        self.program = self.checker().program

    @staticmethod
    def today() -> dt.date:
        """The calendar's date where the server runs."""
        return dt.datetime.now().astimezone().date()

    # -- programs ----------------------------------------------------------------------------------

    def checker(self, overlays: Named = ()) -> Checker:
        """The rulebook with overlays that travel with it."""
        return self._checkers.of(overlays, lambda: Checker(self._program(overlays)))

    def _program(self, overlays: Named) -> Program:
        return open_program(self.rules, [*self.overlays, *overlays])

    def _of_record(self, overlays: Named) -> Program:
        """The program that a record is read and decided under."""
        return self.checker(shipped(overlays)).program

    # -- records -----------------------------------------------------------------------------------

    def check(self, body: bytes, lang: Lang, as_of: dt.date | None = None, explain: bool = False) -> Answered:
        """What `mianshen check --format json` prints: an object for one record, a list for several."""
        records = self._read(body, as_of)
        answers: list[Plain] = []
        people: list[str] = []
        for record in records:
            checker = self.checker(record.overlays)
            checked = checker.check_record(record, as_of, self.today())
            answers.append(checker.answer(checked, lang, explain))
            people.append(checked.result.key)
        alone = len(records) == 1 and records[0].alone
        return Answered(answers[0] if alone else answers, tuple(people))

    def _read(self, body: bytes, as_of: dt.date | None) -> list[Record]:
        """The records of a body; one in which something is wrong is read again, for the places."""
        quick, today = requests.placeless(body), self.today()
        if quick is not None:
            with suppress(RuleError):
                records = read_cases(quick, self._of_record, as_of, today)
                if not any(record.rejects for record in records):
                    return records
        return read_cases(requests.tree(body), self._of_record, as_of, today)

    def next(self, body: bytes, lang: Lang) -> Answered:
        """What `mianshen ask --next` prints: the next question, or the answer once nothing is left to ask."""
        nodes = requests.members(body, ("benefits", "record", "answers"), ("benefits",))
        names = [name for name, _ in requests.texts(nodes, "benefits")]
        if not names:
            raise RuleError(
                [
                    diagnostic(
                        "E889.wrong_member", nodes["benefits"].span, name="benefits", kind="array of names"
                    )
                ]
            )
        record = nodes.get("record")
        overlays = () if record is None else shipped(named(record)[1])
        interview = self.interview(names, overlays)
        if record is None:
            story = begun(interview.program, self.today())
        else:
            story = story_of(record, interview.program, None, self.today())
        for answer, _ in requests.texts(nodes, "answers"):
            give(story, interview, answer)
        content, checked = next_step(interview, story, lang)
        return Answered(content, () if checked is None else (checked.result.key,))

    def interview(self, names: Sequence[str], overlays: Named = ()) -> Interview:
        """An interview about some benefits; `all` is every one that can be asked about."""
        program = self.checker(overlays).program
        chosen = tuple(askable_benefits(program)) if ALL in names else tuple(names)
        return self._interviews.of((overlays, chosen), lambda: Interview(program, chosen))

    def one(self, record: Node, as_of: dt.date | None = None) -> tuple[Checker, Checked]:
        """One record decided."""
        records = read_cases(record, self._of_record, as_of, self.today())
        if len(records) > 1:
            raise RuleError([diagnostic("E889.wrong_member", record.span, name="record", kind="one record")])
        checker = self.checker(records[0].overlays)
        return checker, checker.check_record(records[0], as_of, self.today())

    def notice(self, body: bytes, lang: Lang) -> tuple[Notice, str]:
        """What `mianshen notice` writes about one benefit or one claim, and whom it is about."""
        nodes = requests.members(body, ("record", "benefit", "claim", "as_of"), ("record",))
        checker, checked = self.one(nodes["record"], requests.day(nodes, "as_of"))
        subject = Subject(requests.text(nodes, "benefit"), requests.text(nodes, "claim"), requests.BODY)
        return notice_of(checker, checked, subject, lang), checked.result.key

    def redetermine(self, body: bytes) -> Answered:
        """What `mianshen redetermine --format json` prints of one record on two terms, or of two records."""
        known = ("record", "new", "from_date", "to_date", "overlays", "late", "with")
        nodes = requests.members(body, known, ("record",))
        if len(nodes) == 1 or ("from_date" in nodes) != ("to_date" in nodes):
            raise RuleError([diagnostic("E893.nothing_to_compare", NOWHERE)])
        node = nodes["record"]
        new_node = nodes.get("new", node)
        under, new_under = shipped(named(node)[1]), shipped(named(new_node)[1])
        change = shipped(tuple(name for name, _ in requests.texts(nodes, "overlays")))
        old, new = self.checker(under).explainer, self.checker((*new_under, *change)).explainer
        late = frozenset(key for key, _ in requests.texts(nodes, "late"))
        check_known(late, node, new.program)
        before = Terms(old, requests.day(nodes, "from_date") or self._day(node), late)
        after = Terms(
            new,
            requests.day(nodes, "to_date") or self._day(new_node),
            frozenset(),
            requests.rows(nodes, "with"),
        )
        result = redetermine(node, before, after, nodes.get("new"))
        return Answered(to_plain(result, old.program, new.program), (result.after.person.key,))

    def _day(self, node: Node) -> dt.date | None:
        """The day of a side whose record names none: today."""
        return None if isinstance(node, Mapping) and node.get(DAY) is not None else self.today()

    # -- a change of the rules ---------------------------------------------------------------------

    def moved(self, body: bytes, cases: Sequence[Path]) -> Answered:
        """Which expectations of the cases an overlay moves, and through which provision or figure."""
        nodes = requests.members(body, ("overlay", "overlays"), ())
        overlay = requests.text(nodes, "overlay")
        names = shipped(tuple(name for name, _ in requests.texts(nodes, "overlays")))
        if overlay is None and not names:
            raise RuleError([diagnostic("E893.nothing_to_compare", NOWHERE)])
        return Answered(self.moved_by(overlay, names, cases).content)

    def moved_by(self, overlay: str | None, names: Named, cases: Sequence[Path]) -> Moved:
        """The same, of an overlay's text and the names of others; kept for the next time it is asked."""
        from mianshen.cases.read import Programs, case_files, read_case_files

        if not cases:
            raise RuleError([diagnostic("E894.no_cases", NOWHERE)])
        with tempfile.TemporaryDirectory(prefix="mianshen-") as folder:
            proposed: list[str | Path] = [*self.overlays, *names]
            if overlay is not None:
                file = Path(folder) / "overlay.yaml"
                file.write_text(overlay, "utf-8")
                proposed.append(file)
            after = Programs(self.rules, tuple(proposed))
            try:
                after.under(())
            except RuleError as error:
                findings = [in_overlay(finding, folder) for finding in error.diagnostics]
                raise Problem("conflict", None, findings) from None
            files = case_files(cases)
            stamp = tuple((file, file.stat().st_mtime_ns) for file in files)
            before = self._cases.of("programs", lambda: Programs(self.rules, self.overlays))
            read = self._cases.of(stamp, lambda: read_case_files(files, before))
            return self._moved.of((stamp, overlay, names), lambda: _moved(read, before, after))


def _moved(cases: Sequence[CaseOf], before: Programs, after: Programs) -> Moved:
    """What of the cases comes out otherwise."""
    from mianshen.cases.changes import changes_of

    changes = changes_of(cases, before, after)
    words, earlier = Words(after.under(())), Words(before.under(()))
    return Moved(
        _plain_moved(cases, changes), tuple(_line(change, words, earlier) for change in changes.changes)
    )


def _line(change: Change, words: Words, earlier: Words) -> MovedLine:
    from mianshen.cases.changes import moved_words, outcome_words

    causes = []
    for cause in change.causes:
        title, values = cause_name(cause, words, earlier), f"{cause.before} → {cause.after}"
        with_values = Message(f"{title.zh}：{values}", f"{title.en}: {values}")
        causes.append(with_values if cause.kind == "figure" else title)
    expected, before, after = (
        outcome_words(change, text, words) for text in (change.expected, change.before, change.after)
    )
    return MovedLine(change.case.label, moved_words(change, words), expected, before, after, tuple(causes))


def _plain_moved(cases: Sequence[CaseOf], changes: Changes) -> dict[str, Any]:
    return {
        "cases": len(cases) - len(changes.left_out),
        "left_out": [case.label for case in changes.left_out],
        "changes": [
            {
                "case": change.case.label, "what": change.what,
                "expected": change.expected, "before": change.before, "after": change.after,
                "causes": [asdict(cause) for cause in change.causes],
            }
            for change in changes.changes
        ],
    }  # fmt: skip


def shipped(overlays: Named) -> Named:
    """The names, each of an overlay that travels with the rulebook; RuleError where one is a path or none of them."""
    if not overlays:
        return ()
    known = shipped_overlays()
    wrong = [
        diagnostic("E890.overlay_by_path", Span(requests.BODY, 0, 0))
        for name in overlays
        if name not in known
    ]
    if wrong:
        raise RuleError(wrong)
    return tuple(dict.fromkeys(overlays))


def in_overlay(finding: Diagnostic, folder: str) -> Diagnostic:
    """The mistake with its place in the overlay's text, not in the file it was written to."""
    span = finding.span
    if not span.file.startswith(folder):
        return finding
    return replace(finding, span=replace(span, file="overlay"))
