"""`mianshen mutate`: the rulebook changed in one place at a time, and whether the cases notice.

In: case files or folders, a rulebook, overlays. Out: the mutants that no case notices, by clause.
Exit status 0 all are noticed (or as many as `--at-least` asks), 1 some are not, 2 a case or the rulebook cannot be read.
"""

from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path
from typing import TypeAlias

from mianshen.policy.mutation import Campaign, Mutant, Setup, run_campaign
from mianshen.policy.mutation.moves import Moves, moves_of
from mianshen.rulebook import open_program
from mianshen.source import Lang
from mianshen.values import as_money
from mianshen_cli import case_arguments, options, output
from mianshen_cli.case_arguments import files_at, place
from mianshen_cli.click_commands import command, option
from mianshen_cli.output import Status
from mianshen_cli.render.progress import bar
from mianshen_cli.usage_errors import Refused
from mianshen_cli.wording import wording

Weighed: TypeAlias = list[tuple[Mutant, Moves]]


@command
@case_arguments.paths
@options.rules
@options.jobs
@option("--resume", "journal", metavar="F")
@option("--at-least", "least", metavar="PERCENT")
@options.form
def mutate(
    lang: Lang, paths: tuple[Path, ...], rules: tuple[Path, ...], overlays: tuple[str, ...], jobs: int | None,
    journal: str | None, least: str | None, form: str,
) -> Status:  # fmt: skip
    share = None if least is None else _share(least)
    files = files_at(paths)
    setup = Setup(tuple(files), rules, overlays)
    with bar() as advance:
        campaign = run_campaign(
            setup, jobs or os.cpu_count() or 1, None if journal is None else Path(journal), advance
        )
    program = open_program(setup.rules, overlays)
    weighed = sorted(
        zip(campaign.survivors, moves_of(program, campaign.survivors), strict=True),
        key=lambda pair: (-pair[1].amount, -pair[1].people),
    )
    if form == "json":
        output.say(output.json_text(_plain(campaign, weighed)))
    else:
        _table(campaign, weighed, lang)
    if share is not None:
        judged = len(campaign.judged) - campaign.count("equivalent")
        return Status.DONE if 100 * campaign.count("noticed", "refused") >= share * judged else Status.FOUND
    return Status.FOUND if campaign.survivors else Status.DONE


def _share(text: str) -> Decimal:
    number = text.rstrip("%")
    if not number.replace(".", "", 1).isdecimal() or Decimal(number) > 100:
        raise Refused(wording("mutate.percent"))
    return Decimal(number)


def _plain(campaign: Campaign, weighed: Weighed) -> output.Plain:
    return {
        "mutants": len(campaign.judged),
        "noticed": campaign.count("noticed", "refused"),
        "equivalent": campaign.count("equivalent"),
        "survivors": [_plain_mutant(mutant, moves) for mutant, moves in weighed],
        "left_out": [str(case) for case in campaign.failing],
    }


def _plain_mutant(mutant: Mutant, moves: Moves) -> output.Plain:
    return {
        "where": str(mutant.span), "kind": mutant.kind, "what": _what(mutant),
        "clause": mutant.clause.plain,
        "moves": {"people": moves.people, "of": moves.of, "amount": as_money(moves.amount)},
    }  # fmt: skip


def _what(mutant: Mutant) -> str:
    return f"{mutant.name}: {mutant.before} -> {mutant.after}"


def _table(campaign: Campaign, weighed: Weighed, lang: Lang) -> None:
    rows = [
        (
            str(m.clause),
            place(m.span),
            m.name,
            f"{m.before} -> {m.after}",
            f"{moves.people}/{moves.of}",
            as_money(moves.amount),
        )
        for m, moves in weighed
    ]
    if rows:
        output.say(output.table(wording.heads("mutate.heads", lang), rows))
        output.say()
    if campaign.failing:
        output.say_folded(wording("mutate.failing").in_(lang, names=", ".join(map(str, campaign.failing))))
    counts = {
        "mutants": len(campaign.judged), "noticed": campaign.count("noticed", "refused"),
        "equivalent": campaign.count("equivalent"), "survivors": len(rows),
    }  # fmt: skip
    output.say_folded(wording("mutate.total").in_(lang, **counts))
