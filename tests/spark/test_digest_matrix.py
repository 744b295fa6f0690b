"""The same bytes from every combination of threads, memory, partitions, cache and engine.

A campaign of `make soak`: `MIANSHEN_DIGESTS` says how many people the three populations have.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Final, Literal

import pytest
from tests.batch.test_same_bytes import AS_OF, Inputs, clean, content, lived, spoilt

from mianshen.batch.run import Request, run_batch
from mianshen.rulebook import open_program

PEOPLE: Final = int(os.environ.get("MIANSHEN_DIGESTS", "0"))
THREADS: Final = (1, 2)
MEMORY: Final = ("300MB", None)
PARTITIONS: Final = (1, 2, 7)

pytestmark = pytest.mark.xdist_group("spark")


@pytest.mark.usefixtures("spark")
@pytest.mark.parametrize("engine", ["native", "spark"])
@pytest.mark.parametrize("cache", ["warm", "cold"])
@pytest.mark.parametrize("people", [clean, spoilt, lived], ids=["clean", "spoilt", "lived"])
def test_every_way_writes_the_same_bytes(
    people: Callable[[Path, int], Inputs], cache: str, engine: Literal["native", "spark"],
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("mianshen.batch.blocks.BLOCK_ROWS", PEOPLE // 8)
    (tmp_path / "in").mkdir()
    inputs, program = people(tmp_path / "in", PEOPLE), open_program()
    run_batch(program, Request(inputs, AS_OF, tmp_path / "one", 1, engine="native"))
    expected = content(tmp_path / "one")
    for number, (threads, memory, partitions) in enumerate(product(THREADS, MEMORY, PARTITIONS)):
        if cache == "cold":
            monkeypatch.setenv("MIANSHEN_CACHE", str(tmp_path / f"cache{number}"))
            program = open_program()  # read, built and compiled anew
        out = tmp_path / f"way{number}"
        run_batch(program, Request(inputs, AS_OF, out, threads, memory, engine=engine, shares=partitions))
        written = content(out)
        differing = [file for file in expected | written if expected.get(file) != written.get(file)]
        assert not differing, (threads, memory, partitions, differing)
