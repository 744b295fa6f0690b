"""`mianshen sample`: a made-up population to try rules on.

In: a folder, a size, a seed. Out: four files there, and a table that counts their rows.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import click

from mianshen.population.sample import Format
from mianshen.source import Lang, Message
from mianshen_cli import options, output
from mianshen_cli.click_commands import Day, Whole, command, option, today
from mianshen_cli.usage_errors import Refused

_TODAY = Message(
    "截止日期 {day}，即今天；指定 --as-of 可得到同样的人群", "as of {day}, today; --as-of makes it repeatable"
)
_FOREIGN = Message(
    "{file} 已存在，且不是 sample 写的。请换一个文件夹",
    "{file} exists, and no sample wrote it. Write to another folder",
)
_ONE_KIND = Message(
    "--format nhsa 的列是固定的，不能与 --rules、--overlay 同用",
    "--format nhsa has columns of its own. Leave out --rules and --overlay",
)
_HEADERS = (Message("文件", "file"), Message("行数", "rows"))


@command(
    Message(
        "生成一份虚构的参保人群：居民、家庭、费用和上门护理记录，列与 batch 命令所要的相同；\n"
        "用 --rules 则为该规则库的每种实体各一份。种子和日期相同，文件逐字节相同。",
        "Make up a population: residents, households, claims and home-care visits, with the columns `batch` takes;\n"
        "with --rules, a file for each entity of that rulebook. The same seed and date give the same bytes.",
    )
)
@option(
    "--out",
    required=True,
    metavar="DIR",
    words=Message("写入的文件夹（必填）", "folder to write to (required)"),
)
@option(
    "--residents",
    type=Whole(1, 100_000_000),
    default=20_000,
    words=Message(
        "居民人数（默认 20000），费用记录为其三倍",
        "how many residents (default 20000); three claims each on average",
    ),
)
@option(
    "--seed", type=Whole(0, 2**32 - 1), default=1, words=Message("随机种子（默认 1）", "seed (default 1)")
)
@option(
    "--format",
    "form",
    type=click.Choice(["parquet", "csv", "nhsa"]),
    default="parquet",
    words=Message(
        "文件格式（默认 parquet）；nhsa 为国家平台结算表的列，用 batch --mapping nhsa 读取",
        "file format (default parquet); nhsa: the national platform's settlements, which batch --mapping nhsa reads",
    ),
)
@option("--as-of", type=Day(), words=Message("截止日期（默认今天）", "the day it ends on (default today)"))
@options.one_rulebook
@options.overlay
@option(
    "--unknowns",
    is_flag=True,
    words=Message("留出一些空格，即未知的事实", "leave some cells empty: unknown facts"),
)
def sample(
    lang: Lang, out: str, residents: int, seed: int, form: str, as_of: dt.date | None, rules: str | None,
    overlay: tuple[str, ...], unknowns: bool,
) -> None:  # fmt: skip
    day, folder = as_of or today(), Path(out)
    try:
        counts = _written(folder, residents, seed, form, day, rules, overlay, unknowns)
    except FileExistsError as error:
        raise Refused(
            Message(_FOREIGN.zh.format(file=error.filename), _FOREIGN.en.format(file=error.filename))
        ) from None
    rows = [(str(folder / name), f"{number:,}") for name, number in counts.items()]
    output.say(output.table([header.in_(lang) for header in _HEADERS], rows, right=[1]))
    if as_of is None:
        output.say(_TODAY.in_(lang).format(day=day))


def _written(
    folder: Path, residents: int, seed: int, form: str, day: dt.date, rules: str | None,
    overlay: tuple[str, ...], unknowns: bool,
) -> dict[str, int]:  # fmt: skip
    """Write the files; how many rows each has."""
    format_: Format = "csv" if form == "csv" else "parquet"
    if form == "nhsa":
        from mianshen.population.sample import write_settlements

        if rules is not None or overlay:
            raise Refused(_ONE_KIND)
        return {"settlements.csv": write_settlements(folder, residents, seed, day)}
    if rules is None and not overlay:
        from mianshen.population.sample import write_population

        return write_population(folder, residents, seed, format_, day, unknowns).by_file(form)
    from mianshen.population.any_rulebook import write_any
    from mianshen.rulebook import open_program

    program = open_program([Path(rules)] if rules else (), overlay)
    return write_any(folder, program, residents, seed, format_, day, unknowns)
