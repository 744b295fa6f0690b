"""`mianshen export`: figures, decision tables and code lists as a workbook; decisions as a DMN model.

In: a rulebook, names of entries. Out: a workbook, a DMN file with what it does not carry. Exit status 0 written, 2 a name
or rulebook cannot be used.
"""

from __future__ import annotations

from pathlib import Path

from mianshen.source import Lang
from mianshen_cli import options, output
from mianshen_cli.click_commands import argument, command, option
from mianshen_cli.output import Status
from mianshen_cli.session import check_replaces_no_input, rule_files
from mianshen_cli.usage_errors import Refused
from mianshen_cli.wording import wording

_NOWHERE = wording("export.nowhere")
_ENDING = wording("export.ending")
_SHEETS = wording("export.sheets")
_DECISIONS = wording("export.decisions")


@command
@argument("names", nargs=-1, metavar="[NAME]...")
@option("--xlsx", metavar="F")
@option("--dmn", metavar="F")
@options.rules
@options.form
def export(
    lang: Lang, names: tuple[str, ...], xlsx: str | None, dmn: str | None, rules: tuple[Path, ...],
    overlays: tuple[str, ...], form: str,
) -> Status:  # fmt: skip
    from mianshen.exchange import Loss, export_model, export_workbook
    from mianshen.rulebook import overlay_file
    from mianshen_cli.render.losses import losses_table, plain_losses

    if (xlsx is None) == (dmn is None):
        raise Refused(_NOWHERE)
    ending, out = (".xlsx", xlsx) if xlsx is not None else (".dmn", dmn)
    assert out is not None
    if not out.lower().endswith(ending):
        raise Refused(_ENDING.filled(out=out, ending=ending))
    check_replaces_no_input(Path(out), rule_files(rules, overlays))
    files, applied = rule_files(rules, ()), [overlay_file(one) for one in overlays]
    losses: tuple[Loss, ...] = ()
    if xlsx is not None:
        count = export_workbook(files, applied, names, Path(out))
    else:
        count, losses = export_model(files, applied, names, Path(out))
    if form == "json":
        output.say(output.json_text({"file": out, "written": count, "not_carried": plain_losses(losses)}))
        return Status.DONE
    if losses:
        output.say(losses_table(losses, lang))
    output.say((_SHEETS if xlsx is not None else _DECISIONS).in_(lang, out=out, count=count))
    return Status.DONE
