"""The memory that a batch plans with: the machine's, or a container's where that is less."""

from __future__ import annotations

from pathlib import Path

import pytest

from mianshen.batch.free_memory import free_memory

MACHINE = {"proc/meminfo": "MemTotal: 4000 kB\nMemAvailable:    2000 kB\n"}


def system(root: Path, files: dict[str, str]) -> Path:
    for name, content in (MACHINE | files).items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content, "ascii")
    return root


def test_what_the_machine_has_free(tmp_path: Path) -> None:
    assert free_memory(system(tmp_path, {})) == 2000 << 10
    unlimited = {"proc/self/cgroup": "0::/a\n", "sys/fs/cgroup/a/memory.max": "max\n"}
    assert free_memory(system(tmp_path, unlimited)) == 2000 << 10


@pytest.mark.parametrize("group", ["/", "/a", "/a/b"])
def test_a_limit_of_any_group_above(tmp_path: Path, group: str) -> None:
    folder = f"sys/fs/cgroup{group.rstrip('/')}"
    files = {
        "proc/self/cgroup": "0::/a/b\n",
        f"{folder}/memory.max": "1000000\n",
        f"{folder}/memory.current": "700000\n",
        f"{folder}/memory.stat": "anon 500000\ninactive_file 100000\n",
    }
    assert free_memory(system(tmp_path, files)) == 400_000


def test_groups_of_the_first_version(tmp_path: Path) -> None:
    files = {
        "proc/self/cgroup": "3:cpu,cpuacct:/x\n2:memory:/x\n",
        "sys/fs/cgroup/memory/x/memory.limit_in_bytes": "1000000\n",
        "sys/fs/cgroup/memory/x/memory.usage_in_bytes": "1200000\n",
    }
    assert free_memory(system(tmp_path, files)) == 0


def test_without_any_of_these_files(tmp_path: Path) -> None:
    assert free_memory(tmp_path) > 0
