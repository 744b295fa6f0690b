"""`mianshen serve`: the product over HTTP, with pages for people and an API for programs.

In: where to serve, for whom. Out: a server that runs until it is interrupted. Exit status 0 ended, 2 it cannot start.
"""

from __future__ import annotations

import os
from pathlib import Path

import click

from mianshen.source import Lang, Message
from mianshen_cli import options, output
from mianshen_cli.click_commands import Whole, command, option
from mianshen_cli.output import Status
from mianshen_cli.usage_errors import Refused

_HERE = Message("正在 {url} 提供服务，按 Ctrl-C 结束", "Serving at {url}; Ctrl-C ends it")
_OPEN = Message(
    "本机所有人都可使用；用 --tokens 限制", "Everybody on this machine may use it; --tokens limits that"
)
_TOKEN = Message("{name} 的令牌（只显示这一次）：{token}", "the token of {name}, shown this once: {token}")
_PATH = click.Path(path_type=Path)


@command(
    Message(
        "启动服务：网页（柜台、批次、政策）和 HTTP 接口。默认只供本机使用。\n例：mianshen serve --port 8000",
        "Serve pages (counter, runs, policy desk) and an HTTP API, to this machine unless told otherwise.\n"
        "Try: mianshen serve --port 8000",
    )
)
@option(
    "--host", default="127.0.0.1", metavar="H",
    words=Message("地址（默认 127.0.0.1）；其他地址须有 TLS、令牌和审计",
                  "address (default 127.0.0.1); another needs TLS, tokens and an audit"),
)  # fmt: skip
@option("--port", type=Whole(0, 65535), default=8000, metavar="N",
        words=Message("端口（默认 8000；0 为任一空闲端口）", "port (default 8000; 0 takes a free one)"))  # fmt: skip
@option("--certificate", type=_PATH, metavar="F", words=Message("TLS 证书", "TLS certificate"))
@option("--key", type=_PATH, metavar="F", words=Message("TLS 私钥", "the certificate's private key"))
@option("--tokens", type=_PATH, metavar="F", words=Message("令牌文件", "file of tokens: who may do what"))
@option(
    "--new-token", metavar="NAME=ROLES",
    words=Message("在令牌文件中加一个令牌后结束，如 王某=counter,policy",
                  "add a token to the file and end, such as wang=counter,policy"),
)  # fmt: skip
@option(
    "--audit",
    type=_PATH,
    metavar="F",
    words=Message("审计文件：谁查看了谁", "file that records who saw whom"),
)
@option("--store", type=_PATH, metavar="F",
        words=Message("案卷数据库（默认不在服务器上保存）", "database of cases (default: nothing is kept)"))  # fmt: skip
@option(
    "--runs", type=_PATH, metavar="DIR", words=Message("批处理结果所在的文件夹", "folder of past batches")
)
@option("--cases", type=_PATH, multiple=True, metavar="PATH",
        words=Message("政策页用的案例（默认随附的）", "cases for the policy desk (default: those of the checkout)"))  # fmt: skip
@option("--docs", type=_PATH, metavar="DIR",
        words=Message("mianshen docs 写出的文件夹，在政策页中打开",
                      "folder that mianshen docs wrote, opened from the policy desk"))  # fmt: skip
@option("--name", "names", multiple=True, metavar="HOST",
        words=Message("请求可用的其他主机名", "another host name that requests may come for"))  # fmt: skip
@option("--workers", type=Whole(1, 64), metavar="N",
        words=Message("进程数（默认为全部核心）", "processes (default: one for each core)"))  # fmt: skip
@option("--rate", type=Whole(1, 100000), default=50, metavar="N",
        words=Message("有令牌时每个地址每秒的请求数（默认 50）",
                      "with tokens, requests a second from one address (default 50)"))  # fmt: skip
@options.rulebook
@options.change
def serve(
    lang: Lang, host: str, port: int, certificate: Path | None, key: Path | None, tokens: Path | None,
    new_token: str | None, audit: Path | None, store: Path | None, runs: Path | None, cases: tuple[Path, ...],
    docs: Path | None, names: tuple[str, ...], workers: int | None, rate: int, rules: tuple[str, ...], overlays: tuple[str, ...],
) -> Status:  # fmt: skip
    from mianshen import serve as room

    if new_token is not None:
        return _new_token(lang, tokens, new_token)
    room.refuse_without_extra()
    settings = room.Settings(
        host, port, lang, tuple(map(Path, rules)), overlays, certificate, key, tokens, audit, store, runs,
        cases or _shipped_cases(), names, workers or os.cpu_count() or 1, rate, docs,
    )  # fmt: skip
    room.refuse_unfit(settings)
    listening = room.address(settings)
    output.complain(_HERE.in_(lang).format(url=room.url(settings, listening)))
    if tokens is None:
        output.complain(_OPEN.in_(lang))
    room.serve(settings, listening)
    return Status.DONE


def _shipped_cases() -> tuple[Path, ...]:
    """The cases beside the rulebook, in a checkout."""
    from mianshen.shipped import shipped_rulebook

    folder = shipped_rulebook().parent / "cases"
    return (folder,) if folder.is_dir() else ()


def _new_token(lang: Lang, file: Path | None, text: str) -> Status:
    from mianshen.serve.identity import new_token

    name, equals, roles = text.partition("=")
    if file is None or not equals:
        raise Refused(
            Message(
                "--new-token 写成 名称=角色，并用 --tokens 给出文件",
                "--new-token takes NAME=ROLES, and --tokens the file",
            )
        )
    output.say(_TOKEN.in_(lang).format(name=name, token=new_token(file, name, roles)))
    return Status.DONE
