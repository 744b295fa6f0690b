"""How far a batch is, on a terminal and elsewhere."""

from __future__ import annotations

import io

from mianshen.source import Message
from mianshen_cli.render.progress import SHARES, Progress

NAMES = {stage: Message(f"{stage}中", stage) for stage in SHARES}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_bar_tells_share_rows_rate_and_time_left_and_leaves_nothing_behind() -> None:
    stream = Terminal()
    with Progress("en", NAMES, stream) as progress:
        assert progress.line(3) == "[........................]  0% read  0 rows  0 rows/s  --:-- left"
        progress("read 1000/4000", 0)  # a quarter of the rows
        assert progress.line(4).startswith("[##......................] 11% read")
        progress("read", 4_000_000)
        progress.begun = 40.0
        assert (
            progress.line(40)
            == "[##########..............] 45% decide  4,000,000 rows  100,000 rows/s  00:49 left"
        )
        assert progress.line(1000).startswith(
            "[######################..] 92% decide"
        )  # as far as it can know
        progress("decide 1/4", 0)
        assert progress.line(50).startswith("[#############...........] 57% decide")
        progress("decide", 4_000_000)
        assert progress.line(80).split()[2] == "seal"
    assert stream.getvalue().endswith("\r\x1b[K")


def test_the_bar_speaks_chinese() -> None:
    assert "行/秒  剩余 --:--" in Progress("zh", NAMES, Terminal()).line(1)
