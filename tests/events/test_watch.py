"""A watch from files to work list: what comes up, what comes up once, what is refused."""

from __future__ import annotations

import datetime as dt
import random
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.batch.batches import queried
from tests.events.town import RESIDENTS, RULES, Fields, brief, event, items, refused, request, town, watched

from mianshen.program.program import Program
from mianshen.source import RuleError
from mianshen.watch.run import run_watch

IDENTITY = event("E1", "A", "identity", "2026-03-01", category="poor")


def codes(folder: Path, program: Program, events: list[Fields] | str, **more: Any) -> list[str]:
    with pytest.raises(RuleError) as caught:
        watched(program, folder, events, **more)
    return [diagnostic.code for diagnostic in caught.value.diagnostics]


# -- what comes up -----------------------------------------------------------------------------


def test_an_event_changes_the_record_and_the_program_decides(program: Program, tmp_path: Path) -> None:
    watched(program, tmp_path, [IDENTITY])
    assert items(tmp_path) == [
        {
            "event_id": "E1",
            "event_type": "identity",
            "event_date": "2026-03-01",
            "person_id": "A",
            "benefit": "subsidy",
            "record": None,
            "kind": "automatic",
            "amount": "380.00",
            "granted_before": None,
            "period": "2026",
            "due_by": "identity",
            "reason": {
                "zh": "符合。困难补贴（category：困难）",
                "en": "Eligible. Subsidy for the poor (category: poor)",
            },
            "provision": "subsidy_for_the_poor",
            "clause": {"source": "S1", "clause": "1"},
            "missing": [],
            "also": [],
            "settled_by": None,
        }
    ]


def test_a_birth_makes_everything_of_one_matter_due_together(program: Program, tmp_path: Path) -> None:
    watched(program, tmp_path, [event("E1", "A", "birth", "2026-03-01", children=2, child_born="2026-02-27")])
    assert brief(tmp_path) == [
        ("E1", "A", "allowance", "automatic", "200.00"),
        ("E1", "A", "visit", "confirm", None),
    ]


def test_a_changed_fact_that_the_event_does_not_give_is_asked_for(program: Program, tmp_path: Path) -> None:
    """`none` in the record no longer holds once an identity is gained."""
    watched(program, tmp_path, [event("E1", "A", "identity", "2026-03-01")])
    [item] = items(tmp_path)
    assert (item["kind"], item["missing"]) == ("needs_facts", ["category"])


def test_what_was_asked_for_is_marked_when_it_is_settled(program: Program, tmp_path: Path) -> None:
    asked = event("E1", "A", "identity", "2026-03-01")
    again = event("E2", "A", "identity", "2026-03-02")
    told = event("E3", "A", "identity", "2026-03-03", category="none")
    watched(program, tmp_path, [asked, again, told])
    [item] = items(tmp_path)
    assert (item["event_id"], item["kind"], item["settled_by"]) == ("E1", "needs_facts", "E3")


def test_an_eligible_person_without_an_amount_is_listed_with_what_it_lacks(
    program: Program, tmp_path: Path
) -> None:
    first = event("E1", "B", "identity", "2026-03-01", category="poor")
    later = event("E2", "B", "identity", "2026-03-05", category="poor", premium="120.50")
    watched(program, tmp_path, [first, later])
    assert [(i["event_id"], i["kind"], i["amount"], i["missing"]) for i in items(tmp_path)] == [
        ("E1", "automatic", None, ["premium"]),
        ("E2", "automatic", "120.50", []),
    ]


def test_what_happens_to_one_member_can_make_a_benefit_due_to_all(program: Program, tmp_path: Path) -> None:
    watched(program, tmp_path, [event("E1", "A", "stay", "2026-03-01", bill="300.00")])
    assert brief(tmp_path) == [
        ("E1", "A", "warning", "automatic", None),
        ("E1", "B", "warning", "automatic", None),
    ]


def test_a_benefit_of_a_claim_is_decided_for_the_claim_the_event_brings(
    program: Program, tmp_path: Path
) -> None:
    claims = "claim_id,person_id,day,bill\nOLD,A,2026-01-05,20\n"
    watched(
        program, tmp_path, [event("E1", "A", "stay", "2026-03-01", claim_id="NEW", bill=50)], claims=claims
    )
    [item] = items(tmp_path)
    assert (item["benefit"], item["record"], item["kind"]) == ("refund", "NEW", "confirm")


def test_an_event_may_give_facts_of_a_claim_that_is_there(program: Program, tmp_path: Path) -> None:
    claims = "claim_id,person_id,day,bill\nC1,A,2026-01-05,500\n"
    told = event("E1", "A", "stay", "2026-03-01", claim_id="C1", bill=50)
    watched(program, tmp_path, [told], claims=claims)
    assert brief(tmp_path) == [("E1", "A", "refund", "confirm", None)]  # and no warning: 500.00 is no more


def test_claims_after_the_event_have_not_happened_yet(program: Program, tmp_path: Path) -> None:
    claims = "claim_id,person_id,day,bill\nC1,A,2026-06-05,5000\n"
    stays = [event(f"E{month}", "A", "stay", f"2026-0{month}-01", bill=150) for month in (3, 7)]
    watched(program, tmp_path, stays, claims=claims)
    assert {i["event_id"] for i in items(tmp_path) if i["benefit"] == "warning"} == {"E7"}


def test_a_claim_before_the_event_reads_the_row_of_its_own_time(tmp_path: Path) -> None:
    """Of a person with rows over time, an event begins another row; without, the record's facts count as they are."""
    text = RULES.replace("area: area}", "area: area, valid_from: since}").replace(
        "half: {decision: payment, value: bill * 0.5}",
        'half: {decision: payment, value: if resident.category = "poor" then bill * 0.0 else bill * 0.5}',
    )
    text = text.replace(
        "    tags: {type: list", "    since: {type: date, title: since}\n    tags: {type: list"
    )
    over_time = town(tmp_path / "town", rules=text)
    claims = "claim_id,person_id,day,bill\nC1,A,2026-01-05,400\n"
    events = [
        event("E1", "A", "identity", "2026-03-01", category="poor"),
        event("E2", "A", "stay", "2026-04-01", bill=500, claim_id="C2"),
    ]
    dated = "person_id,household_id,area,category,premium,since\nA,H1,31,none,1,2020-01-01\nB,H1,31,none,,\n"
    later = "A,H1,31,none,1,2026-06-01\n"
    for name, residents, warned in (
        ("undated", RESIDENTS, False),
        ("dated", dated, True),
        ("more", dated + later, True),
    ):
        watched(over_time, tmp_path / name, events, residents=residents, claims=claims)
        assert any(i["benefit"] == "warning" for i in items(tmp_path / name)) == warned


# -- once ----------------------------------------------------------------------------------------


def test_the_same_event_twice_grants_once(program: Program, tmp_path: Path) -> None:
    outcome = watched(program, tmp_path, [IDENTITY, IDENTITY])
    assert (outcome.counts.taken, outcome.counts.repeated, len(items(tmp_path))) == (1, 1, 1)
    outcome = watched(program, tmp_path, [IDENTITY])
    assert (outcome.counts.taken, outcome.counts.repeated, len(items(tmp_path))) == (0, 1, 1)


def test_two_events_of_one_period_grant_once_and_of_two_periods_twice(
    program: Program, tmp_path: Path
) -> None:
    days = ("2026-03-01", "2026-11-30", "2027-01-01")
    watched(program, tmp_path, [event(f"E{day}", "A", "identity", day, category="poor") for day in days])
    assert [(i["event_id"], i["period"]) for i in items(tmp_path)] == [
        ("E2026-03-01", "2026"),
        ("E2027-01-01", "2027"),
    ]


def test_periods_are_months_occasions_events_and_lives(program: Program, tmp_path: Path) -> None:
    stays = [event(f"S{day}", "C", "stay", f"2026-03-{day:02}", bill=50, claim_id="C1") for day in (1, 2)]
    births = [
        event("B1", "A", "birth", "2026-03-01", children=2, child_born="2026-02-27"),
        event(
            "B2", "A", "birth", "2026-03-09", children=2, child_born="2026-02-27"
        ),  # the same child, told twice
        event("B3", "A", "birth", "2026-12-31", children=2, child_born="2026-12-30"),
    ]
    watched(program, tmp_path, [*stays, *births])
    results = [(i["event_id"], i["benefit"], i["period"]) for i in items(tmp_path)]
    assert [item for item in results if item[1] != "warning"] == [
        ("B1", "allowance", "2026-02-27"),
        ("B1", "visit", "B1"),
        ("S1", "refund", ""),
        ("B2", "visit", "B2"),
        ("B3", "allowance", "2026-12-30"),
        ("B3", "visit", "B3"),
    ]


def test_a_changed_amount_is_for_a_person_to_confirm(program: Program, tmp_path: Path) -> None:
    more = event("E2", "A", "identity", "2026-05-01", category="poor", premium=400)
    watched(program, tmp_path, [IDENTITY, more])
    last = items(tmp_path)[-1]
    assert (last["kind"], last["amount"], last["granted_before"]) == ("confirm", "400.00", "380.00")


def test_the_order_of_events_in_the_file_makes_no_difference(program: Program, tmp_path: Path) -> None:
    rng = random.Random(4)
    events = [
        event("E1", "A", "identity", "2026-03-01", category="poor"),
        event("E10", "A", "identity_lost", "2026-03-01"),
        event("E9", "A", "identity", "2026-03-01", category="poor", premium=99),
        *(
            event(f"S{n}", who, "stay", f"2026-0{n}-02", bill=70 * n)
            for n in range(1, 6)
            for who in "AC"[n % 2]
        ),
    ]
    results = set()
    for turn in range(6):
        rng.shuffle(events)
        watched(program, tmp_path / str(turn), events)
        results.add((tmp_path / str(turn) / "work.jsonl").read_bytes())
    assert len(results) == 1


def test_files_taken_one_after_the_other_come_to_the_same(program: Program, tmp_path: Path) -> None:
    births = [
        event(f"E{n}", "A", "birth", f"2026-0{n}-01", children=n, child_born=f"2026-0{n}-01")
        for n in range(1, 9)
    ]
    watched(program, tmp_path / "one", births)
    for start in range(0, 8, 3):
        watched(program, tmp_path / "many", births[start : start + 3])
    assert items(tmp_path / "one") == items(tmp_path / "many")


def test_a_late_event_is_decided_for_its_own_day_and_counted(program: Program, tmp_path: Path) -> None:
    watched(program, tmp_path, [event("E2", "A", "identity_lost", "2026-06-01")])
    outcome = watched(program, tmp_path, [IDENTITY])
    assert outcome.counts.late == 1
    assert brief(tmp_path) == [("E1", "A", "subsidy", "automatic", "380.00")]


def test_with_a_day_every_event_is_decided_for_it(program: Program, tmp_path: Path) -> None:
    day = dt.date(2026, 12, 31)
    outcome = watched(
        program, tmp_path, [IDENTITY, event("E2", "A", "identity", "2027-01-01", category="poor")], as_of=day
    )
    [line] = refused(outcome, tmp_path)
    assert line.startswith("events.jsonl:2:1: E618: the event of 2027-01-01 is later than 2026-12-31,")
    assert [i["period"] for i in items(tmp_path)] == ["2026"]


# -- formats ---------------------------------------------------------------------------------------

EVENTS = [
    event("E1", "A", "identity", "2026-03-01", category="poor", premium="380.50", tags=["poor", "none"]),
    event("E2", "A", "stay", "2026-03-02", claim_id="C1", bill="20.10"),
    event("E3", "C", "birth", "2026-03-03"),
]
CSV = (
    "event_id,person_id,type,date,category,premium,tags,claim_id,bill,children\n"
    "E1,A,identity,2026-03-01,困难,380.50,poor; none,,,\nE2,A,stay,2026-03-02,,,,C1,20.10,\nE3,C,生育,2026-03-03,,,,,,\n"
)
YAML = """\
events:
  - {event_id: E1, person_id: A, type: identity, date: 2026-03-01, category: 困难, premium: 380.50, tags: [poor, none]}
  - {event_id: E2, person_id: A, type: stay, date: 2026-03-02, claim_id: C1, bill: 20.10}
  - {event_id: E3, person_id: C, type: 生育, date: 2026-03-03, children: null}
"""


@pytest.mark.parametrize("form", ["csv", "yaml", "parquet"])
def test_events_are_read_the_same_from_every_format(program: Program, tmp_path: Path, form: str) -> None:
    watched(program, tmp_path / "lines", EVENTS)
    folder = tmp_path / form
    asked = request(folder, YAML if form == "yaml" else CSV, f"events.{'csv' if form == 'parquet' else form}")
    if form == "parquet":
        types = "'date': 'DATE', 'premium': 'DECIMAL(9,2)', 'bill': 'DECIMAL(9,2)', 'children': 'INTEGER'"
        queried(
            f"COPY (SELECT * REPLACE (string_split(tags, '; ') AS tags) FROM read_csv('{folder}/events.csv', "
            f"types={{{types}}})) TO '{folder}/events.parquet'"
        )
        asked = request(folder, [], "unused.jsonl")
        asked = replace(asked, events=folder / "events.parquet")
    outcome = run_watch(program, asked)
    assert refused(outcome, folder) == []
    assert items(folder) == items(tmp_path / "lines")


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_work_list_can_be_a_table(program: Program, tmp_path: Path, form: str) -> None:
    watched(program, tmp_path, [*EVENTS, event("E4", "Z", "birth", "2026-03-03")], out=f"work.{form}")
    rows = queried(
        f"SELECT event_id, kind, amount::VARCHAR, missing, reason_zh FROM '{tmp_path}/work.{form}'"
    )
    assert rows[0][:3] == ("E1", "automatic", "380.50")
    assert rows[-1][3] == (["children"] if form == "parquet" else "children")
    rejects = queried(f"SELECT line, event_id, field, reason FROM '{tmp_path}/work.rejects.{form}'")
    assert rejects == [(4, "E4", "person_id", "unknown_person")]


def test_an_empty_stream_gives_an_empty_work_list(program: Program, tmp_path: Path) -> None:
    for name in ("events.jsonl", "events.yaml"):
        outcome = watched(program, tmp_path, "", name=name)
        assert (outcome.counts.taken, brief(tmp_path)) == (0, [])
    watched(program, tmp_path, "", out="work.parquet")
    assert queried(f"SELECT count(*) FROM '{tmp_path}/work.parquet'") == [(0,)]


# -- refusals ---------------------------------------------------------------------------------------

BAD = """\
{"event_id": "E1", "person_id": "A", "type": "identty", "date": "2026-03-01"}
{"event_id": "E2", "person_id": "A", "type": "identity", "date": "2026-02-30", "category": "por"}
{"event_id": "E3", "person_id": "A", "type": "identity", "date": "2026-03-01", "catgory": "poor"}
{"event_id": "E4", "person_id": "A", "type": "identity", "date": "2026-03-01", "bill": 3}
{"event_id": "E5", "person_id": "A", "type": "ident
{"event_id": "E6", "type": "identity", "date": "2026-03-01"}
["E7"]
{"event_id": "E8", "person_id": "Nobody", "type": "identity", "date": "2026-03-01"}
{"event_id": "E9", "person_id": "A", "type": "stay", "date": "2026-03-01", "bill": 2000000}
{"event_id": "E10", "person_id": "A", "type": "stay", "date": "2026-03-01", "day": "2026-03-02", "bill": 2}
{"event_id": "E11", "person_id": "A", "type": "identity", "date": "2026-03-01", "category": "poor"}
{"event_id": "E12", "person_id": "A", "type": "birth", "date": "2026-03-01", "children": 1}
{"event_id": "E12", "person_id": "A", "type": "birth", "date": "2026-03-01", "children": 2}
"""
REFUSED = """\
events.jsonl:1:46: E613: there is no life event identty. Perhaps identity is meant.
events.jsonl:2:66: E423: date is 2026-02-30, which is not a date. Write it like 2026-11-21, or null when unknown.
events.jsonl:2:92: E424: category is por, which is not one of its codes. Perhaps poor is meant.
events.jsonl:3:80: E611: an event has no catgory. Perhaps category is meant.
events.jsonl:4:80: E614: an event identity does not give bill. It may give: category, premium, tags.
events.jsonl:5:46: E610: not an event: Unterminated string starting at. Write one whole {"event_id": …} on each line.
events.jsonl:6:1: E612: the event has no person_id. Add person_id.
events.jsonl:7:1: E610: not an event: a mapping of keys to values is expected. Write one whole {"event_id": …} on each line.
events.jsonl:8:1: E616: no record has this person_id. Correct it, or add the record.
events.jsonl:9:1: E619: the record cannot be decided after the event: The bill is too high. Correct the event or the record.
events.jsonl:10:1: E618: the event of 2026-03-02 is later than 2026-03-01, the decision date. \
Correct the date, or decide for a later --as-of.
events.jsonl:12:1: E615: this event_id already belongs to a different event. Give each event a number of its own.
  events.jsonl:13:1: the other one is here
events.jsonl:13:1: E615: this event_id already belongs to a different event. Give each event a number of its own.
  events.jsonl:12:1: the other one is here
"""


def test_what_is_no_event_is_refused_with_its_place_and_the_others_are_taken(
    program: Program, tmp_path: Path
) -> None:
    outcome = watched(program, tmp_path, BAD)
    assert "\n".join(refused(outcome, tmp_path)) + "\n" == REFUSED
    assert brief(tmp_path) == [("E11", "A", "subsidy", "automatic", "380.00")]
    listed = [(row["line"], row["event_id"], row["reason"]) for row in items(tmp_path, "work.rejects.jsonl")]
    assert len(listed) == len(outcome.refused)
    assert (5, None, "malformed") in listed
    assert (9, "E9", "undecidable") in listed


def test_a_cell_of_a_table_is_refused_at_its_line_and_column(program: Program, tmp_path: Path) -> None:
    text = 'event_id,person_id,type,date,category\n"E,\n1",A,identity,2026-03-01,poor\n\nE2,A,identity,2026-03-01,por\n'
    outcome = watched(program, tmp_path, text, name="events.csv")
    assert [line.split(": ")[0] for line in refused(outcome, tmp_path)] == ["events.csv:5:26"]


def test_a_wrong_header_ends_the_reading(program: Program, tmp_path: Path) -> None:
    assert codes(tmp_path, program, "event_id,person_id,typ,date,catgory\n", name="events.csv") == [
        "E502",
        "E502",
    ]
    assert not (tmp_path / "work.jsonl").exists()


def test_bytes_that_are_no_text_spoil_only_their_line(program: Program, tmp_path: Path) -> None:
    asked = request(tmp_path, [IDENTITY])
    asked.events.write_bytes(b'{"event_id": "\xff"}\n' + asked.events.read_bytes())
    outcome = run_watch(program, asked)
    assert (len(outcome.refused), outcome.counts.taken) == (1, 1)


def test_a_number_taken_in_an_earlier_run_is_no_other_events(program: Program, tmp_path: Path) -> None:
    watched(program, tmp_path, [IDENTITY])
    outcome = watched(program, tmp_path, [{**IDENTITY, "category": "none"}])
    assert [entry.diagnostic.code for entry in outcome.refused] == ["E615"]
    assert len(items(tmp_path)) == 1


def test_a_refused_event_is_taken_once_it_is_right(program: Program, tmp_path: Path) -> None:
    event_ = event("E1", "D", "identity", "2026-03-01", category="poor")
    assert len(watched(program, tmp_path, [event_]).refused) == 1
    residents = RESIDENTS + "D,,31,,5.00\n"
    assert watched(program, tmp_path, [event_], residents=residents).refused == ()
    assert brief(tmp_path) == [("E1", "D", "subsidy", "automatic", "5.00")]


def test_events_of_a_rejected_record_are_refused(program: Program, tmp_path: Path) -> None:
    residents = RESIDENTS + "D,,31,por,\nE,H1,31,none,1\nE,,31,none,1\n"
    events = [event("E1", "D", "identity", "2026-03-01"), event("E2", "E", "identity", "2026-03-01")]
    outcome = watched(program, tmp_path, events, residents=residents)
    assert [line.split("(")[-1].split(")")[0] for line in refused(outcome, tmp_path)] == [
        "category: not a known code",
        "person number: a number that comes twice",
    ]


def test_a_rulebook_without_life_events_says_so(tmp_path: Path) -> None:
    assert codes(tmp_path / "b", replace(town(tmp_path / "a"), events={}), [IDENTITY]) == ["E606"]


# -- the journal --------------------------------------------------------------------------------------


def test_another_file_is_no_journal(program: Program, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a database, by far long enough to look at" * 30)
    assert codes(tmp_path, program, [IDENTITY], journal="notes.txt") == ["E603"]
    with sqlite3.connect(tmp_path / "other.db") as other:
        other.execute("CREATE TABLE t (x)")
    assert codes(tmp_path, program, [IDENTITY], journal="other.db") == ["E603"]
    assert codes(tmp_path, program, [IDENTITY], journal="none/there.journal") == ["E604"]


def test_a_journal_in_use_is_left_alone(program: Program, tmp_path: Path) -> None:
    watched(program, tmp_path, [IDENTITY])
    with sqlite3.connect(tmp_path / "work.journal") as other:
        other.execute("BEGIN IMMEDIATE")
        assert codes(tmp_path, program, [IDENTITY]) == ["E602"]
    assert (tmp_path / "work.journal").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "names", [{"out": "events.jsonl"}, {"journal": "residents.csv"}, {"journal": "work.jsonl"}]
)
def test_no_input_is_written_over(program: Program, tmp_path: Path, names: dict[str, str]) -> None:
    assert codes(tmp_path, program, [IDENTITY], **names) == ["E605"]


def test_a_work_list_of_no_known_form_is_refused(program: Program, tmp_path: Path) -> None:
    assert codes(tmp_path, program, [IDENTITY], out="work.xlsx") == ["E608"]


def test_a_fact_of_a_household_is_asked_for_once(program: Program, tmp_path: Path) -> None:
    households = "household_id,size,income\nH1,2,\n"
    stay = event("E1", "A", "stay", "2026-03-01", bill="300.00")
    watched(program, tmp_path, [stay], households=households)
    [item] = items(tmp_path)
    assert (item["person_id"], item["benefit"], item["kind"], item["missing"]) == (
        "A", "warning", "needs_facts", ["income"],
    )  # fmt: skip
    assert item["also"] == [{"person_id": "B", "benefit": "warning", "record": None}]
    again = event("E2", "B", "stay", "2026-04-01", bill="300.00")
    watched(program, tmp_path, [stay, again], households=households)
    assert [i["event_id"] for i in items(tmp_path)] == ["E1"]


def test_facts_that_only_some_need_are_asked_for_beside(program: Program, tmp_path: Path) -> None:
    """B's cost is open as well: both want it once the household's income is asked of A."""
    claims = "claim_id,person_id,day,kind,bill\nK,B,2026-01-05,none,\n"
    stay = event("E1", "A", "stay", "2026-03-01", bill="300.00")
    watched(
        program,
        tmp_path,
        [stay],
        households="household_id,size,income\nH1,2,\n",
        claims=claims,
        out="work.csv",
    )
    text = (tmp_path / "work.csv").read_text("utf-8")
    assert [line.split(",")[4] for line in text.splitlines()[1:]] == ["warning"]
    assert "bill;income" in text
    assert "B warning" in text
