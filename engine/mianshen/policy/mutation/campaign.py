"""All mutants of a rulebook, over processes, resumed where an earlier run stopped.

In: case files, rules, overlays. Out: a `Campaign`: a `Judged` for each mutant, in order.
Invariants: a journal belongs to one rulebook and its cases, by digest, and is refused for any other; a judgement is
written to it as soon as it is known, so that a run that is stopped loses none. No process outlives the run.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final, get_args

from mianshen.cases.read import CaseOf, Programs, read_case_files
from mianshen.catalogue import diagnostic
from mianshen.policy.mutation.mutants import Mutant
from mianshen.policy.mutation.runs import Judgement, Mutation
from mianshen.source import RuleError, unlined
from mianshen.version import __version__

CHUNK: Final = 16  # mutants a process judges between two reports
FEW: Final = 200  # mutants that one process judges sooner than others start


@dataclass(frozen=True, slots=True)
class Judged:
    """A mutant, what became of it, and the case that noticed it."""

    mutant: Mutant
    judgement: Judgement
    by: str


@dataclass(frozen=True, slots=True)
class Campaign:
    """Every mutant judged; `failing`: cases that are not as expected already, and notice nothing."""

    judged: tuple[Judged, ...]
    failing: tuple[CaseOf, ...]

    def count(self, *judgements: Judgement) -> int:
        return sum(part.judgement in judgements for part in self.judged)

    @property
    def survivors(self) -> list[Mutant]:
        return [part.mutant for part in self.judged if part.judgement == "survived"]


@dataclass(frozen=True, slots=True)
class Setup:
    """What every process reads for itself."""

    files: tuple[Path, ...]
    rules: tuple[Path, ...]
    overlays: tuple[str, ...]

    def mutation(self) -> Mutation:
        cases = read_case_files(self.files, Programs(self.rules))
        return Mutation(cases, Programs(self.rules, self.overlays))


def run_campaign(
    setup: Setup,
    jobs: int = 1,
    journal: Path | None = None,
    advance: Callable[[int, int], None] = lambda _, __: None,
) -> Campaign:
    """Judge every mutant; `advance` hears how many there are and how many more are judged."""
    mutation = setup.mutation()
    digest = _digest(setup, mutation)
    results = {} if journal is None else _resumed(journal, digest)
    pending = [number for number in range(len(mutation.mutants)) if number not in results]
    advance(len(mutation.mutants), len(results))
    for number, judgement, by in _judged(setup, mutation, pending, jobs):
        results[number] = (judgement, by)
        if journal is not None:
            with journal.open("a", encoding="utf-8") as file:
                file.write(json.dumps([number, judgement, by], ensure_ascii=False) + "\n")
        advance(len(mutation.mutants), 1)
    judged = tuple(Judged(mutant, *results[number]) for number, mutant in enumerate(mutation.mutants))
    return Campaign(judged, tuple(mutation.failing))


def _judged(
    setup: Setup, mutation: Mutation, pending: Sequence[int], jobs: int
) -> Iterator[tuple[int, Judgement, str]]:
    if jobs < 2 or len(pending) < FEW:
        for number in pending:
            yield number, *mutation.judge(mutation.mutants[number])
        return
    context = multiprocessing.get_context("spawn")
    chunks = [pending[at : at + CHUNK] for at in range(0, len(pending), CHUNK)]
    pool = ProcessPoolExecutor(jobs, context, _begin, (setup,))
    try:
        for done in as_completed([pool.submit(_judge, chunk) for chunk in chunks]):
            yield from done.result()
    except BaseException:
        for process in multiprocessing.active_children():
            process.kill()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


_own: list[Mutation] = []  # of a process of the pool


def end_with_parent() -> None:
    """Let a process end as soon as the one that started it does, however that ends; Ctrl-C is the parent's to hear."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _begin(setup: Setup) -> None:
    end_with_parent()
    _own.append(setup.mutation())


def _judge(numbers: Sequence[int]) -> list[tuple[int, Judgement, str]]:
    mutation = _own[-1]
    return [(number, *mutation.judge(mutation.mutants[number])) for number in numbers]


# -- the journal -------------------------------------------------------------------------------------


def _digest(setup: Setup, mutation: Mutation) -> str:
    digest = sha256(
        f"{__version__};{mutation.program.digest};{len(mutation.mutants)};{setup.overlays}".encode()
    )
    for file in setup.files:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _resumed(journal: Path, digest: str) -> dict[int, tuple[Judgement, str]]:
    """What an earlier run judged. Raises RuleError where the journal belongs to other rules or cases."""
    if not journal.exists():
        journal.write_text(json.dumps({"digest": digest}) + "\n", "utf-8")
        return {}
    head, *lines = journal.read_text("utf-8").splitlines() or [""]
    if _head(head) != digest:
        raise RuleError([diagnostic("E790.other_journal", unlined(str(journal)))])
    results: dict[int, tuple[Judgement, str]] = {}
    for line in lines:
        try:
            number, judgement, by = json.loads(line)
        except ValueError:
            continue  # the line a run was stopped in
        if judgement in get_args(Judgement):
            results[number] = (judgement, by)
    return results


def _head(line: str) -> str | None:
    try:
        head = json.loads(line)
    except ValueError:
        return None
    return head.get("digest") if isinstance(head, dict) else None
