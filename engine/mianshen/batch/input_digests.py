"""Digests of the inputs, taken while they are read.

In: opened inputs. Out: a digest a file. Invariant: a file that changed after it was opened is refused, so that the
manifest vouches for no byte that was not read.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from mianshen.batch.manifest import digest_of_file
from mianshen.catalogue import diagnostic
from mianshen.ingest.inputs import Input, parts_of, unchanged
from mianshen.source import RuleError, unlined


@dataclass(slots=True)
class InputDigests:
    """The digests of one run's inputs, by path."""

    inputs: Mapping[str, Input]
    _pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1))
    _digests: dict[Path, Future[str]] = field(default_factory=dict)

    def begin(self) -> None:
        """Read the files for their digests beside whoever reads them for their rows."""
        for part in parts_of(self.inputs):
            if part.path not in self._digests:
                self._digests[part.path] = self._pool.submit(digest_of_file, part.path)

    def finish(self) -> dict[Path, str]:
        """The digests. Raises RuleError where a file changed since it was opened, OSError."""
        digests = {path: digest.result() for path, digest in self._digests.items()}
        changed = [part for part in parts_of(self.inputs) if not unchanged(part)]
        if changed:
            raise RuleError([diagnostic("E519.changed", unlined(str(part.path))) for part in changed])
        return digests

    def close(self) -> None:
        """Wait for nothing more."""
        self._pool.shutdown(wait=True, cancel_futures=True)
