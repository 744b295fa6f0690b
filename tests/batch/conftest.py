"""A small rulebook for batches, where the shipped one is not the point."""

import pytest
from tests.batch.batches import small

from mianshen.program.program import Program


@pytest.fixture(scope="session")
def little(tmp_path_factory: pytest.TempPathFactory) -> Program:
    return small(tmp_path_factory.mktemp("rulebook") / "rules")
