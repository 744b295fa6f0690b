"""Several processes on one listening socket: the one with the fewest connections takes the next.

In: a socket that all processes listen on, how many connections each has. Out: a server of uvicorn's.
Left to the kernel, three of four connections may end up with one of two processes, which then is too busy by itself.
Invariant: a connection waits for a less busy process at most `PATIENCE`, whatever has become of that process.
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from typing import Final

import uvicorn

from mianshen.serve.service import Shared

PATIENCE: Final = 0.02  # seconds
_PAUSE: Final = 1.0  # seconds before connections are taken again where files have run out


class SharedServer(uvicorn.Server):
    """The server of one process."""

    def __init__(self, config: uvicorn.Config, shared: Shared) -> None:
        super().__init__(config)
        self.counts = shared.connections
        self.worker = shared.worker
        self._waited = False
        self._listening: socket.socket | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=[])
        assert sockets is not None
        self._listening = sockets[0]
        self._listening.setblocking(False)
        self._listen()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self._listening is not None:
            asyncio.get_running_loop().remove_reader(self._listening)
            self._listening = None
        await super().shutdown(sockets)

    async def on_tick(self, counter: int) -> bool:
        self._count()
        return await super().on_tick(counter)

    def _count(self) -> int:
        """How many connections this process has; others see it, too."""
        count = self.counts[self.worker] = len(self.server_state.connections) + len(self._tasks)
        return count

    def _listen(self) -> None:
        if self._listening is not None:
            asyncio.get_running_loop().add_reader(self._listening, self._arrived)

    def _arrived(self) -> None:
        """A connection waits: take it, or leave it for a moment to a process that has fewer."""
        assert self._listening is not None
        loop = asyncio.get_running_loop()
        if not self._waited and self._count() > min(self.counts):
            self._waited = True
            loop.remove_reader(self._listening)
            loop.call_later(PATIENCE, self._listen)
            return
        self._waited = False
        try:
            connection, _ = self._listening.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return  # another process was faster, or the client gave up
        except OSError:
            loop.remove_reader(self._listening)
            loop.call_later(_PAUSE, self._listen)
            return
        task = loop.create_task(self._connected(connection))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self._count()

    async def _connected(self, connection: socket.socket) -> None:
        """Speak with a client that was accepted; what goes wrong before the first request ends that alone."""
        connection.setblocking(False)
        with suppress(OSError, TimeoutError):
            await asyncio.get_running_loop().connect_accepted_socket(
                self._protocol, connection, ssl=self.config.ssl
            )

    def _protocol(self) -> asyncio.Protocol:
        protocol: asyncio.Protocol = self.config.http_protocol_class(  # type: ignore[call-arg]
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return protocol
