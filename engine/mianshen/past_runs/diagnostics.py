"""What several places find wrong with a finished run, or whose words depend on more than values.

Codes E570 to E579.
"""

from __future__ import annotations

from mianshen.catalogue import diagnostic
from mianshen.source import Diagnostic, Message, unlined


def input_moved(file: str, entity: str) -> Diagnostic:
    return diagnostic("E571.input_moved", unlined(file), entity=entity)


def other_rulebook(folder: str, name: str, overlays: tuple[str, ...]) -> Diagnostic:
    with_overlays = (
        ("", "") if not overlays else (f"（叠加 {'、'.join(overlays)}）", f" with {', '.join(overlays)}")
    )
    return diagnostic("E573.other_rulebook", unlined(folder), name=name, with_name=Message(*with_overlays))
