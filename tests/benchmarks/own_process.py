"""What a command costs as a process of its own.

A process made by a large one counts its maker's memory into its own peak (Linux keeps the peak across exec), so
a small one makes it and waits.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import Final

WAITER: Final = """
import json, os, subprocess, sys, time
started = time.perf_counter()
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, status, used = os.wait4(process.pid, 0)
seconds = time.perf_counter() - started
print(json.dumps([seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024]))
sys.exit(os.waitstatus_to_exitcode(status))
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds by the clock and of processors, peak memory in MiB."""

    seconds: float
    busy: float
    peak: float


def cost_of(words: list[str]) -> Cost:
    """Run a command and wait for it. Raises CalledProcessError where it fails."""
    command = [sys.executable, "-I", "-c", WAITER, *words]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return Cost(*json.loads(done.stdout))
