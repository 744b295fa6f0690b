"""What takes time to make, kept for the next run in a folder of the user's own.

In: names and contents. Out: contents that this user wrote and nobody changed, or None.
Invariants: the folder belongs to this user and nobody else may enter it; every content carries a seal (a digest
with a secret of the folder), so that what is damaged, or was put there by somebody else, is made anew and never
trusted. Failing to keep something is no failure. What was used longest ago goes where more is kept than `MOST`
contents, unless it was used within the last hour: somebody may be about to open it.
"""

from __future__ import annotations

import contextlib
import hmac
import os
import re
import secrets
import shutil
import stat
import time
from pathlib import Path
from typing import Final

KEY_FILE: Final = "key"
SEAL: Final = 32  # bytes
MOST: Final = 200  # contents
HOUR: Final = 3600  # seconds
_KEPT: Final = re.compile(
    r"([0-9a-f]{40}\.(?:program|so))(?:\.seal)?(?:\.[0-9]+)?"
)  # with a seal, or half written


def cache_folder() -> Path | None:
    """Where things are kept; None: nowhere. `MIANSHEN_CACHE` names the folder, or turns keeping off when empty."""
    folder = os.environ.get("MIANSHEN_CACHE")
    if folder is not None:
        return Path(folder) if folder else None
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mianshen"
    except RuntimeError:  # a user whom the machine does not know has no home
        return None


def sealed(path: Path) -> bool:
    """Whether a kept file is as it was kept."""
    return read_kept(path) is not None


def read_kept(path: Path) -> bytes | None:
    """The content of a kept file; None where there is none that can be trusted."""
    secret = _secret(path.parent, make=False)
    if secret is None:
        return None
    try:
        content, seal = _own(path), _own(_seal_of(path))
    except OSError:
        return None
    if not hmac.compare_digest(seal, _seal(secret, path.name, content)):
        return None
    with contextlib.suppress(OSError):
        os.utime(path)  # when it was last used
    return content


def keep(path: Path, content: bytes) -> bool:
    """Keep a content, whole or not at all; whether that was possible."""
    secret = _secret(path.parent, make=True)
    if secret is None:
        return False
    try:
        for name, data in ((path, content), (_seal_of(path), _seal(secret, path.name, content))):
            part = name.with_name(f"{name.name}.{os.getpid()}")
            part.unlink(missing_ok=True)
            part.write_bytes(data)
            part.replace(name)
    except OSError:
        return False
    _prune(path.parent)
    return True


def _prune(folder: Path) -> None:
    """Delete the contents used longest ago, beyond `MOST`, with their seals and what a killed run left of them."""
    used: dict[str, float] = {}
    files: dict[str, list[Path]] = {}
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                content = _KEPT.fullmatch(entry.name)
                if content is not None and entry.is_file(follow_symlinks=False):
                    name, modified = content[1], entry.stat(follow_symlinks=False).st_mtime
                    used[name] = max(used.get(name, 0.0), modified)
                    files.setdefault(name, []).append(Path(entry.path))
        for name in sorted(used, key=lambda name: used[name])[: max(0, len(used) - MOST)]:
            if used[name] < time.time() - HOUR:
                for path in files[name]:
                    path.unlink(missing_ok=True)
    except OSError:
        return


def _seal_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.seal")


def _seal(secret: bytes, name: str, content: bytes) -> bytes:
    return hmac.digest(secret, name.encode() + b"\0" + content, "sha256")


def _own(path: Path) -> bytes:
    """The content of a regular file of this user. Raises OSError for any other."""
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode) or not _is_ours(status):
            raise PermissionError(path)
        return file.read()


def _is_ours(status: os.stat_result) -> bool:
    return not hasattr(os, "geteuid") or status.st_uid == os.geteuid()


def _secret(folder: Path, make: bool) -> bytes | None:
    """The folder's secret; None where the folder, or the secret in it, is not this user's alone."""
    try:
        if make:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        status = folder.lstat()
        if not stat.S_ISDIR(status.st_mode) or not _is_ours(status):
            return None
        if stat.S_IMODE(status.st_mode) & 0o077:
            if not make:
                return None
            folder.chmod(0o700)  # others could write here: what they may have put here goes
            _empty(folder)
        path = folder / KEY_FILE
        if make and not _is_secret(path):
            if os.path.lexists(path):
                _empty(folder)  # nothing that was sealed by another secret can be trusted
            _make_secret(path)
        return _own(path) if _is_secret(path) else None
    except OSError:
        return None


def _is_secret(path: Path) -> bool:
    """Whether a file may be a secret: of its length, this user's, and nobody else's to read."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return False
    return status.st_size == SEAL and _is_ours(status) and not stat.S_IMODE(status.st_mode) & 0o077


def _empty(folder: Path) -> None:
    """Delete what is kept in a folder, and nothing that somebody else may keep there."""
    for path in folder.iterdir():
        if path.suffix in (".program", ".so", ".seal") or path.name == KEY_FILE:
            path.unlink(missing_ok=True)


def _make_secret(path: Path) -> None:
    """A secret, made once whoever comes first."""
    part = path.with_name(f"{path.name}.{os.getpid()}")
    part.unlink(missing_ok=True)
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(secrets.token_bytes(SEAL))
    try:
        os.link(part, path)
    except FileExistsError:
        pass
    except OSError:
        shutil.copyfile(part, path)
        path.chmod(0o600)
    finally:
        part.unlink(missing_ok=True)
