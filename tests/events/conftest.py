"""The town's program, built once."""

import pytest
from tests.events.town import town

from mianshen.program.program import Program


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    return town(tmp_path_factory.mktemp("town"))
