"""What an exchange could not carry, as a table or as plain values.

In: losses. Out: text; values for JSON.
"""

from __future__ import annotations

from collections.abc import Sequence

from mianshen.exchange import Loss
from mianshen.source import Lang
from mianshen_cli import output
from mianshen_cli.wording import wording

FORMAT = wording("losses.format")


def losses_table(losses: Sequence[Loss], lang: Lang) -> str:
    rows = [(loss.name or wording("losses.all").in_(lang), loss.why.in_(lang)) for loss in losses]
    return output.table(wording.heads("losses.heads", lang), rows)


def plain_losses(losses: Sequence[Loss]) -> output.Plain:
    return [{"name": loss.name, "zh": loss.why.zh, "en": loss.why.en} for loss in losses]
