"""What can be wrong when a notice is asked for: one constructor a mistake, its code never reused.

Codes E740 to E749.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mianshen.catalogue import diagnostic
from mianshen.program.titles import Titled, meant
from mianshen.source import Diagnostic, Message, nearest, unlined

_MOST = 24  # names in one sentence


def _known(name: str, known: Iterable[str]) -> Message:
    names = list(dict.fromkeys(known))
    if close := nearest(name, names):
        return Message(f"也许想写 {close}", f"Perhaps {close} is meant")
    if not names:
        return Message("请核对核定材料", "Check the record")
    shown = names[:_MOST]
    more = ("等", ", …") if len(names) > _MOST else ("", "")
    return Message(f"可用：{'、'.join(shown)}{more[0]}", f"Known are: {', '.join(shown)}{more[1]}")


def unknown_benefit(file: str, name: str, known: Mapping[str, Titled]) -> Diagnostic:
    return diagnostic("E740.unknown_benefit", unlined(file), fix=meant(name, known), name=name)


def unknown_row(file: str, key: str, known: Iterable[str]) -> Diagnostic:
    return diagnostic("E741.unknown_row", unlined(file), fix=_known(key, known), key_name=key)


def needs_row(file: str, benefit: str, known: Iterable[str]) -> Diagnostic:
    names = list(known)
    return diagnostic(
        "E742.needs_row",
        unlined(file),
        benefit=benefit,
        names="、".join(names[:_MOST]),
        names2=", ".join(names[:_MOST]),
    )


def several_records(file: str, count: int) -> Diagnostic:
    return diagnostic("E746.several_records", unlined(file), count=count)
