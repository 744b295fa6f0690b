"""`mianshen check`: who is due what, from one file of records.

In: record files. Out: tables or JSON on standard output, what is wrong with rows on standard error.
Exit status 0 answered, 1 a record or a part of it was rejected, 2 a file cannot be read.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from mianshen.interpreter.rows import Row
from mianshen.interpreter.trace.explain import Trace
from mianshen.program.slicing import benefit_keys
from mianshen.source import Lang
from mianshen_cli import options, output
from mianshen_cli.click_commands import argument, command, option
from mianshen_cli.output import Plain, Status
from mianshen_cli.render.answer import AnswerView
from mianshen_cli.session import CheckedRecord, Session, undecided


@command
@argument("files", nargs=-1, required=True, metavar="FILE...")
@options.rules_changed
@options.record_day
@option("--case", metavar="NAME")
@option("--explain", is_flag=True)
@option("--why", "requested", metavar="NAME", multiple=True)
@option("--about", metavar="NAME", multiple=True)
@options.form
def check(
    lang: Lang,
    files: tuple[str, ...],
    rules: tuple[Path, ...],
    overlays: tuple[str, ...],
    as_of: dt.date | None,
    case: str | None,
    explain: bool,
    requested: tuple[str, ...],
    about: tuple[str, ...],
    form: str,
) -> Status:
    if explain:  # `--explain NAME` is a flag and a word to click, and the word no file
        about += tuple(file for file in files if _is_name(file))
        files = tuple(file for file in files if file not in about)
    session = Session(rules, overlays, as_of)
    read = session.read([Path(file) for file in files], case)
    answers = [session.check(item) for item in read]
    if form == "json":
        as_jsons = [_as_json(answer, lang, explain or bool(about), requested) for answer in answers]
        alone = len(as_jsons) == 1 and (read[0].record.alone or case is not None)
        output.say(output.json_text(as_jsons[0] if alone else as_jsons))
    else:
        output.say(
            "\n\n".join(_as_text(answer, lang, Steps(explain, about), requested) for answer in answers)
        )
    return _complain(answers, lang)


def _is_name(word: str) -> bool:
    """Whether a word beside `--explain` names a benefit or a claim, not a file."""
    path = Path(word)
    return word != "-" and path.suffix not in (".yaml", ".yml", ".json") and not path.exists()


def _as_json(answer: CheckedRecord, lang: Lang, explain: bool, requested: tuple[str, ...]) -> Plain:
    json = answer.checker.answer(answer.checked, lang, explain)
    if requested:
        from mianshen_cli.render.what_if import prospects_of

        prospector, prospects = prospects_of(answer, requested)
        json["why"] = {prospect.name: prospector.plain(prospect, lang) for prospect in prospects}
    return json


@dataclass(frozen=True, slots=True)
class Steps:
    """Which steps are explained: all, those of some benefits and claims, or none."""

    every: bool
    about: tuple[str, ...]

    def of(self, answer: CheckedRecord) -> Trace | None:
        """The steps of an answer; Refused for what names neither a benefit nor a claim of the record."""
        explainer, checked = answer.checker.explainer, answer.checked
        if not self.about:
            return explainer.trace(checked.case) if self.every else None
        from mianshen_cli.render.what_if import named

        roots: list[tuple[Row, str]] = []
        for name in named(answer, self.about):
            benefit = checked.result.benefits.get(name)
            if benefit is not None:
                roots += [(benefit.row, key) for _, key in benefit_keys(benefit.benefit)]
            roots += [(r.row, value) for r in checked.result.rows if r.row.key == name for value in r.values]
        return explainer.trace(checked.case, roots)


def _as_text(answer: CheckedRecord, lang: Lang, steps: Steps, requested: tuple[str, ...]) -> str:
    text = AnswerView(answer.checker, lang).text(answer.checked, steps.of(answer), bool(steps.about))
    if requested:
        from mianshen_cli.render.what_if import ProspectView, prospects_of

        prospector, prospects = prospects_of(answer, requested)
        view = ProspectView(prospector, lang)
        return "\n\n".join(
            [text, *(output.folded(view.text(prospect), output.columns()) for prospect in prospects)]
        )
    return text


def _complain(answers: list[CheckedRecord], lang: Lang) -> Status:
    """Says what was rejected, each row with its place where it is known."""
    status = Status.DONE
    for answer in answers:
        output.complain_of(answer.record.rejects, lang)
        if answer.checked.result.rejected:
            status = Status.FOUND
        output.complain_of(undecided(answer), lang)
    return status
