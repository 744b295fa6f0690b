"""What identifies a rulebook: one number over all its files.

In: the folders and files a user names, or bytes already read. Out: 64 hex digits (SHA-256).
Invariants: depends on relative names, bytes, and the order of overlays, and on nothing else: not
on where the rulebook lies. Imports nothing heavy, so that a cache can be asked before a parser.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from mianshen.document.files import RulebookPath, files_of


def digest_of(paths: Sequence[Path], overlays: Sequence[Path] = ()) -> str:
    """The digest of the rulebook at `paths` with `overlays`. Raises OSError when a file cannot be read."""
    return digest_of_bytes((file, file.path.read_bytes()) for file in files_of(paths, overlays))


def digest_of_bytes(contents: Iterable[tuple[RulebookPath, bytes]]) -> str:
    """The digest of files already read, in their order."""
    whole = hashlib.sha256()
    for file, content in contents:
        name = file.name.encode("utf-8", "surrogateescape")
        whole.update(b"%c %d %d\n" % (b"o" if file.overlay else b"f", len(name), len(content)))
        whole.update(name)
        whole.update(content)
    return whole.hexdigest()
