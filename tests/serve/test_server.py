"""A server as a process of its own: started, stopped, and on its feet again when a part of it is killed."""

import asyncio
import gc
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI

from mianshen.serve.app import shared_for
from mianshen.serve.audit import Audit, broken_line
from mianshen.serve.listener import SharedServer
from mianshen.serve.office import Office
from mianshen.serve.server import address
from mianshen.serve.settings import Settings
from mianshen_cli.main import main

RECORD = {"as_of": "2026-06-30", "resident": {"person_id": "P1", "insured_area": "310113"}}
ROUNDS = int(os.environ.get("MIANSHEN_REQUESTS", "100"))


@contextmanager
def started(*words: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`mianshen serve` on a free port: the process and where it is."""
    command = [sys.executable, "-m", "mianshen_cli", "serve", "--port", "0", "--lang", "en", *words]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        line = process.stderr.readline()
        try:
            yield process, line.split(" at ")[1].split("/;")[0]
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def asked(
    url: str, body: object = None, context: ssl.SSLContext | None = None, tries: int = 60
) -> dict[str, object]:
    """What is answered, once something answers."""
    data = None if body is None else json.dumps(body).encode()
    for _ in range(tries):
        try:
            with urllib.request.urlopen(url, data, timeout=30, context=context) as response:
                content: dict[str, object] = json.load(response)
                return content
        except OSError:
            time.sleep(0.5)
    raise AssertionError(f"{url} did not answer")


def children(process: int) -> list[int]:
    return [
        int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text("ascii").split()
    ]


def two_children(process: int, but: int | None = None) -> list[int]:
    """The two children that a process has, or soon has, without one that was killed."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        listed = children(process)
        if len(listed) == 2 and but not in listed:
            return listed
        time.sleep(0.05)
    raise AssertionError(f"{children(process)} are not two")


def test_a_killed_process_is_started_again_and_all_end_together() -> None:
    with started("--workers", "2") as (process, url):
        assert asked(f"{url}/health")["status"] == "ok"
        before = two_children(process.pid)
        os.kill(before[0], signal.SIGKILL)
        two_children(process.pid, but=before[0])
        for _ in range(10):
            assert asked(f"{url}/check", RECORD)["person_id"] == "P1"
        after = children(process.pid)
    assert process.returncode == 0
    assert not any(Path(f"/proc/{child}").exists() for child in after)


def test_an_address_in_use_is_told_in_one_line() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "mianshen_cli", "serve", "--port", port, "--lang", "en"]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "words",
    [
        ("--rules", "nonesuch"),
        ("--tokens", "nonesuch"),
        ("--store", "."),
        ("--audit", "."),
        ("--certificate", "x", "--key", "x"),
    ],
)
def test_what_cannot_be_used_is_told_before_it_starts(
    words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("mianshen.serve.serve", lambda *_: pytest.fail("it started"))
    assert main(["serve", "--port", "0", "--lang", "en", *words]) == 2
    told = capsys.readouterr().err
    assert len(told.splitlines()) == 1
    assert "internal" not in told


def test_over_tls_with_a_certificate(tmp_path: Path) -> None:
    names = ["-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "cert.pem")]
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *names, *subject]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no openssl")
    context = ssl.create_default_context(cafile=str(tmp_path / "cert.pem"))
    with started("--certificate", str(tmp_path / "cert.pem"), "--key", str(tmp_path / "key.pem")) as (_, url):
        assert url.startswith("https://")
        assert asked(f"{url}/health", context=context)["status"] == "ok"


def test_many_different_requests_leave_nothing_behind() -> None:
    office = Office()

    def ask(count: int) -> int:
        for number in range(count):
            resident = {"person_id": f"P{number}", "insured_area": "310113", "annual_premium": number}
            record = {"as_of": f"2026-0{number % 6 + 1}-{number % 28 + 1:02}", "resident": resident}
            office.check(json.dumps(record).encode(), "en")
        gc.collect()
        return len(gc.get_objects())

    before = ask(ROUNDS)
    assert ask(ROUNDS) <= before * 1.01


async def _connections_of_each(count: int) -> list[int]:
    """How many connections each of two servers on one socket takes of so many that come one by one."""
    listening = address(Settings(port=0))
    shared = shared_for(Settings(workers=2))
    sockets, servers = [listening, listening.dup()], []
    for worker in range(2):
        shared.worker = worker
        config = uvicorn.Config(FastAPI(), log_config=None, lifespan="off")
        config.load()
        server = SharedServer(config, shared)
        server.lifespan = config.lifespan_class(config)
        await server.startup([sockets[worker]])
        servers.append(server)
    writers = []
    for _ in range(count):
        reader, writer = await asyncio.open_connection(*listening.getsockname())
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        writers.append(writer)
    counts = [len(server.server_state.connections) for server in servers]
    for writer in writers:
        writer.close()
    for server, listened in zip(servers, sockets, strict=True):
        await server.shutdown([listened])
    return counts


def test_processes_take_connections_in_turn() -> None:
    assert asyncio.run(_connections_of_each(6)) == [3, 3]


def test_processes_that_parted_write_one_audit(tmp_path: Path) -> None:
    audit = Audit(tmp_path / "audit")
    children = []
    for _ in range(3):
        if child := os.fork():
            children.append(child)
            continue
        for number in range(50):
            audit.note("desk", "check", [f"P{number}"])
        os._exit(0)
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0]
    assert broken_line(tmp_path / "audit") is None
