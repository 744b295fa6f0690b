"""How every test runs: hypothesis without chance, unless asked to explore; where everything is installed, no skips."""

import gc
import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from tests.support.postgres import postgres  # noqa: F401  # a fixture

# reasons that no installation takes away
UNAVOIDABLE = (
    "no disk can be mounted here",
    "the checker refuses this one",
    "the documents are not at hand",
    "cannot say this rulebook",
)

# `make soak`: how large each campaign is, unless it is set by itself
SOAK = {
    "MIANSHEN_KILLS": "200",
    "MIANSHEN_GAPS": "10000",
    "MIANSHEN_INTERVIEWS": "30",
    "MIANSHEN_CLOSURE": "2000",
    "MIANSHEN_FUZZ": "50",
    "MIANSHEN_FUZZ_INPUTS": "50000",
    "MIANSHEN_ORACLE": "20000",
    "MIANSHEN_REQUESTS": "10000",
    "MIANSHEN_DIGESTS": "2000",
    "HYPOTHESIS_PROFILE": "explore",
}
if os.environ.get("MIANSHEN_SOAK"):
    for name, size in SOAK.items():
        os.environ.setdefault(name, size)

settings.register_profile(
    "fixed",
    max_examples=30,
    derandomize=True,
    deadline=None,
    database=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("explore", deadline=None, max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fixed"))


def pytest_configure() -> None:
    """Rulebooks live to the end of a process, so that Python collects as seldom as in a command.

    What tests start can be interrupted, also where this was started behind a shell's prompt, which ignores it.
    """
    gc.set_threshold(50_000, 50, 50)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_itemcollected(item: pytest.Item) -> None:
    """The tests of a file run in one process, so that what its tests share is made once; dear files may share a group."""
    if item.get_closest_marker("xdist_group") is None:
        item.add_marker(pytest.mark.xdist_group(item.nodeid.partition("::")[0]))


@pytest.fixture(autouse=True)
def _no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables are as wide as they are: processes of xdist say how wide its terminal is."""
    monkeypatch.delenv("COLUMNS", raising=False)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:  # noqa: ARG001
    """With MIANSHEN_COMPLETE set, a skip that an installation would have avoided is a failure."""
    outcome: Any = yield
    report = outcome.get_result()
    if not os.environ.get("MIANSHEN_COMPLETE") or not report.skipped or hasattr(report, "wasxfail"):
        return
    reason = str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else str(report.longrepr)
    if not any(accepted in reason for accepted in UNAVOIDABLE):
        report.outcome = "failed"
        report.longrepr = f"skipped where everything should be installed: {reason}"
