"""A folder that is there whole or not at all.

In: where a folder is to be, what refuses to replace the one that is there. Out: a folder beside it to write into.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from mianshen.batch.lock import locked
from mianshen.batch.result_folder import beside, clear_up, missing_above, publish, remove_empty


@contextmanager
def whole_folder(folder: Path, refuse: Callable[[Path], None]) -> Iterator[Path]:
    """A folder to write into, which takes the place of `folder` at the end; where writing fails, all is as before.

    `refuse` raises where the folder that is there may not be replaced. Raises RuleError where another run holds it, OSError.
    """
    out = folder.resolve()
    missing = missing_above(out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with locked(out, str(folder)):
            clear_up(out)
            refuse(out)
            part = beside(out, "part")
            try:
                part.mkdir()
                yield part
                publish(part, out)
            finally:
                shutil.rmtree(part, ignore_errors=True)
    finally:
        remove_empty(missing)
