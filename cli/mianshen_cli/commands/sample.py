"""`mianshen sample`: a made-up population to try rules on.

In: a folder, a size, a seed. Out: four files there, and a table that counts their rows.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import click

from mianshen.population.sample import Format
from mianshen.source import Lang
from mianshen_cli import options, output
from mianshen_cli.click_commands import Day, Whole, command, option, today
from mianshen_cli.usage_errors import Refused
from mianshen_cli.wording import wording

_FOREIGN = wording("sample.foreign")


@command
@option("--out", required=True, metavar="DIR", type=Path)
@option("--residents", type=Whole(1, 100_000_000), default=20_000)
@option("--seed", type=Whole(0, 2**32 - 1), default=1)
@option("--format", "form", type=click.Choice(["parquet", "csv", "nhsa"]), default="parquet")
@option("--as-of", type=Day())
@options.one_rules
@option("--unknowns", is_flag=True)
def sample(
    lang: Lang, out: Path, residents: int, seed: int, form: str, as_of: dt.date | None, rules: tuple[Path, ...],
    overlay: tuple[str, ...], unknowns: bool,
) -> None:  # fmt: skip
    day = as_of or today()
    try:
        counts = _written(out, residents, seed, form, day, rules, overlay, unknowns)
    except FileExistsError as error:
        raise Refused(_FOREIGN.filled(file=error.filename)) from None
    rows = [(str(out / name), f"{number:,}") for name, number in counts.items()]
    output.say(output.table(wording.heads("sample.heads", lang), rows, right=[1]))
    if as_of is None:
        output.say(wording("sample.today").in_(lang, day=day))


def _written(
    folder: Path, residents: int, seed: int, form: str, day: dt.date, rules: tuple[Path, ...],
    overlay: tuple[str, ...], unknowns: bool,
) -> dict[str, int]:  # fmt: skip
    """Write the files; how many rows each has."""
    format_: Format = "csv" if form == "csv" else "parquet"
    if form == "nhsa":
        from mianshen.population.sample import write_settlements

        if rules or overlay:
            raise Refused(wording("sample.one_kind"))
        return {"settlements.csv": write_settlements(folder, residents, seed, day)}
    if not rules and not overlay:
        from mianshen.population.sample import write_population

        return write_population(folder, residents, seed, format_, day, unknowns).by_file(form)
    from mianshen.population.any_rulebook import write_any
    from mianshen.rulebook import open_program

    program = open_program(rules, overlay)
    return write_any(folder, program, residents, seed, format_, day, unknowns)
