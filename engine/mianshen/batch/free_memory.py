"""How much memory a process may still take: what the machine has free, or its control group, whichever is less.

In: the files in which Linux tells it. Out: bytes.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath


def free_memory(root: Path = Path("/")) -> int:
    """Bytes; half of what the machine has where the system does not tell what is free. `root`: where /proc and /sys are."""
    match = re.search(r"MemAvailable:\s*(\d+) kB", _text(root / "proc/meminfo"))
    free = int(match[1]) << 10 if match else os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    return min([free, *_left_to_groups(root)])


def _left_to_groups(root: Path) -> Iterator[int]:
    """What each control group that this process is in may still take, of those with a limit."""
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        base = root / "sys/fs/cgroup" / ("memory" if controllers else "")
        limit, used = (
            ("memory.limit_in_bytes", "memory.usage_in_bytes")
            if controllers
            else ("memory.max", "memory.current")
        )
        inside = PurePosixPath(path.lstrip("/"))
        for group in (inside, *inside.parents):
            numbers = [_text(base / group / name).strip() for name in (limit, used)]
            if all(number.isdecimal() for number in numbers):
                # pages of files that were read count as used, but give way
                files = re.search(
                    r"^(?:total_)?inactive_file (\d+)", _text(base / group / "memory.stat"), re.MULTILINE
                )
                yield max(0, int(numbers[0]) - int(numbers[1]) + (int(files[1]) if files else 0))


def _text(file: Path) -> str:
    """What a file says; nothing where there is none, or none that may be read."""
    try:
        return file.read_text("ascii", "replace")
    except OSError:
        return ""
