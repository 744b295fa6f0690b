"""`mianshen serve`: the product over HTTP, with pages for people and an API for programs.

In: where to serve, for whom. Out: a server that runs until it is interrupted. Exit status 0 ended, 2 it cannot start.
"""

from __future__ import annotations

import os
from pathlib import Path

from mianshen.source import Lang
from mianshen_cli import options, output
from mianshen_cli.click_commands import Whole, command, option
from mianshen_cli.output import Status
from mianshen_cli.usage_errors import Refused
from mianshen_cli.wording import wording


@command
@option("--host", default="127.0.0.1", metavar="H")  # fmt: skip
@option("--port", type=Whole(0, 65535), default=8000, metavar="N")  # fmt: skip
@option("--certificate", type=Path, metavar="F")
@option("--key", type=Path, metavar="F")
@option("--tokens", type=Path, metavar="F")
@option("--new-token", metavar="NAME=ROLES")  # fmt: skip
@option("--audit", type=Path, metavar="F")
@option("--store", type=Path, metavar="F")  # fmt: skip
@option("--runs", type=Path, metavar="DIR")
@option("--cases", type=Path, multiple=True, metavar="PATH")  # fmt: skip
@option("--docs", type=Path, metavar="DIR")  # fmt: skip
@option("--name", "names", multiple=True, metavar="HOST")  # fmt: skip
@option("--workers", type=Whole(1, 64), metavar="N")  # fmt: skip
@option("--rate", type=Whole(1, 100000), default=50, metavar="N")  # fmt: skip
@options.rules_changed
def serve(
    lang: Lang, host: str, port: int, certificate: Path | None, key: Path | None, tokens: Path | None,
    new_token: str | None, audit: Path | None, store: Path | None, runs: Path | None, cases: tuple[Path, ...],
    docs: Path | None, names: tuple[str, ...], workers: int | None, rate: int, rules: tuple[Path, ...], overlays: tuple[str, ...],
) -> Status:  # fmt: skip
    from mianshen import serve as room
    from mianshen.shipped import shipped_cases

    if new_token is not None:
        return _new_token(lang, tokens, new_token)
    room.check_extra_installed()
    settings = room.Settings(
        host, port, lang, rules, overlays, certificate, key, tokens, audit, store, runs,
        cases or tuple(filter(None, [shipped_cases()])), names, workers or os.cpu_count() or 1, rate, docs,
    )  # fmt: skip
    room.refuse_unfit(settings)
    if audit is not None and (line := room.broken_line(audit)) is not None:
        output.complain(wording("serve.broken").in_(lang, file=audit, line=line))
    listening = room.address(settings)
    output.complain(wording("serve.here").in_(lang, url=room.url(settings, listening)))
    if tokens is None:
        output.complain(wording("serve.open").in_(lang))
    room.serve(settings, listening)
    return Status.DONE


def _new_token(lang: Lang, file: Path | None, text: str) -> Status:
    from mianshen.serve.identity import new_token

    name, equals, roles = text.partition("=")
    if file is None or not equals:
        raise Refused(wording("serve.no_token"))
    output.say(wording("serve.token").in_(lang, name=name, token=new_token(file, name, roles)))
    return Status.DONE
