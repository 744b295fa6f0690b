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
    """A path to write to. What was written takes the place of `out` at the end; where writing fails, `out` is as before."""
    part = out.with_name(f".{out.name}.{secrets.token_hex(4)}")
    try:
        yield part
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)
