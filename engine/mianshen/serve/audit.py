"""Who saw whom: a line for each answer about a person, in a file that only grows.

In: a name, an action, the keys of people. Out: lines of JSON, each with the digest of the one before, so that a line
changed or taken out is found (`broken_line`).
Invariant: a line is written whole, before the answer is sent; processes take turns by a lock on the file.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import json
import os
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final

_LONGEST: Final = 1 << 20  # bytes of a line
_FIRST: Final = "0" * 64


class Audit:
    """An audit's file, opened to append."""

    def __init__(self, file: Path) -> None:
        self.handle = os.open(file, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)

    def note(self, name: str, action: str, people: Sequence[str]) -> None:
        """Record that somebody got an answer about people. Raises OSError where it cannot be written."""
        fcntl.lockf(self.handle, fcntl.LOCK_EX)  # of the process: the handle is shared with others
        try:
            line = {
                "at": dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds"),
                "who": name,
                "action": action,
                "people": list(people),
                "before": _digest(self._last()),
            }
            os.write(self.handle, json.dumps(line, ensure_ascii=False).encode() + b"\n")
        finally:
            fcntl.lockf(self.handle, fcntl.LOCK_UN)

    def _last(self) -> bytes:
        """The last line of the file, whoever wrote it."""
        size = os.fstat(self.handle).st_size
        length = 4096
        while True:
            start = max(size - length, 0)
            lines = os.pread(self.handle, size - start, start).splitlines()
            if start == 0 or len(lines) > 1 or length > _LONGEST:
                return lines[-1] if lines else b""
            length *= 4


def broken_line(file: Path) -> int | None:
    """The number of the first line that does not follow the one before; None where all do."""
    before = b""
    for number, line in enumerate(file.read_bytes().splitlines(), 1):
        try:
            named = json.loads(line)["before"]
        except (ValueError, KeyError, TypeError):
            return number
        if named != _digest(before):
            return number
        before = line
    return None


def _digest(line: bytes) -> str:
    return sha256(line).hexdigest() if line else _FIRST
