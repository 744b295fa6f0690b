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

    setup: Any  # sent to each process first
    count: int
    _own: threading.local = field(default_factory=threading.local)
    _processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    _pool: ThreadPoolExecutor = field(init=False)

    def __post_init__(self) -> None:
        self._pool = ThreadPoolExecutor(self.count)

    def map(self, tasks: Iterable[Any]) -> list[Any]:
        """The answers to all tasks, in order. Raises MemoryError where a process dies."""
        return list(self._pool.map(self._ask, tasks))

    def _ask(self, task: Any) -> Any:
        try:
            if not hasattr(self._own, "process"):
                self._own.process = _started()
                self._processes.append(self._own.process)
                send(self._own.process.stdin, self.setup)
            send(self._own.process.stdin, task)
            return receive(self._own.process.stdout)
        except (EOFError, BrokenPipeError):
            raise MemoryError from None

    def close(self) -> None:
        """End every process, also one that died with a message half written."""
        self._pool.shutdown(cancel_futures=True)
        for process in self._processes:
            process.communicate()


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
    """The next message of a pipe. Raises EOFError where it ends before the message does."""
    assert pipe is not None
    length = int.from_bytes(_read(pipe, LENGTH), "little")
    return pickle.loads(_read(pipe, length))  # noqa: S301  (a pipe of our own)


def _read(pipe: IO[bytes], size: int) -> bytes:
    content = pipe.read(size)
    if len(content) < size:
        raise EOFError
    return content


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
