"""The compiled program against the interpreter: the same files from the same records, byte for byte."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.batch.batches import AS_OF, COSTS, PEOPLE, small, write
from tests.support.populations import nasty, spoil, write_csv

from mianshen.batch import engines
from mianshen.batch.output_files import entity_files
from mianshen.batch.run import Request, run_batch
from mianshen.native.library import compiler
from mianshen.rulebook import open_program
from mianshen.source import RuleError

FILES = ("residents.parquet", "claims.parquet", "rejects.parquet")

pytestmark = pytest.mark.skipif(compiler() is None, reason="needs a C compiler")


def table(file: Path) -> tuple[list[tuple[str, str]], list[Any]]:
    """Names and types, rows in order."""
    with duckdb.connect() as database:
        described = database.execute("DESCRIBE FROM read_parquet(?)", [str(file)]).fetchall()
        return [row[:2] for row in described], database.execute(
            "FROM read_parquet(?)", [str(file)]
        ).fetchall()


@pytest.mark.parametrize(
    ("seed", "unknown", "spoilt", "homes"),
    [(1, 0.03, True, True), (2, 0.1, False, True), (3, 0.05, True, False), (4, 0.0, False, True)],
)
def test_equals_the_interpreter(tmp_path: Path, seed: int, unknown: float, spoilt: bool, homes: bool) -> None:
    population = nasty(seed, 250, unknown=unknown)
    if spoilt:
        population = spoil(population, seed)
    files = write_csv(population, tmp_path, seed, chinese=seed == 2)
    inputs = {"resident": files["residents"], "claim": files["claims"]}
    if homes:
        inputs["household"] = files["households"]
    for engine in ("native", "interpreter"):
        run_batch(open_program(), Request(inputs, population.as_of, tmp_path / engine, engine=engine))
    for name in FILES:
        assert table(tmp_path / "native" / name) == table(tmp_path / "interpreter" / name), name


def test_threads_change_no_byte(tmp_path: Path) -> None:
    population = spoil(nasty(5, 600, unknown=0.05), 5)
    files = write_csv(population, tmp_path, 5)
    inputs = {"resident": files["residents"], "claim": files["claims"], "household": files["households"]}
    for threads in (1, 3):
        request = Request(inputs, population.as_of, tmp_path / str(threads), threads, engine="native")
        run_batch(open_program(), request)
    for name in FILES:
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "3" / name).read_bytes(), name


def test_a_rulebook_of_ones_own(tmp_path: Path) -> None:
    program = small(tmp_path / "rules")
    inputs = write(tmp_path / "in", {"residents.csv": PEOPLE, "claims.csv": COSTS})
    for engine in ("native", "interpreter"):
        run_batch(program, Request(inputs, AS_OF, tmp_path / engine, engine=engine))
    for name in FILES:
        assert table(tmp_path / "native" / name) == table(tmp_path / "interpreter" / name), name


TEXTS = """\
rulebook: {name: texts, title: {zh: 文本, en: Texts}, entry: resident}
entities:
  resident: {title: resident, key: person_id}
  claim: {title: claim, key: claim_id, parent: resident, children: claims, date: day, outcome: payment}
facts:
  resident:
    person_id: {type: text, required: true, title: number}
    ward: {type: text, title: ward}
  claim:
    claim_id: {type: text, required: true, title: number}
    person_id: {type: text, required: true, title: person}
    day: {type: date, required: true, title: day}
    ward: {type: text, title: ward}
    hospital: {type: text, title: hospital}
decisions:
  claim:
    place: {type: text, title: place}
    payment: {type: money, title: payment, output: true}
sources:
  S: {title: a source}
defaults: {source: S, clause: "1"}
provisions:
  named: {title: a, decision: place, when: 'hospital = "甲"', value: '"east"'}
  other: {title: b, decision: place, when: 'hospital != "甲"', value: ward}
  home: {title: c, decision: payment, when: place = resident.ward, value: '3.00'}
  east: {title: d, decision: payment, when: 'place != resident.ward and place = "east"', value: '2.00'}
  away: {title: e, decision: payment, when: 'place != resident.ward and place != "east"', value: '1.00'}
"""


def test_texts_are_carried(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "texts.yaml").write_text(TEXTS, encoding="utf-8")
    wards = ("east", "西", "north", "")
    people = "".join(f"P{n},{wards[n % 4]}\n" for n in range(40))
    claims = "".join(
        f"C{n},P{n % 40},2026-03-02,{wards[n % 3]},{('甲', '乙', '')[n // 5 % 3]}\n" for n in range(200)
    )
    inputs = write(
        tmp_path / "in",
        {
            "residents.csv": f"person_id,ward\n{people}",
            "claims.csv": f"claim_id,person_id,day,ward,hospital\n{claims}",
        },
    )
    program = open_program([tmp_path / "rules"])
    for engine in ("native", "interpreter"):
        run_batch(program, Request(inputs, AS_OF, tmp_path / engine, engine=engine))
    run_batch(program, Request(inputs, AS_OF, tmp_path / "shares", 2, engine="native", shares=3))
    for name in FILES:
        assert table(tmp_path / "native" / name) == table(tmp_path / "interpreter" / name), name
        shares = table(tmp_path / "shares" / name)[1]  # in the order of the people
        assert sorted(map(repr, shares)) == sorted(map(repr, table(tmp_path / "interpreter" / name)[1])), name
    assert {row[2] for row in table(tmp_path / "native" / "claims.parquet")[1]} > {None}


def test_without_a_compiler_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setattr("mianshen.native.library.find_spec", lambda _: None)  # nor the wheel of one
    inputs = write(tmp_path / "in", {"residents.csv": PEOPLE, "claims.csv": COSTS})
    program = small(tmp_path / "rules")
    with pytest.raises(RuleError, match="E540"):
        run_batch(program, Request(inputs, AS_OF, tmp_path / "out", engine="native"))
    run_batch(program, Request(inputs, AS_OF, tmp_path / "out"))
    assert (tmp_path / "out" / "claims.parquet").exists()


@pytest.mark.parametrize("fails", ["exit 1", '[ "$1" = --version ] && echo cc 1 && exit 0; exit 1'])
def test_a_compiler_that_cannot_compile_gives_way_to_the_next(
    fails: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine may have one without what it needs, such as the headers of C."""
    if not compiler():
        pytest.skip("no C compiler")
    broken = tmp_path / "broken-cc"
    broken.write_text(f"#!/bin/sh\n{fails}\n")
    broken.chmod(0o755)
    monkeypatch.setenv("CC", str(broken))
    monkeypatch.setenv("MIANSHEN_CACHE", str(tmp_path / "cache"))
    inputs = write(tmp_path / "in", {"residents.csv": PEOPLE, "claims.csv": COSTS})
    program = small(tmp_path / "rules")
    run_batch(program, Request(inputs, AS_OF, tmp_path / "out", engine="native"))
    assert engines.expected_engine(program, entity_files(program, set(inputs)), "auto", 1) == "native"


def test_with_nowhere_to_write_the_text_it_says_so_and_the_interpreter_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The results can be written all the while: what is in the way is told as what it is."""
    monkeypatch.setenv("MIANSHEN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    inputs = write(tmp_path / "in", {"residents.csv": PEOPLE, "claims.csv": COSTS})
    program = small(tmp_path / "rules")
    with pytest.raises(RuleError, match=r"E540.*temporary folder: No such file") as caught:
        run_batch(program, Request(inputs, AS_OF, tmp_path / "out", engine="native"))
    assert "E506" not in str(caught.value)
    monkeypatch.setattr(engines, "WORTH", 0)  # so that compiling is tried
    run_batch(program, Request(inputs, AS_OF, tmp_path / "out"))
    assert (tmp_path / "out" / "claims.parquet").exists()
