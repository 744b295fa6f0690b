"""`mianshen prove`: what a rulebook states of itself, proved, or refuted by a person.

In: a rulebook, overlays, a budget. Out: each property with its verdict and the reason, and a record for each refutation.
Exit status 0 nothing refuted, 1 something is, 2 the rulebook cannot be read or the extra `proof` is missing.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mianshen.source import Lang, listed
from mianshen_cli import options, output
from mianshen_cli.click_commands import Whole, command, option
from mianshen_cli.output import Status
from mianshen_cli.usage_errors import Refused
from mianshen_cli.wording import wording

if TYPE_CHECKING:
    from mianshen.program.program import Program
    from mianshen.proof.prover import Finding

_VERDICTS = wording.group("prove.verdicts")


@command
@options.rules
@option("--budget", type=Whole(1, 3600), default=10)
@option("--property", "named", metavar="NAME", multiple=True)
@option("--against", metavar="PATH", type=Path)
@option("--for", "whom", metavar="FACT=VALUE", multiple=True)
@options.form
def prove(
    lang: Lang, rules: tuple[Path, ...], overlays: tuple[str, ...], budget: int, named: tuple[str, ...],
    against: Path | None, whom: tuple[str, ...], form: str,
) -> Status:  # fmt: skip
    from mianshen.proof import findings, findings_against, solver_present
    from mianshen.rulebook import open_program

    if not solver_present():
        raise Refused(wording("prove.no_extra"))

    program = open_program(rules, overlays)
    if against is None and not whom:
        results = list(findings(program, 1000 * budget, named))
    else:
        before = open_program(rules if against is None else (against,))
        categories = [_category(program, text) for text in whom]
        results = list(findings_against(before, program, 1000 * budget, named, categories))
    if named and not results:
        raise Refused(wording("prove.no_property").filled(named=", ".join(named)))
    if form == "json":
        output.say(output.json_text([_plain(finding, lang) for finding in results]))
    else:
        _table(results, lang)
    return Status.FOUND if any(finding.verdict == "refuted" for finding in results) else Status.DONE


def _category(program: Program, text: str) -> tuple[tuple[str, str], str]:
    """A fact of people, or of what stands above them, and one of its values."""
    from mianshen.program.core import Boolean, Code

    name, equals, value = text.partition("=")
    owners = [e for e in program.entities if e == program.entry or program.above_entry(e)]
    owner, dot, fact_name = name.partition(".")
    keys = [(owner, fact_name)] if dot else [(entity, name) for entity in owners]
    for key in keys:
        fact = program.facts.get(key)
        if fact is not None and equals:
            values: list[str] = ["true", "false"] if isinstance(fact.type, Boolean) else []
            if isinstance(fact.type, Code):
                values = list(program.codes[fact.type.codes].values)
            if value in values:
                return key, value
            if values:
                words = wording("prove.no_value")
                raise Refused(words.filled(name=name, value=value, values=listed(values)))
    raise Refused(wording("prove.no_category").filled(text=text))


def _plain(finding: Finding, lang: Lang) -> output.Plain:
    return {
        "property": finding.property, "title": finding.title.in_(lang), "verdict": finding.verdict,
        "record": finding.record, "other": finding.other, "because": finding.because.in_(lang),
        "clause": finding.clause.plain,
    }  # fmt: skip


def _table(results: list[Finding], lang: Lang) -> None:
    rows = [(f.property, _VERDICTS[f.verdict].in_(lang), f.because.in_(lang), str(f.clause)) for f in results]
    output.say(output.table(wording.heads("prove.heads", lang), rows))
    for finding in results:
        if finding.record is not None and finding.verdict == "refuted":
            output.say_folded(f"\n{finding.property}")
            output.say(output.json_text(finding.record))
    counts = {verdict: sum(f.verdict == verdict for f in results) for verdict in _VERDICTS}
    output.say_folded("\n" + wording("prove.total").in_(lang, **counts))
