"""One run at a time on a folder for results: a lock beside it, held while a run lives.

The kernel holds the lock for the process, so that a run that dies leaves none; the file that is locked is
removed by whoever held it. Works between processes of one machine, and over network folders that honour flock.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mianshen.catalogue import diagnostic
from mianshen.source import RuleError, unlined


@contextmanager
def locked(out: Path, named: str) -> Iterator[None]:
    """Hold the folder `out` for this run. Raises RuleError, with the folder as it was `named`, when another run holds it."""
    path = out.with_name(f".{out.name}.lock")
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(handle)
            if isinstance(error, BlockingIOError):
                raise RuleError([diagnostic("E528.in_use", unlined(named))]) from None
            raise
        if _is_at(handle, path):
            break
        os.close(handle)  # its holder removed it between our opening and our locking
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(handle)


def _is_at(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False
