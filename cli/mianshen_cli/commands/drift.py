"""`mianshen drift`: settled amounts of a period against the rules, and the one figure that explains most differences.

In: files of records with settled amounts. Out: what differs, and the figures suspected, the best first. Exit status 0
nothing differs, 1 something does, 2 unusable.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

from mianshen.source import Lang
from mianshen_cli import options, output
from mianshen_cli.click_commands import command
from mianshen_cli.output import Status
from mianshen_cli.wording import wording


@command
@options.record_files()
@options.day
@options.reading
def drift(
    lang: Lang, records: dict[str, tuple[str, ...]], as_of: dt.date, rules: tuple[Path, ...], overlay: tuple[str, ...],
    encoding: str | None, threads: int | None, yes: bool, form: str,
) -> Status:  # fmt: skip
    from mianshen.batch.request import Request
    from mianshen.impact.drift import drift as detected
    from mianshen.rulebook import open_program

    options.check_record_files(records, open_program(rules, overlay))
    request = Request(records, as_of, Path(), threads, None, encoding, yes=yes)
    content = detected(rules, overlay, request).content()
    if form == "json":
        output.say(output.json_text(content))
    else:
        words = content | {"difference": output.grouped(content["difference"])}
        output.say_folded(wording("drift.count").in_(lang, **words))
        for suspect in content["suspects"]:
            output.say_folded("\n" + _told(lang, suspect))
        for suspect in content["not_applied"]:
            said = wording("drift.rule").in_(
                lang, **suspect | {"title": suspect["title"][lang], "first": suspect["from"]}
            )
            output.say_folded("\n" + said)
        if content["differing"] and not content["suspects"] and not content["not_applied"]:
            output.say_folded(wording("drift.none").in_(lang))
    return Status.FOUND if content["differing"] else Status.DONE


def _told(lang: Lang, suspect: dict[str, Any]) -> str:
    """A suspect as a sentence."""
    until = "" if suspect["until"] is None else wording("drift.until").in_(lang, last=suspect["until"])
    of = "" if suspect["of"] is None else wording("drift.of").in_(lang, start=suspect["of"])
    spoilt = wording("drift.spoilt").in_(lang, **suspect) if suspect["spoilt"] else ""
    words = {name: suspect[name] for name in ("used", "rule", "explained")}
    words["difference"] = output.grouped(suspect["difference"])
    title = suspect["title"][lang]
    return wording("drift.suspect").in_(
        lang, title=title, first=suspect["from"], until=until, of=of, spoilt=spoilt, **words
    )
