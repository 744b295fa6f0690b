"""Cases that are kept: found again, with their history, whatever happens to the process."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from tests.serve.conftest import Guarded, client_of
from tests.serve.test_security import form_key_of, signed_in

from mianshen.serve.settings import Settings
from mianshen.serve.store import MOST_SHOWN, Store
from mianshen.source import RuleError

RECORD = "as_of: 2026-06-30\nresident: {person_id: P1, insured_area: '310113'}\n"
KILLS = int(os.environ.get("MIANSHEN_KILLS", "4")) // 4 or 1
WRITER = """
import sys
from pathlib import Path
from mianshen.serve.store import MOST_SHOWN, Store
store = Store(Path(sys.argv[1]))
number = 0
while True:
    number += 1
    store.keep(f"P{number}", "", "x" * 20000, (), "desk")
    print(number, flush=True)
"""


def test_a_case_has_its_history(tmp_path: Path) -> None:
    store = Store(tmp_path / "cases.db")
    number = store.keep("P1", "first", "a", (), "anna")
    assert store.keep("P1", "second", "b", ("x", "y"), "ben", number) == number
    case = store.case(number)
    assert (case.person, case.label) == ("P1", "second")
    assert [(v.record, v.kept_by, v.benefits) for v in case.versions] == [
        ("b", "ben", ("x", "y")),
        ("a", "anna", ()),
    ]
    with pytest.raises(KeyError):
        store.keep("P1", "", "c", (), "ben", 99)
    store.delete(number)
    assert store.search() == ()
    with pytest.raises(KeyError):
        store.case(number)
    assert b"second" not in (tmp_path / "cases.db").read_bytes()


def test_cases_are_found_by_words_that_are_taken_as_they_are(tmp_path: Path) -> None:
    store = Store(tmp_path / "cases.db")
    for person, label in (("P1", "100%"), ("P2", "a_b"), ("P3", "a'b"), ("310", "宝山")):
        store.keep(person, label, "", (), "desk")
    for words, people in {
        "%": ["P1"],
        "_": ["P2"],
        "'": ["P3"],
        "宝": ["310"],
        "P": ["P3", "P2", "P1"],
        "\\": [],
        "' OR 1=1": [],
    }.items():
        assert [case.person for case in store.search(words)] == people, words


def test_another_database_is_not_taken_for_one(tmp_path: Path) -> None:
    file = tmp_path / "other.db"
    with sqlite3.connect(file) as database:
        database.execute("CREATE TABLE x (y)")
    text = tmp_path / "text"
    text.write_text("not a database", "utf-8")
    for path in (file, text, tmp_path):
        with pytest.raises(RuleError, match="E891"):
            Store(path)


def test_what_was_kept_survives_a_kill(tmp_path: Path) -> None:
    choice = random.Random(3)
    for turn in range(KILLS):
        file = tmp_path / f"{turn}.db"
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(file)], stdout=subprocess.PIPE, text=True
        ) as writer:
            assert writer.stdout is not None
            said = 0
            for _ in range(choice.randint(1, 30)):
                said = int(writer.stdout.readline())
            writer.send_signal(signal.SIGKILL)
            said = max([said, *map(int, writer.stdout.read().split())])
        people = {case.person for case in Store(file).search()}
        assert {f"P{number}" for number in range(1, said + 1)} <= people
        assert all(len(case.versions[0].record) == 20000 for case in Store(file).search())


# over the pages


def test_a_record_is_kept_opened_changed_and_deleted(guarded: Guarded) -> None:
    client = signed_in(guarded, "counter")
    key = form_key_of(client.get("/counter").text)
    form = {"form_key": key, "record": RECORD, "benefits": "premium_subsidy", "label": "宝山"}
    response = client.post("/cases", data=form, follow_redirects=False)
    assert response.headers["location"] == "/cases/1"
    assert "宝山" in client.get("/cases", params={"q": "宝山"}).text
    assert "P1" not in client.get("/cases", params={"q": "nobody"}).text
    opened = client.post("/cases/1/open", data={"form_key": key, "version": "1"})
    assert 'name="case" value="1"' in opened.text
    changed = form | {"case": "1", "action": "answer", "place": "insurance_scheme", "answer": "resident"}
    assert client.post("/cases", data=changed, follow_redirects=False).headers["location"] == "/cases/1"
    page = client.get("/cases/1").text
    assert page.count("<pre") == 2
    assert "counter-desk" in page
    assert client.post("/cases/1/delete", data={"form_key": "x"}).status_code == 403
    client.post("/cases/1/delete", data={"form_key": key})
    assert client.get("/cases/1").status_code == 404
    assert guarded.settings.audit is not None
    audit = guarded.settings.audit.read_text("utf-8")
    assert [
        action for action in ("keep", "search", "case", "delete") if f'"action": "{action}"' not in audit
    ] == []


def test_without_a_store_nothing_is_kept(local: TestClient) -> None:
    assert local.get("/cases").status_code == 404
    assert "--store" in local.get("/cases").json()["detail"]


def test_a_case_is_there_after_a_restart(tmp_path: Path) -> None:
    settings = Settings(store=tmp_path / "cases.db")
    client = client_of(settings)
    key = form_key_of(client.get("/counter").text)
    client.post("/cases", data={"form_key": key, "record": RECORD, "benefits": "premium_subsidy"})
    assert "P1" in client_of(settings).get("/cases").text
    assert (tmp_path / "cases.db").stat().st_mode & 0o077 == 0


def test_a_search_as_long_as_a_page_and_a_number_beyond_all_find_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path / "cases.db")
    assert store.search("x" * 60_000) == ()
    for number in (0, -1, 2**63, 10**40):
        with pytest.raises(KeyError):
            store.case(number)
        with pytest.raises(KeyError):
            store.keep("P1", "", "{}", (), "desk", number)


def test_a_list_of_cases_that_is_not_whole_says_so(tmp_path: Path) -> None:
    settings = Settings(store=tmp_path / "cases.db")
    store, client = Store(tmp_path / "cases.db"), client_of(settings)
    for number in range(3):
        store.keep(f"P{number}", "", RECORD, (), "desk")
    assert "最近的" not in client.get("/cases?lang=zh").text
    for number in range(MOST_SHOWN):
        store.keep(f"Q{number}", "", RECORD, (), "desk")
    assert f"最近的 {MOST_SHOWN} 个" in client.get("/cases?lang=zh").text
