"""Spoilt inputs are decided or refused in a line: no traceback, no internal error, nobody's name or number told.

`MIANSHEN_FUZZ_INPUTS` says how many (50,000 in `make soak`), `MIANSHEN_FUZZ_FIRST` the first seed, so that a campaign goes on
where it stopped: `build/fuzz-FIRST.json` holds the next one. A seed that fails is tried alone with `MIANSHEN_FUZZ_INPUTS=1`.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import time
from collections import Counter
from pathlib import Path
from typing import Final

import pytest
from tests.campaigns.fuzzing import NAME, NUMBER, Spoilt, spoil_cache, spoilt

from mianshen_cli.main import main

INPUTS: Final = int(os.environ.get("MIANSHEN_FUZZ_INPUTS", "60"))
FIRST: Final = int(os.environ.get("MIANSHEN_FUZZ_FIRST", "0"))
PROGRESS: Final = Path(f"build/fuzz-{FIRST}.json").resolve()
_PERSONAL: Final = re.compile(
    "|".join([*(NAME[at : at + 3] for at in range(3)), *(NUMBER[at : at + 12] for at in range(7))])
)
_KEYS: Final = re.compile(  # a key that is somebody's name is repeated as a key
    rf"(?:_id|PSN_NO|SETL_ID)[^\\n]{{0,40}}(?:{_PERSONAL.pattern})"
)
_LINE: Final = re.compile(r"^(?:.*: [EW][0-9]{3}: .*|mianshen: .*|Usage: .*|  .*)$")


def given(words: list[str]) -> tuple[int, str, str]:
    """A command line run in this process: status, standard output, standard error."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main(words)
    return status, out.getvalue(), err.getvalue()


def wrong(case: Spoilt, folder: Path) -> str | None:
    """What is wrong with what the command did; None: nothing."""
    status, out, err = given(case.words)
    told = [out, err, *((folder / name).read_text("utf-8") for name in case.out if (folder / name).exists())]
    if status not in (0, 1, 2):
        return f"status {status}"
    if "Traceback" in err or "internal error" in err or "内部错误" in err:
        return err.strip()[-500:]
    if status == 2 and not err.strip():
        return "refused without a word"
    if status == 2 and not _LINE.match(err.splitlines()[0]):
        return f"not a line of ours: {err.splitlines()[0][:300]}"
    if (leak := _PERSONAL.search("\n".join(told))) is not None and not _keyed(folder):
        return f"{leak[0]!r} is told"
    return None


def _keyed(folder: Path) -> bool:
    """Whether a spoilt input has somebody's name or number where a key belongs."""
    for path in folder.iterdir():
        if path.suffix in (".yaml", ".json", ".jsonl") and _KEYS.search(
            path.read_bytes().decode("utf-8", "replace")
        ):
            return True
    return False


def test_spoilt_inputs_are_decided_or_refused_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MIANSHEN_TRACEBACK", raising=False)
    failures: dict[int, str] = {}
    kinds: Counter[str] = Counter()
    begun = time.process_time()
    for seed in range(FIRST, FIRST + INPUTS):
        folder = tmp_path / str(seed)
        folder.mkdir()
        monkeypatch.chdir(folder)
        case = spoilt(seed, folder)
        kinds[case.kind] += 1
        with monkeypatch.context() as context:
            context.setenv("LANG", "zh_CN.UTF-8" if seed % 2 else "en_GB.UTF-8")
            if case.kind == "cache":
                context.setenv("MIANSHEN_CACHE", str(tmp_path / "cache"))
                spoil_cache(seed, tmp_path / "cache")
            problem = wrong(case, folder)
        if problem is not None:
            failures[seed] = f"{' '.join(case.words)}: {problem}"
        monkeypatch.chdir(tmp_path)
        _removed(folder)
        if INPUTS > 1000 and seed % 100 == 0:
            _note(seed + 1, kinds, failures, begun)
    if INPUTS > 1000:
        _note(FIRST + INPUTS, kinds, failures, begun)
    assert not failures, "\n".join(f"{seed}: {problem}" for seed, problem in failures.items())


def _note(following: int, kinds: Counter[str], failures: dict[int, str], begun: float) -> None:
    """How far the campaign is."""
    PROGRESS.parent.mkdir(exist_ok=True)
    content = {
        "next": following,
        "kinds": kinds,
        "cpu_seconds": round(time.process_time() - begun),
        "failures": failures,
    }
    PROGRESS.write_text(json.dumps(content, ensure_ascii=False, indent=1), "utf-8")


def _removed(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    folder.rmdir()
