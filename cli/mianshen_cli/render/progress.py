"""How far a batch is: a bar on a terminal, a line a stage elsewhere.

In: stages as they end, with their rows. Out: standard error. A bar shows the share done, rows, rows a second
and the time left, reckoned from the stages that are over; nothing of it is left when the run ends.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Self, TextIO

from mianshen.source import Lang, Message
from mianshen_cli import output
from mianshen_cli.wording import wording

SHARES: Mapping[str, float] = {
    "read": 0.45,
    "decide": 0.50,
    "seal": 0.05,
}  # of a usual run's time
_WIDTH = 24
_EVERY = 0.2  # seconds


@contextmanager
def bar() -> Iterator[Callable[[int, int], None]]:
    """A bar that hears its length and how much more is done with each report; nothing where nobody watches."""
    import click

    with click.progressbar(length=1, file=sys.stderr, hidden=not sys.stderr.isatty()) as drawn:

        def advance(length: int, more: int) -> None:
            drawn.length = max(length, 1)
            drawn.update(more)

        yield advance


class Progress:
    """Call it with each stage that ends; use it as a context while the run lasts."""

    def __init__(self, lang: Lang, names: Mapping[str, Message], stream: TextIO | None = None) -> None:
        self.lang: Lang = lang
        self.names = names
        self.stream = sys.stderr if stream is None else stream
        self.bar = self.stream.isatty()
        self.started = time.perf_counter()
        self.begun = 0.0  # when the stage at hand began, in seconds from the start
        self.done: list[str] = []
        self.rows = 0
        self.parts: dict[str, float] = {}  # how much of a stage is done, as far as it says so
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._draw, daemon=True)

    def __enter__(self) -> Self:
        if self.bar:
            self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar:
            self.over.set()
            self.thread.join()
            self.stream.write("\r\x1b[K")
            self.stream.flush()

    def __call__(self, stage: str, rows: int) -> None:
        seconds = time.perf_counter() - self.started
        if " " in stage:
            name, _, done_of = stage.partition(" ")
            self._within(name, done_of, seconds)
            return
        self.done.append(stage)
        self.begun, self.rows = seconds, max(self.rows, rows)
        if not self.bar:
            many = wording("progress.rows").in_(self.lang, rows=rows) if rows else ""
            name = self.names[stage].in_(self.lang) if stage in self.names else stage
            output.complain(wording("progress.line").in_(self.lang, stage=name, many=many, seconds=seconds))

    def _within(self, stage: str, done_of: str, seconds: float) -> None:
        done, count = map(int, done_of.split("/"))
        self.parts["decide" if stage == "share" else stage] = done / max(1, count)
        if stage == "share" and not self.bar:
            output.complain(wording("progress.share").in_(self.lang, done=done, count=count, seconds=seconds))

    def _draw(self) -> None:
        while not self.over.wait(_EVERY):
            self.stream.write("\r" + self.line(time.perf_counter() - self.started) + "\x1b[K")
            self.stream.flush()

    def line(self, seconds: float) -> str:
        """The bar, `seconds` after the start."""
        over = sum(SHARES.get(stage, 0.0) for stage in self.done)
        stage = next((item for item in SHARES if item not in self.done), "seal")
        expected = self.begun * SHARES[stage] / over if over else 0.0
        part = 0.0 if not expected else min(0.95, (seconds - self.begun) / expected)
        part = self.parts.get(stage, part)
        share = min(1.0, over + SHARES[stage] * part)
        filled = int(share * _WIDTH)
        return wording("progress.bar").in_(
            self.lang, bar="#" * filled + "." * (_WIDTH - filled), share=share, stage=self.names[stage],
            rows=self.rows, rate=self.rows / seconds if seconds else 0.0, left=_clock(seconds, share),
        )  # fmt: skip


def _clock(seconds: float, share: float) -> str:
    """The time left as minutes and seconds, unknown before anything is done."""
    if not share:
        return "--:--"
    clock = round(seconds * (1 - share) / share)
    return f"{clock // 60:02}:{clock % 60:02}"
