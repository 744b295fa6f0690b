"""A small rulebook for batches, where the shipped one is not the point; a small disk."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.batch.batches import small

from mianshen.program.program import Program


@pytest.fixture(scope="session")
def little(tmp_path_factory: pytest.TempPathFactory) -> Program:
    return small(tmp_path_factory.mktemp("rulebook") / "rules")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 300 KB, where this process may mount one."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", place], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("no disk can be mounted here")
    yield place
    subprocess.run(["umount", "-l", place], check=True)
