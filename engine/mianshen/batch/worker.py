"""Processes that decide households by the interpreter, each a Python of its own that is told what to do over a pipe.

In: a program, then cases. Out: `Interpreted`. A process of our own needs no guard in the script that calls the library,
and no copy of a process with threads. What goes over the pipe comes from this process alone.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import IO, Any

LENGTH = 8  # bytes before each message that say how long it is


@dataclass(slots=True)
class Workers:
    """As many processes as there are threads, started when they are first needed."""

    setup: Any  # told to each process first
    count: int
    _own: threading.local = field(default_factory=threading.local)
    _all: list[subprocess.Popen[bytes]] = field(default_factory=list)
    _pool: ThreadPoolExecutor | None = None

    def map(self, tasks: Iterable[Any]) -> list[Any]:
        """The answers to all tasks, in order. Raises MemoryError where a process dies."""
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self.count)
        return list(self._pool.map(self._ask, tasks))

    def _ask(self, task: Any) -> Any:
        if not hasattr(self._own, "process"):
            self._own.process = _started()
            self._all.append(self._own.process)
            send(self._own.process.stdin, self.setup)
        try:
            send(self._own.process.stdin, task)
            return receive(self._own.process.stdout)
        except (EOFError, BrokenPipeError):
            raise MemoryError from None

    def close(self) -> None:
        """End every process."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
        for process in self._all:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.close()
            process.stdout.close()
            process.wait()


def _started() -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    return subprocess.Popen(
        [sys.executable, "-m", "mianshen.batch.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
    )


def send(pipe: IO[bytes] | None, message: Any) -> None:
    """Put a message into a pipe."""
    assert pipe is not None
    content = pickle.dumps(message)
    pipe.write(len(content).to_bytes(LENGTH, "little") + content)
    pipe.flush()


def receive(pipe: IO[bytes] | None) -> Any:
    """The next message of a pipe. Raises EOFError."""
    assert pipe is not None
    head = pipe.read(LENGTH)
    if len(head) < LENGTH:
        raise EOFError
    return pickle.loads(pipe.read(int.from_bytes(head, "little")))  # noqa: S301  (a pipe of our own)


def main() -> None:
    """Decide what comes over standard input until it ends."""
    from mianshen.batch.fallback import Setup

    pipe_in, pipe_out = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr
    try:
        setup: Setup = receive(pipe_in)
        decide = setup.ready()
        while True:
            send(pipe_out, decide(receive(pipe_in)))
    except (EOFError, BrokenPipeError):
        return


if __name__ == "__main__":
    main()
