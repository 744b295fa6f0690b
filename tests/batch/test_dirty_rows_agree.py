"""Rows with something wrong in them, of several fields: the compiled program and the interpreter write the same bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest
from tests.batch.batches import AS_OF, rows, small
from tests.batch.test_any_entity import same_by_engines
from tests.support.campaigns import SOAK
from tests.support.dirty import dirty

from mianshen.batch.recorded_rules import Rules
from mianshen.batch.run import Request, run_batch
from mianshen.native.library import compiler
from mianshen.past_runs.finished_run import FinishedRun
from mianshen.past_runs.replay import replay
from mianshen.program.titles import plural
from mianshen.rulebook import open_program

RULEBOOKS: Final = Path(__file__).parent.parent / "rulebooks"
FIELDS: Final = {
    "school": (RULEBOOKS / "school",),
    "taxes": (RULEBOOKS / "taxes" / "rules",),
    "country": (RULEBOOKS / "country" / "rules",),
    "neighbours": (RULEBOOKS / "people.yaml", RULEBOOKS / "neighbours.yaml"),
    "accumulators": (RULEBOOKS / "people.yaml", RULEBOOKS / "accumulators.yaml"),
}

needs_compiler = pytest.mark.skipif(compiler() is None, reason="no C compiler")


@needs_compiler
@pytest.mark.parametrize("seed", range(40 if SOAK else 1))
@pytest.mark.parametrize("field", FIELDS)
def test_dirty_rows_come_out_alike(field: str, seed: int, tmp_path: Path) -> None:
    program = open_program(FIELDS[field])
    inputs = dirty(program, tmp_path / "in", seed, 100, (0.05, 0.3)[seed % 2], AS_OF)
    written: list[dict[str, Any]] = []
    for engine, partitions in (("native", 3), ("interpreter", 1)):
        out = tmp_path / engine
        run_batch(program, Request(inputs, AS_OF, out, engine=engine, shares=partitions))  # type: ignore[arg-type]
        written.append(
            {file.name: file.read_bytes() for file in out.iterdir() if file.name != "timings.json"}
        )
    assert written[0] == written[1]


CLUBS: Final = """\
rulebook: {name: clubs, title: {zh: 俱乐部, en: Clubs}, entry: player}
entities:
  club: {title: club, key: club_id}
  trainer: {title: trainer, key: trainer_id, parent: club, children: trainers, counted_by: trainers_said}
  player: {title: player, key: player_id, parent: club, children: players, counted_by: players_said, valid_from: since}
  match: {title: match, key: match_id, parent: player, children: matches, date: day, outcome: fee, reverses: voids}
facts:
  club:
    club_id: {type: text, required: true, title: number}
    trainers_said: {type: integer, title: trainers}
    players_said: {type: integer, title: players}
  trainer:
    trainer_id: {type: text, required: true, title: number}
    club_id: {type: text, title: club}
    wage: {type: money, min: 0, title: wage}
  player:
    player_id: {type: text, required: true, title: number}
    club_id: {type: text, title: club}
    since: {type: date, title: since}
    height: {type: integer, min: 0, max: 300, title: height}
    weight: {type: integer, min: 0, max: 300, title: weight}
  match:
    match_id: {type: text, required: true, title: number}
    player_id: {type: text, title: player}
    day: {type: date, title: day}
    goals: {type: integer, min: 0, max: 20, title: goals}
    voids: {type: text, title: voids}
decisions:
  club: {staff: {type: integer, title: staff, output: true}}
  match:
    fee: {type: money, title: fee, output: true}
    nth: {type: integer, title: the club's match of the month, output: true}
accumulators:
  played: {title: matches of the club, entity: match, holder: club, period: month}
sources: {S1: {title: a notice}}
defaults: {source: S1, clause: 1}
provisions:
  counts: {title: counts, decision: staff, value: count(trainers)}
  pays: {title: pays, decision: fee, value: goals * 10}
  counted: {title: counted, decision: nth, value: year to date(played) + 1}
"""
CHECKED: Final = CLUBS.replace(
    "valid_from: since}",
    "valid_from: since, checks: [{name: slim, condition: weight <= height, field: weight, title: weight}]}",
)
CLUB: Final = "club_id,trainers_said,players_said\nA,2,2\n"
PLAYERS: Final = "player_id,club_id,since,height,weight\n"
MATCHES: Final = "match_id,player_id,day,goals,voids\n"


def rejected(folder: Path, files: dict[str, str], rules: str = CLUBS) -> list[tuple[str, str, str]]:
    """Key, field and reason of each rejected row, as every engine writes them."""
    program = small(folder / "rules", rules)
    out = same_by_engines(program, folder / "in", {"club": CLUB, "player": PLAYERS, **files})
    return [(row["key"], row["field"] or "", row["reason"]) for row in rows(out / "rejects.parquet")]


@pytest.mark.parametrize(("kind", "field"), [("trainer", "trainers_said"), ("player", "players_said")])
def test_of_several_kinds_of_rows_below_the_one_that_is_more_than_said_is_named(
    kind: str, field: str, tmp_path: Path
) -> None:
    files = {"trainer": "trainer_id,club_id,wage\n"}
    files[kind] = files.get(kind, PLAYERS) + "".join(f"X{n},A\n" for n in range(3)).replace(
        "\n", ",\n" if kind == "trainer" else ",,,\n"
    )
    assert rejected(tmp_path, files) == [("A", field, "failed_check")]


def test_rows_that_share_a_key_are_not_counted_whatever_else_is_wrong_with_them(tmp_path: Path) -> None:
    """Nobody knows how many they are; a wage that does not read says nothing about that."""
    trainers = "trainer_id,club_id,wage\nT1,A,\nT2,A,\nT3,A,x\nT3,A,x\n"
    assert rejected(tmp_path, {"trainer": trainers}) == [
        ("T3", "wage", "bad_number"),
        ("T3", "wage", "bad_number"),
    ]


def test_a_person_whose_rows_begin_together_is_a_duplicate_before_anything_that_shows_later(
    tmp_path: Path,
) -> None:
    """An unknown club, or a check that fails, is told where nothing else is."""
    players = PLAYERS + "P1,A,2025-01-01,180,80\nP1,nowhere,2025-01-01,180,80\n"
    players += "P2,A,2025-01-01,180,80\nP2,A,2025-01-01,170,190\n"
    players += "P3,A,bad,180,80\nP3,A,2025-01-01,170,190\n"
    assert sorted(rejected(tmp_path, {"player": players}, CHECKED)) == [
        *[("P1", "player_id", "duplicate")] * 2,
        *[("P2", "player_id", "duplicate")] * 2,
        ("P3", "", "history_unreadable"),
        ("P3", "since", "bad_date"),
    ]


def test_a_key_that_rows_of_two_households_have_names_none_to_void(tmp_path: Path) -> None:
    matches = MATCHES + "M1,P1,2026-01-01,1,\nM1,P2,2026-01-01,1,\nR,P1,2026-01-02,,M1\n"
    players = PLAYERS + "P1,A,,180,80\nP2,B,,180,80\n"
    files = {"club": CLUB + "B,1,1\n", "player": players, "match": matches}
    assert sorted(rejected(tmp_path, files)) == [
        *[("M1", "match_id", "duplicate")] * 2,
        ("R", "voids", "reverses_nothing"),
    ]


def test_a_row_below_the_entry_that_names_nobody_is_rejected(tmp_path: Path) -> None:
    players, matches = PLAYERS + "P1,A,,180,80\n", MATCHES + "M1,,2026-01-01,1,\n"
    trainers = "trainer_id,club_id,wage\nT1,,10\n"
    assert sorted(rejected(tmp_path, {"player": players, "match": matches, "trainer": trainers})) == [
        ("M1", "player_id", "unknown_parent"),
        ("T1", "club_id", "unknown_parent"),
    ]


def test_a_row_without_a_key_comes_before_those_of_its_day(tmp_path: Path) -> None:
    players = PLAYERS + "P1,A,,180,80\n"
    matches = MATCHES + "M1,P1,2026-01-01,1,\n,P1,2026-01-01,1,\n"
    program = small(tmp_path / "rules", CLUBS)
    files = {"club": CLUB, "player": players, "match": matches}
    out = same_by_engines(program, tmp_path / "in", files)
    assert [(row["match_id"], row["nth"]) for row in rows(out / "matches.parquet")] == [("M1", None)]


@pytest.mark.parametrize("field", ["school", "taxes"])
def test_people_of_dirty_files_are_replayed_as_they_were_written(field: str, tmp_path: Path) -> None:
    """Keys that other households have too, rows that name nobody, rows over time: what one household shows is not all."""
    program = open_program(FIELDS[field])
    inputs = dirty(program, tmp_path / "in", 3, 100, 0.1, AS_OF)
    source = Rules(FIELDS[field])
    run_batch(program, Request(inputs, AS_OF, tmp_path / "out", engine="interpreter", rules=source))
    finished, entry = FinishedRun.recorded(tmp_path / "out"), program.entities[program.entry]
    people = [row[entry.key] for row in rows(tmp_path / "out" / f"{plural(entry.name)}.parquet")]
    for person in people[: 40 if SOAK else 12]:
        assert replay(finished, person, {}).differences == (), person


def test_a_replay_compares_decisions_that_are_no_benefits_and_columns_that_a_file_has(tmp_path: Path) -> None:
    rules = CLUBS.replace("outcome: fee, ", "")  # so that no row of a match says how it was decided
    program = small(tmp_path / "rules", rules)
    files = {"club": CLUB, "player": PLAYERS + "P1,A,,180,80\n", "match": MATCHES + "M1,P1,2026-01-01,1,\n"}
    for entity, text in files.items():
        (tmp_path / f"{entity}.csv").write_text(text)
    inputs = {entity: tmp_path / f"{entity}.csv" for entity in files}
    run_batch(program, Request(inputs, AS_OF, tmp_path / "out", rules=Rules((tmp_path / "rules",))))
    replayed = replay(FinishedRun.recorded(tmp_path / "out"), "P1", {})
    assert (replayed.compared, replayed.differences) == (
        3,
        (),
    )  # the club's staff; fee and number of the match


def test_a_row_that_may_void_another_and_is_void_itself_leaves_nothing_in_doubt(tmp_path: Path) -> None:
    """Nobody can read what R voids, and S voids R."""
    matches = MATCHES + "M1,P1,2026-01-01,1,\nR,P1,2026-01-02,,2.02603E+15\nS,P1,2026-01-03,,R\n"
    program = small(tmp_path / "rules", CLUBS)
    files = {"club": CLUB, "player": PLAYERS + "P1,A,,180,80\n", "match": matches}
    out = same_by_engines(program, tmp_path / "in", files)
    assert [(row["match_id"], row["status"]) for row in rows(out / "matches.parquet")] == [("M1", "decided")]
