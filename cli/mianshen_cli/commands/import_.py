"""`mianshen import`: an edited workbook as an overlay with nothing but the edits; a DMN model as a rulebook.

In: a workbook that `mianshen export` wrote and its rulebook, or a DMN file. Out: an overlay and what it changes, or a
rulebook and what it does not carry. Exit status 0 read, 2 a cell, an element or the rulebook cannot be used.
"""

from __future__ import annotations

from pathlib import Path

from mianshen.source import Lang
from mianshen_cli import options, output
from mianshen_cli.click_commands import argument, command, option
from mianshen_cli.output import Status
from mianshen_cli.render.rule_changes import changes_table
from mianshen_cli.session import check_replaces_no_input, rule_files
from mianshen_cli.usage_errors import Refused
from mianshen_cli.wording import wording

_OTHER = wording("import_.other")
_ENDING = wording("import_.ending")
_NOTHING = wording("import_.nothing")
_OVERLAY = wording("import_.overlay")
_RULEBOOK = wording("import_.rulebook")
_ONLY_WORDS = wording("import_.only_words")


@command
@argument("file", metavar="FILE")
@option("--out", metavar="F")
@options.rules
@options.form
def import_(
    lang: Lang, file: str, out: str | None, rules: tuple[Path, ...], overlays: tuple[str, ...], form: str
) -> Status:
    from mianshen.exchange import MADE_BY

    target = Path(out) if out is not None else Path(file).with_suffix(".yaml")
    _check(target, file, rules, overlays, MADE_BY)
    if file.lower().endswith((".dmn", ".xml")):
        return _model(lang, file, target, form)
    return _workbook(lang, file, target, rules, overlays, form)


def _model(lang: Lang, file: str, target: Path, form: str) -> Status:
    from mianshen.exchange import import_model
    from mianshen_cli.render.losses import losses_table, plain_losses

    model = import_model(Path(file))
    target.write_text(model.text, "utf-8")
    if form == "json":
        output.say(output.json_text({"file": str(target), "not_carried": plain_losses(model.losses)}))
        return Status.DONE
    output.say(losses_table(model.losses, lang))
    output.say(_RULEBOOK.in_(lang, out=target))
    return Status.DONE


def _workbook(
    lang: Lang, file: str, target: Path, rules: tuple[Path, ...], overlays: tuple[str, ...], form: str
) -> Status:
    from mianshen.casework.wording import Words
    from mianshen.exchange import import_workbook
    from mianshen.policy.rule_diff import rule_changes
    from mianshen.rulebook import open_program, overlay_file
    from mianshen_cli.render.rule_changes import plain_changes

    applied = [overlay_file(one) for one in overlays]
    imported = import_workbook(Path(file), rule_files(rules, ()), applied, target.stem)
    output.complain_of(imported.warnings, lang)
    if imported.text:
        target.write_text(imported.text, "utf-8")
    after: tuple[str | Path, ...] = (*overlays, target) if imported.text else overlays
    edited = open_program(rules, after)
    changes = rule_changes(open_program(rules, overlays), edited)
    if form == "json":
        written = str(target) if imported.text else None
        output.say(output.json_text({"file": written, "changes": plain_changes(changes, lang)}))
    elif not imported.text:
        output.say(_NOTHING.in_(lang))
    else:
        output.say(changes_table(changes, Words(edited), lang) if changes else _ONLY_WORDS.in_(lang))
        output.say(_OVERLAY.in_(lang, out=target))
    return Status.DONE


def _check(target: Path, file: str, rules: tuple[Path, ...], overlays: tuple[str, ...], made_by: str) -> None:
    """Raises where a file that somebody wrote by hand would be replaced."""
    if target.suffix != ".yaml":
        raise Refused(_ENDING.filled(out=target))
    check_replaces_no_input(target, [Path(file), *rule_files(rules, overlays)])
    if target.exists() and made_by not in target.read_text("utf-8", errors="replace").split("\n", 1)[0]:
        raise Refused(_OTHER.filled(out=target))
