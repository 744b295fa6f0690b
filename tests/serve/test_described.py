"""The API is what its OpenAPI document says: no server error, no response that the document does not describe."""

import os
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from tests.support.pensions import pensions

from mianshen.serve.app import create_app
from mianshen.serve.settings import Settings

schemathesis = pytest.importorskip("schemathesis")

REQUESTS = int(os.environ.get("MIANSHEN_REQUESTS", "100"))  # 10,000 in a soak
OPERATIONS = 10
FOLDER = Path(mkdtemp())
pensions(FOLDER)
SMALL = create_app(Settings(rules=(FOLDER / "pensions.yaml",), names=("testserver",)))
CHECKS = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
    "response_schema_conformance", "unsupported_method", "allow_header_conformance",
)  # fmt: skip
PHASES = [Phase.explicit, Phase.generate]
SCHEMA: Any = schemathesis.openapi.from_asgi("/openapi.json", SMALL)


@SCHEMA.parametrize()  # type: ignore[untyped-decorator]
@settings(
    max_examples=REQUESTS // OPERATIONS, deadline=None, phases=PHASES, suppress_health_check=list(HealthCheck)
)
def test_every_answer_is_as_described(case: Any) -> None:
    checks = [check for check in schemathesis.checks.CHECKS.get_all() if check.__name__ in CHECKS]
    case.call_and_validate(checks=checks)
