"""Past runs on pages: what the run's files say, for operators, and no path from outside."""

import datetime as dt
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
from starlette.testclient import TestClient
from tests.batch.batches import AS_OF, small
from tests.batch.test_dirty_rows_agree import CLUB, CLUBS, PLAYERS
from tests.serve.browsing import browser, fits, served
from tests.serve.conftest import client_of
from tests.serve.test_security import form_key_of
from tests.support.campaigns import few

from mianshen.batch.recorded_rules import Rules
from mianshen.batch.run import Request, run_batch
from mianshen.population.sample import write_population
from mianshen.rulebook import open_program
from mianshen.serve import Settings
from mianshen.serve.runs import runs_in

DAY = dt.date(2026, 6, 30)
PATHS = ("/runs", "/runs/june", "/runs/june/rejects?code=E425", "/runs/june/due/premium_subsidy")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one run, a few of its residents rejected, and something that is no run."""
    folder = tmp_path_factory.mktemp("runs")
    people = tmp_path_factory.mktemp("people")
    write_population(people, 300, 7, "parquet", DAY)
    with duckdb.connect() as database:
        database.execute(
            f"COPY (SELECT * REPLACE (CASE WHEN hash(person_id) % 23 = 0 THEN '99' ELSE insured_area END AS insured_area) "
            f"FROM '{people}/residents.parquet') TO '{people}/residents.csv' (HEADER)"
        )
    inputs = {
        "resident": people / "residents.csv",
        "claim": people / "claims.parquet",
        "household": people / "households.parquet",
    }
    run_batch(open_program(), Request(inputs, DAY, folder / "june", rules=Rules()))
    (folder / "notes").mkdir()
    return folder


@pytest.fixture(scope="module")
def client(runs: Path) -> Iterator[TestClient]:
    with client_of(Settings(runs=runs, lang="en")) as opened:
        yield opened


def table(runs: Path, name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(runs / "june" / name).to_pylist()
    return rows


def test_a_run_is_listed_and_nothing_else(client: TestClient) -> None:
    page = client.get("/runs").text
    assert 'href="/runs/june"' in page
    assert "notes" not in page


@pytest.mark.parametrize(
    ("file", "spoilt"),
    [("summary.json", b'{"records": 3}'), ("rejects.parquet", b"PAR1PAR1"), ("manifest.json", b"{}")],
)
def test_a_spoilt_run_hides_no_other_and_says_what_is_wrong(
    client: TestClient, runs: Path, file: str, spoilt: bytes
) -> None:
    shutil.copytree(runs / "june", runs / "may")
    try:
        (runs / "may" / file).write_bytes(spoilt)
        page = client.get("/runs").text
        assert 'href="/runs/june"' in page
        assert f'/runs/may">may</a>: this is not the folder of a batch: {file} is not in it' in page
        answer = client.get("/runs/may")
        assert (answer.status_code, f"{file} is not in it, or cannot be read" in answer.text) == (422, True)
    finally:
        shutil.rmtree(runs / "may")


def test_its_summary_is_that_of_its_files(client: TestClient, runs: Path) -> None:
    page = client.get("/runs/june").text
    summary = json.loads((runs / "june" / "summary.json").read_text("utf-8"))
    due = summary["benefits"]["premium_subsidy"]["eligible"]
    assert f">{due['residents']}<" in page
    assert f"{len(table(runs, 'rejects.parquet'))}<" in page
    assert "E425" in page


def test_rejects_and_lists_name_their_people(client: TestClient, runs: Path) -> None:
    rejected = {row["key"] for row in table(runs, "rejects.parquet") if row["code"] == "E425"}
    page = client.get("/runs/june/rejects", params={"code": "E425"}).text
    assert all(key in page for key in rejected)
    page = client.get("/runs/june/rejects", params={"code": "E425", "lang": "zh"}).text
    assert {row["field"] for row in table(runs, "rejects.parquet") if row["code"] == "E425"} == {
        "insured_area"
    }
    title = open_program().facts["resident", "insured_area"].title.zh  # a claim has a fact of that name, too
    assert f">{title}<" in page
    assert f">{title}<" in client.get("/runs/june?lang=zh").text
    due = {
        row["person_id"]
        for row in table(runs, "residents.parquet")
        if row["premium_subsidy_status"] == "eligible"
    }
    page = client.get("/runs/june/due/premium_subsidy").text
    assert all(key in page for key in due)
    places = [part.split('"', 1)[0] for part in page.split('href="?area=')[1:]]
    listed = [client.get("/runs/june/due/premium_subsidy", params={"area": area}).text for area in places]
    assert all(sum(f'value="{key}"' in text for text in listed) == 1 for key in due)
    assert (
        client.get("/runs/june/due/premium_subsidy", params={"area": "' OR 1=1 --"}).text.count('name="key"')
        == 0
    )


def test_one_person_comes_out_as_written(client: TestClient, runs: Path) -> None:
    key = form_key_of(client.get("/runs/june").text)
    person = table(runs, "residents.parquet")[5]["person_id"]
    page = client.post("/runs/june/person", data={"form_key": key, "key": person})
    assert page.status_code == 200, page.text
    assert "As the run wrote it" in page.text
    assert client.post("/runs/june/person", data={"form_key": key, "key": "nobody"}).status_code == 422
    assert client.post("/runs/june/person", data={"key": person}).status_code == 403


@pytest.mark.parametrize("name", ["nonesuch", "%2e%2e", "..%2f..%2fetc", "june%2f..%2fjune", "notes"])
def test_a_run_is_named_by_its_folder_alone(client: TestClient, name: str) -> None:
    assert client.get(f"/runs/{name}", follow_redirects=False).status_code in (404, 422)
    assert client.get(f"/runs/{name}/rejects", follow_redirects=False).status_code in (404, 422)


def test_without_runs_there_are_none(local: TestClient) -> None:
    assert local.get("/runs").status_code == 404
    assert "--runs" in local.get("/runs").json()["detail"]


def test_the_pages_fit(runs: Path) -> None:
    with served(Settings(runs=runs)) as url, browser() as opened:
        for lang, width in (("zh", 400), ("en", 1280))[: few(1, 2)]:
            page = opened.new_page(viewport={"width": width, "height": 800})
            page.goto(f"{url}/language/{lang}?next=/runs")
            for path in PATHS:
                page.goto(url + path)
                fits(page)
            with page.expect_navigation():
                page.locator("button[name=key]").first.click()
            fits(page)


def test_a_run_of_another_field_counts_its_own_people(tmp_path: Path) -> None:
    """Players, not the first entity there is."""
    program = small(tmp_path / "rules", CLUBS)
    texts = {"club": CLUB + "B,0,0\n", "player": PLAYERS + "P1,A,,180,80\n"}
    for entity, text in texts.items():
        (tmp_path / f"{entity}.csv").write_text(text)
    run_batch(
        program, Request({entity: tmp_path / f"{entity}.csv" for entity in texts}, AS_OF, tmp_path / "out")
    )
    assert [line.people for line in runs_in(tmp_path).lines] == [1]
