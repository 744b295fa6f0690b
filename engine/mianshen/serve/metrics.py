"""Counts of requests by route and status, and how long they took, over all processes of a server.

In: a route, a status, seconds. Out: the text that Prometheus reads.
Invariant: each process counts in slots of its own, in memory that all share; nothing of a request but its route.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from multiprocessing.sharedctypes import RawArray
from typing import Final

BOUNDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)  # seconds
STATUSES: Final = (2, 3, 4, 5)  # hundreds
OTHER: Final = "other"  # no route of ours


class Metrics:
    """Counters of `workers` processes for `routes`; the process of number `worker` counts."""

    def __init__(self, workers: int, routes: Sequence[str]) -> None:
        self.routes = [*routes, OTHER]
        self.workers, self.worker = workers, 0
        self._numbers = {route: number for number, route in enumerate(self.routes)}
        self._width = len(STATUSES) + len(BOUNDS) + 2  # the statuses, the bounds, beyond them, microseconds
        self._slots = RawArray("Q", workers * len(self.routes) * self._width)

    def count(self, route: str, status: int, seconds: float) -> None:
        """Count one request."""
        number = self._numbers.get(route, len(self.routes) - 1)
        start = (self.worker * len(self.routes) + number) * self._width
        self._slots[start + STATUSES.index(min(max(status // 100, 2), 5))] += 1
        self._slots[start + len(STATUSES) + bisect_left(BOUNDS, seconds)] += 1
        self._slots[start + self._width - 1] += int(seconds * 1_000_000)

    def _sums(self, route: int) -> list[int]:
        """The counts of a route over all processes."""
        starts = [(worker * len(self.routes) + route) * self._width for worker in range(self.workers)]
        return [sum(self._slots[start + offset] for start in starts) for offset in range(self._width)]

    def text(self) -> str:
        """All counts, as Prometheus reads them."""
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        yield "# HELP mianshen_requests_total Requests by route and class of status."
        yield "# TYPE mianshen_requests_total counter"
        sums = {route: self._sums(number) for number, route in enumerate(self.routes)}
        for route, counts in sums.items():
            for hundred, count in zip(STATUSES, counts, strict=False):
                if count:
                    yield f'mianshen_requests_total{{route="{route}",status="{hundred}xx"}} {count}'
        yield "# HELP mianshen_request_seconds How long requests took."
        yield "# TYPE mianshen_request_seconds histogram"
        for route, counts in sums.items():
            buckets = counts[len(STATUSES) : -1]
            total = 0
            for bound, count in zip((*map(str, BOUNDS), "+Inf"), buckets, strict=True):
                total += count
                if sum(buckets):
                    yield f'mianshen_request_seconds_bucket{{route="{route}",le="{bound}"}} {total}'
            if total:
                yield f'mianshen_request_seconds_sum{{route="{route}"}} {counts[-1] / 1_000_000:.6f}'
                yield f'mianshen_request_seconds_count{{route="{route}"}} {total}'
