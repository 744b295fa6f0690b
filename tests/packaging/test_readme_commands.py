"""Every command that the READMEs and guides show runs as it is written, in one folder, in the order of the page."""

from __future__ import annotations

import io
import json
import re
import shlex
import shutil
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from tests.packaging.pages import ROOT, manual
from tests.packaging.test_documents import blocks
from tests.support.campaigns import SOAK

from mianshen.source import Lang
from mianshen_cli.main import main

INTERACTIVE = ("serve", "lsp", "ask")  # servers, a dialogue; they have tests of their own
LASTING = (
    "mutate",
    "prove",
    "suggest",
    "diff",
    "test",
    "coverage",
)  # minutes over the whole rulebook; likewise

DEAR = ("docs", "sample")  # one line with the same options is enough but in the soak

LOCALES: Final[dict[Lang, str]] = {"en": "en_GB.UTF-8", "zh": "zh_CN.UTF-8"}


def commands(text: str) -> list[list[str]]:
    """The command lines of the page's shell blocks and of its sentences, without comments."""
    blocked = [line for _, shown in blocks(text, "sh") for line in shown.replace("\\\n", " ").splitlines()]
    spoken = re.findall(r"`(mianshen [^`]*)`", text)
    lines = [" ".join(line.split()) for line in (*blocked, *spoken)]
    words = [shlex.split(line, comments=True) for line in lines if line.startswith("mianshen ")]
    return [line[1:] for line in words if len(line) > 1]


def whole(line: list[str]) -> bool:
    """Whether a command can be run as it stands: nothing is left out of it or stands for something else."""
    if line[0] in (*INTERACTIVE, *LASTING) or len(line) == 1 or "…" in "".join(line):
        return "--next" in line
    return not any(re.fullmatch(r"[A-Z]{2,}[A-Z_]*", word) or word.startswith("cases/") for word in line)


def options(line: list[str]) -> list[str]:
    """The command and the options of a line."""
    return [line[0], *sorted(word for word in line if word.startswith("-"))]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files that the page's commands name."""
    record, draft, *_ = (shown for _, shown in blocks(manual("en"), "yaml"))
    monkeypatch.chdir(tmp_path)
    for name in ("record", "old", "new"):
        Path(f"{name}.yaml").write_text(record, "utf-8")
    Path("draft.yaml").write_text(draft, "utf-8")
    assert main(["sample", "--out", ".", "--residents", "60", "--as-of", "2026-06-30"]) == 0
    assert (
        main(["sample", "--out", ".", "--residents", "60", "--as-of", "2026-06-30", "--format", "csv"]) == 0
    )
    claims = pq.read_table("claims.parquet")
    half = pc.cast(pc.round(pc.divide(pc.fill_null(claims["total_cost"], 0), 2), 2), pa.decimal128(18, 2))
    half = pc.if_else(pa.array([number < 5 for number in range(len(half))]), half, None)
    for name in ("settled", "结算"):
        pq.write_table(claims.append_column("settled_basic_payment", half), f"{name}.parquet")
    event = {"event_id": "E1", "person_id": "P00000001", "type": "retirement", "date": "2026-06-01"}
    Path("events.jsonl").write_text(json.dumps(event) + "\n", "utf-8")
    words = ["--residents", "residents.parquet", "--claims", "claims.parquet", "--as-of", "2026-06-30"]
    assert main(["batch", *words, "--out", "run-of-yesterday"]) == 0
    shutil.rmtree("cases", ignore_errors=True)
    shutil.copy(ROOT / "cases" / "shanghai" / "assistance.yaml", "few.yaml")
    return tmp_path


@pytest.mark.usefixtures("folder")
def test_every_command_shown_runs(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What both languages' pages show is run once; docs with all cases have tests of their own.

    A command of the Chinese pages with other names of files, but the options of one that was run, is run in `make soak`;
    so are more of the dear ones of either.
    """
    run: list[list[str]] = []
    for lang, locale in LOCALES.items():
        monkeypatch.setenv("LANG", locale)
        lines = [line for line in commands(manual(lang)) if whole(line)]
        assert len(lines) >= 15
        for line in lines:
            kind = line if SOAK or (lang == "en" and line[0] not in DEAR) else options(line)
            if kind in run:
                continue
            run += [line, options(line)]
            monkeypatch.setattr(
                "sys.stdin", io.TextIOWrapper(io.BytesIO(Path("record.yaml").read_bytes()), "utf-8")
            )
            status = main([*line, "--cases", "few.yaml"] if line[0] == "docs" else line)
            told = capsys.readouterr().err
            assert status in (0, 1), f"mianshen {' '.join(line)}: {told}"
