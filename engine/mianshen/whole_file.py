"""A file that is there whole or not at all.

In: where a file is to be. Out: a path beside it to write to. Imports nothing of ours.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole_file(out: Path) -> Iterator[Path]:
    """A path to write to. What was written takes the place of `out` at the end; where writing fails, `out` is as before.

    A link stays one. What is no file, such as a pipe, is written to as it is.
    """
    if out.exists() and not out.is_file():
        yield out
        return
    target = out.resolve()
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        yield part
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
