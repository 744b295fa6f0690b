"""Checks over HTTP: a server with two processes, asked at a steady rate from another process.

Requests leave at their time whether or not earlier ones have come back, so that a slow answer does not slow the asking:
500 a second are to be answered, 99 of 100 within 50 ms. `python -m tests.benchmarks.bench_serve` prints the figures;
`… bench_serve memory 100000` the memory of a server over so many different checks.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from tests.benchmarks.bench_check import RECORD

RATE, SECONDS, CONNECTIONS = 500, 10, 32
BODY = json.dumps(RECORD).encode()
REQUEST = (
    b"POST /check HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    % len(BODY)
) + BODY


@contextmanager
def server(workers: int = 2) -> Iterator[tuple[int, int]]:
    """`mianshen serve` on a free port: the port, and the number of the process."""
    words = [
        sys.executable,
        "-m",
        "mianshen_cli",
        "serve",
        "--port",
        "0",
        "--workers",
        str(workers),
        "--lang",
        "en",
    ]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stderr is not None
        line = process.stderr.readline()
        yield int(line.split(":")[2].split("/")[0]), process.pid
        process.send_signal(signal.SIGTERM)


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int:
    """One check; the status of its answer."""
    writer.write(REQUEST)
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
    await reader.readexactly(length)
    return int(head[9:12])


def cpu_seconds(process: int) -> float:
    """The CPU time of the processes that a server has started."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text("ascii").split()
    fields = [Path(f"/proc/{child}/stat").read_text("ascii").rpartition(")")[2].split() for child in children]
    return sum(int(field) for part in fields for field in part[11:13]) / os.sysconf("SC_CLK_TCK")


async def load(port: int, process: int, rate: int, seconds: int) -> tuple[list[float], float, float]:
    """Send checks at a steady rate.

    Gives how long each took from its time to leave until its answer, how long all took, and the server's CPU time, in
    seconds.
    """
    free: asyncio.Queue[Any] = asyncio.Queue()
    for _ in range(CONNECTIONS):
        free.put_nowait(await asyncio.open_connection("127.0.0.1", port))
    for _ in range(2 * CONNECTIONS):  # every process decides once before it is measured
        connection = free.get_nowait()
        assert await ask(*connection) == 200
        free.put_nowait(connection)
    times: list[float] = []

    async def one(due: float) -> None:
        connection = await free.get()
        assert await ask(*connection) == 200
        free.put_nowait(connection)
        times.append(time.perf_counter() - due)

    begun, worked, tasks = time.perf_counter(), cpu_seconds(process), []
    for number in range(rate * seconds):
        due = begun + number / rate
        if (wait := due - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        tasks.append(asyncio.create_task(one(due)))
    await asyncio.gather(*tasks)
    taken, worked = time.perf_counter() - begun, cpu_seconds(process) - worked
    while not free.empty():
        free.get_nowait()[1].close()
    return times, taken, worked


def measured(rate: int = RATE, seconds: int = SECONDS) -> dict[str, float]:
    """Answers a second, and the middle, the 99th percentile and the longest of their times in milliseconds."""
    with server() as (port, process):
        times, taken, worked = asyncio.run(load(port, process, rate, seconds))
    ranks = statistics.quantiles(times, n=100)
    return {
        "answers_per_second": round(len(times) / taken, 1),
        "median_ms": round(ranks[49] * 1000, 1),
        "p99_ms": round(ranks[98] * 1000, 1),
        "longest_ms": round(max(times) * 1000, 1),
        "server_cpu_ms_per_check": round(worked / len(times) * 1000, 2),
        "load_average": round(os.getloadavg()[0], 1),
    }


def test_five_hundred_checks_a_second(benchmark: Any) -> None:
    figures = benchmark.pedantic(measured, rounds=1)
    benchmark.extra_info.update(figures)
    print(figures)
    assert figures["p99_ms"] < 50


def different(number: int, chance: random.Random) -> str:
    """A record like no other before it."""
    person = RECORD["resident"] | {
        "person_id": f"P{number}",
        "insured_area": chance.choice(["310113", "310104", "110101", "371721", "440106", "510104"]),
        "insurance_scheme": chance.choice(["employee", "resident"]),
    }
    claims = [
        claim
        | {"claim_id": f"C{number}-{at}", "total_cost": f"{chance.randrange(600_000, 9_000_000) / 100:.2f}"}
        for at, claim in enumerate(RECORD["claims"])
    ]
    income = f"{chance.randrange(10_000_000) / 100:.2f}"
    return json.dumps(RECORD | {"resident": person, "claims": claims, "household": {"annual_income": income}})


def memory(count: int, slices: int = 20) -> Iterator[tuple[int, float]]:
    """How many checks were answered, and the MiB that the process then held, slice by slice."""
    chance = random.Random(7)
    with server(1) as (port, process), closing(HTTPConnection("127.0.0.1", port, timeout=60)) as client:
        for number in range(1, count + 1):
            client.request("POST", "/check", different(number, chance), {"Host": "localhost"})
            with client.getresponse() as response:
                assert response.status == 200, response.read()
                response.read()
            if number % max(count // slices, 1) == 0:
                status = Path(f"/proc/{process}/status").read_text("ascii")
                yield number, int(status.split("VmRSS:")[1].split()[0]) / 1024


if __name__ == "__main__":
    if sys.argv[1:2] == ["memory"]:
        for answered, held in memory(int(sys.argv[2])):
            print(f"{answered:,} checks: {held:,.1f} MiB", flush=True)
    else:
        print(json.dumps(measured(int(sys.argv[1]) if len(sys.argv) > 1 else RATE)))
