"""The API answers as the commands print, on the same record; what is wrong is told with its code and place."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from tests.benchmarks.bench_check import RECORD

from mianshen_cli.main import main

PERSON = {
    "person_id": "P1",
    "insured_area": "310113",
    "insurance_scheme": "resident",
    "assistance_category": "低保",
}
CLAIMS = [
    {"claim_id": f"C{n}", "service_date": f"2026-0{n}-02", "care_type": "inpatient", "hospital_level": "tertiary",
     "total_cost": "48650.37", "out_of_scope_cost": "5535.62"}
    for n in (1, 2)
]  # fmt: skip
POOR = {
    "as_of": "2026-06-30",
    "resident": PERSON,
    "household": {"annual_income": 20000, "member_count": 1},
    "claims": [],
}
RECORDS = {
    "claims": RECORD,
    "poor": POOR,
    "undated": {"resident": PERSON},
    "rejected": {"as_of": "2026-06-30", "resident": PERSON | {"birth_date": "1990-13-01"}},
    "several": [POOR, RECORD],
    "a list of one": [POOR],
    "under an overlay": {**POOR, "overlays": ["outbreak_waiver"]},
}


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str], record: Callable[[str], Path]) -> Callable[..., Any]:
    """What a command prints as JSON about a record."""

    def run(command: str, text: str, *words: str) -> Any:
        before, after = words[: words.index("FILE")], words[words.index("FILE") + 1 :]
        status = main([command, *before, str(record(text)), *after])
        assert status in (0, 1)
        return json.loads(capsys.readouterr().out)

    return run


def posted(client: TestClient, route: str, body: object, **parameters: str) -> Any:
    response = client.post(route, content=json.dumps(body), params=parameters)
    assert response.status_code == 200, response.text
    return response.json()


# what is asked of one record


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("name", RECORDS)
def test_check_answers_as_the_command_does(
    local: TestClient, printed: Callable[..., Any], name: str, lang: str
) -> None:
    text = json.dumps(RECORDS[name])
    assert posted(local, "/check", RECORDS[name], lang=lang) == printed(
        "check", text, "FILE", "--format", "json", "--lang", lang
    )


def test_check_takes_a_day_and_tells_each_step(local: TestClient, printed: Callable[..., Any]) -> None:
    answer = posted(local, "/check", POOR, as_of="2026-03-01", explain="true", lang="en")
    words = ("FILE", "--format", "json", "--as-of", "2026-03-01", "--explain", "--lang", "en")
    assert answer == printed("check", json.dumps(POOR), *words)
    assert answer["as_of"] == "2026-03-01"


def test_numbers_are_read_from_their_text(local: TestClient) -> None:
    text = json.dumps(POOR).replace('"claims": []', '"claims": [{"claim_id": "C1", "service_date": "2026-03-02", '
                            '"care_type": "inpatient", "hospital_level": "tertiary", "networked": true, '
                            '"total_cost": 100000000000000.01, "out_of_scope_cost": 0.00}]')  # fmt: skip
    answer = local.post("/check", content=text).json()
    assert answer["claims"] == []
    assert "E422" in {reject["code"] for reject in answer["rejects"]}
    exact = local.post("/check", content=text.replace("100000000000000.01", "9007199254.99")).json()
    assert exact["claims"][0]["in_scope_cost"] == "9007199254.99"


def test_the_next_question_is_the_command_s_until_there_is_an_answer(
    local: TestClient, printed: Callable[..., Any]
) -> None:
    given = {
        "insured_area": "310113",
        "insurance_scheme": "resident",
        "assistance_category": "subsistence",
        "coverage_status": "active",
    }
    known: dict[str, str] = {"person_id": "P1"}
    for _ in range(6):
        body = {"benefits": ["premium_subsidy"], "record": {"as_of": "2026-06-30", "resident": known}}
        answer = posted(local, "/next", body, lang="en")
        words = ("premium_subsidy", "FILE", "--next", "--lang", "en")
        assert answer == printed("ask", json.dumps(body["record"]), *words)
        if "answer" in answer:
            break
        known = known | {answer["question"]["fact"]: given[answer["question"]["fact"]]}
    assert answer["answer"]["benefits"]["premium_subsidy"]["status"] == "eligible"


def test_next_begins_with_nothing_and_takes_answers(local: TestClient) -> None:
    first = posted(local, "/next", {"benefits": ["premium_subsidy"]})["question"]
    told = posted(local, "/next", {"benefits": ["premium_subsidy"], "answers": [f"{first['answer_as']}=?"]})
    assert told.get("question", {}).get("fact") != first["fact"]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (
            {"from_date": "2026-03-01", "to_date": "2026-06-30"},
            ("--from-date", "2026-03-01", "--to-date", "2026-06-30"),
        ),
        ({"overlays": ["outbreak_waiver"]}, ("--overlay", "outbreak_waiver")),
        ({"late": ["C2"]}, ("--late", "C2")),
    ],
)
def test_redetermine_answers_as_the_command_does(
    local: TestClient, printed: Callable[..., Any], more: dict[str, object], words: tuple[str, ...]
) -> None:
    record = {**RECORD, "claims": CLAIMS}
    expected = printed("redetermine", json.dumps(record), "FILE", *words, "--format", "json")
    assert posted(local, "/redetermine", {"record": record, **more}) == expected


def test_a_notice_is_the_command_s_and_styled_by_its_own_sheet(
    local: TestClient, record: Callable[[str], Path], tmp_path: Path
) -> None:
    file = record(json.dumps(POOR))
    out = tmp_path / "notice.html"
    main(["notice", str(file), "--benefit", "premium_subsidy", "--out", str(out), "--lang", "zh"])
    response = local.post(
        "/notice", json={"record": POOR, "benefit": "premium_subsidy"}, params={"lang": "zh"}
    )
    assert response.text == out.read_text("utf-8")
    assert "sha256-" in response.headers["content-security-policy"]


# what is wrong


@pytest.mark.parametrize(
    ("route", "body", "code", "place"),
    [
        ("/check", '{"resident": {"person_id": "P1",\n "insured_aera": "31"}}', "E403", "body:2:2"),
        ("/check", '{"resident": {"person_id": "P1"}', "E106", None),
        ("/check", "", "E401", "body"),
        ("/check", "[]", "E401", None),
        ("/check", "resident: {person_id: P1}", "E895", "body:1:1"),
        ("/check", '{"resident": {"person_id": "P1",},\n}', "E895", None),
        ("/check", '{"resident": {"person_id": .NaN}}', "E895", None),
        ("/check", '{"resident": {"person_id": NaN}}', "E895", None),
        ("/check", '{"a": &x [1], "b": *x}', "E895", None),
        ("/next", '{"benefits": ["premium_subsidi"]}', "E701", ""),
        ("/next", '{"record": {}}', "E888", "body:1:1"),
        ("/next", '{"benefits": "all"}', "E889", "body:1:14"),
        ("/next", '{"benefits": ["all"], "colour": 1}', "E887", "body:1:23"),
        ("/notice", '{"record": {"as_of": "2026-06-30", "resident": {"person_id": "P1"}}}', "E747", None),
        ("/redetermine", '{"record": {"resident": {"person_id": "P1"}}}', "E893", ""),
        ("/compare", "{}", "E893", ""),
        ("/compare", '{"overlay": "set: {no_such_figure: {}}"}', None, None),
    ],
)
def test_a_mistake_is_told_with_its_code_and_place(
    local: TestClient, route: str, body: str, code: str | None, place: str | None
) -> None:
    response = local.post(route, content=body)
    assert response.status_code == (409 if "overlay" in body else 422)
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["status"] == response.status_code
    assert problem["type"].startswith("urn:mianshen:problem:")
    first = problem["diagnostics"][0]
    assert code is None or first["code"] == code
    assert place is None or first["place"] == place
    assert first["what"]["zh"]
    assert first["what"]["en"]
    assert "/tmp" not in response.text


@pytest.mark.parametrize("overlay", ["../../etc/passwd", "/etc/passwd", "x.yaml", "nonesuch"])
def test_no_request_names_a_file(local: TestClient, overlay: str) -> None:
    for route, body in {
        "/check": {**POOR, "overlays": [overlay]},
        "/next": {"benefits": ["premium_subsidy"], "record": {**POOR, "overlays": [overlay]}},
        "/redetermine": {"record": POOR, "overlays": [overlay]},
        "/compare": {"overlays": [overlay]},
    }.items():
        response = local.post(route, json=body)
        assert response.status_code == 422, route
        assert [item["code"] for item in response.json()["diagnostics"]] == ["E890"]


# the rulebook


def test_figures_have_their_dates_and_clauses(local: TestClient) -> None:
    figures = local.get("/rulebook/figures").json()
    assert len(figures) > 50
    one = local.get(f"/rulebook/figures/{figures[0]['name']}").json()
    assert one == figures[0]
    assert one["values"][0]["basis"] in ("cited", "provisional", "missing")
    assert local.get("/rulebook/figures/nonesuch").status_code == 404
    assert local.get("/rulebook").json()["digest"] == local.get("/health").json()["rulebook"]


def test_compare_tells_which_cases_an_overlay_moves(local: TestClient) -> None:
    moved = posted(local, "/compare", {"overlays": ["outbreak_waiver"]})
    assert moved["cases"] > 0
    assert isinstance(moved["changes"], list)
