"""The policy desk: figures as the rulebook has them, a change as an overlay's text, what it moves."""

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
import yaml
from starlette.testclient import TestClient
from tests.serve.browsing import browser, fits, served
from tests.serve.conftest import CASES, client_of
from tests.serve.test_runs import runs  # noqa: F401  # a fixture
from tests.serve.test_security import form_key_of
from tests.support.campaigns import few

from mianshen.batch.run import Request, run_batch
from mianshen.rulebook import open_program
from mianshen.serve import Settings
from mianshen.serve.policy import overlay_text

FIGURE = "employee_rate_working"
AS_OF = dt.date(2026, 6, 30)
CHANGED = (CASES / "shanghai" / "employee.yaml",)


@pytest.fixture(scope="module")
def desk(runs: Path) -> TestClient:  # noqa: F811
    return client_of(Settings(cases=CHANGED, runs=runs, lang="en"))


def test_every_figure_is_listed_with_its_clause(desk: TestClient) -> None:
    page = desk.get("/policy").text
    assert all(f"/policy/figures/{name}" in page for name in open_program().parameters)
    entry = desk.get("/policy", params={"q": "EMPLOYEE_RATE"}).text
    assert f"/policy/figures/{FIGURE}" in entry
    assert entry.count("/policy/figures/") < 10


def test_the_docs_of_the_rules_are_at_hand_where_they_were_written(desk: TestClient, tmp_path: Path) -> None:
    (tmp_path / "docs/zh").mkdir(parents=True)
    (tmp_path / "docs/index.html").write_text("<p>start</p>", "utf-8")
    (tmp_path / "docs/zh/index.html").write_text("<p>说明</p>", "utf-8")
    (tmp_path / "secret.txt").write_text("secret", "utf-8")
    with client_of(Settings(docs=tmp_path / "docs", lang="en")) as opened:
        assert 'href="/policy/docs/"' in opened.get("/policy").text
        assert opened.get("/policy/docs/").text == "<p>start</p>"
        page = opened.get("/policy/docs/zh/")
        assert page.text == "<p>说明</p>"
        assert "script-src 'self'" in page.headers["content-security-policy"]
        for path in ("nosuch.html", "%2e%2e/secret.txt", "..%2fsecret.txt", "zh/%2e%2e/%2e%2e/secret.txt"):
            assert opened.get(f"/policy/docs/{path}").status_code == 404, path
    assert "/policy/docs/" not in desk.get("/policy").text


def test_every_figure_has_its_page(desk: TestClient) -> None:
    for name, parameter in open_program().parameters.items():
        page = desk.get(f"/policy/figures/{name}")
        assert page.status_code == 200, name
        assert parameter.series[0].start.isoformat() in page.text


def test_a_change_is_an_overlay_and_tells_the_cases_it_moves(desk: TestClient) -> None:
    key = form_key_of(desk.get("/policy").text)
    form = {"form_key": key, "start": "2020-01-01", "value": "91%", "clause": '草案 #1: "x"'}
    page = desk.post(f"/policy/figures/{FIGURE}", data=form)
    assert page.status_code == 200, page.text
    assert "value: 91%" in page.text
    assert FIGURE in page.text.split("Because of", 1)[1]
    moved = desk.post(f"/policy/figures/{FIGURE}?lang=zh", data=form).text.split("起因</th>", 1)[1]
    assert f"<div>{open_program().parameters[FIGURE].title.zh}：85% → 91%</div>" in moved
    assert FIGURE not in moved


@pytest.mark.parametrize(
    "value", ["a lot", "", "9: 9", "}", "\n- x", "&a", "!!python/object:os.system x", "140%"]
)
def test_what_is_no_value_is_refused_at_its_place(desk: TestClient, value: str) -> None:
    key = form_key_of(desk.get("/policy").text)
    page = desk.post(
        f"/policy/figures/{FIGURE}", data={"form_key": key, "start": "2020-01-01", "value": value}
    )
    assert page.status_code == 422
    assert "overlay:" in page.text
    assert "/tmp" not in page.text
    assert str(Path(__file__).parents[2]) not in page.text  # where the rules lie on the server


def test_what_is_typed_stays_within_its_figure() -> None:
    parameter = open_program().parameters[FIGURE]
    text = overlay_text(parameter, "2026-01-01', x: '", "1}\nreplace: {}", 'a"}\nset: {}')
    content: Any = yaml.safe_load(text)
    assert set(content) == {"overlay", "set"}
    assert set(content["set"]) == {FIGURE}


def test_the_overlay_is_a_file_to_take_away(desk: TestClient) -> None:
    key = form_key_of(desk.get("/policy").text)
    file = desk.post("/policy/overlay", data={"form_key": key, "overlay": "overlay: {}\r\n"})
    assert file.text == "overlay: {}\n"
    assert "attachment" in file.headers["content-disposition"]


def test_a_change_is_tried_on_the_people_of_a_run(desk: TestClient, runs: Path) -> None:  # noqa: F811
    key = form_key_of(desk.get("/policy").text)
    text = overlay_text(open_program().parameters[FIGURE], "2020-01-01", "91%", "")
    form = {"form_key": key, "overlay": text, "run": "june"}
    page = desk.post("/policy/population", data=form)
    assert page.status_code == 200, page.text
    assert FIGURE in page.text or "91%" in page.text
    assert "script-src" not in page.headers["content-security-policy"]
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert desk.post("/policy/population", data=form | {"run": "../june"}).status_code == 404
    assert desk.post("/policy/population", data=form | {"overlay": "overlay: {"}).status_code == 409
    assert not [path for path in runs.iterdir() if path.name not in ("june", "notes")]


def test_a_property_is_proved_when_asked(desk: TestClient) -> None:
    pytest.importorskip("z3")
    page = desk.get("/policy/properties").text
    names = [item.name for item in open_program().properties]
    assert all(f'value="{name}"' in page for name in names)
    proved = desk.post("/policy/properties", data={"form_key": form_key_of(page), "name": names[0]}).text
    assert "Proved" in proved
    assert f'value="{names[0]}"' not in proved
    assert f'value="{names[1]}"' in proved


def test_the_pages_fit(runs: Path) -> None:  # noqa: F811
    with served(Settings(cases=CHANGED, runs=runs)) as url, browser() as opened:
        for lang, width in (("zh", 400), ("en", 1280))[: few(1, 2)]:
            page = opened.new_page(viewport={"width": width, "height": 800})
            page.goto(f"{url}/language/{lang}?next=/policy")
            fits(page)
            for path in ("/policy/properties", f"/policy/figures/{FIGURE}"):
                page.goto(url + path)
                fits(page)
            page.locator("#value").fill("91%")
            with page.expect_navigation():
                page.locator("form[method=post] button.main").click()
            fits(page)


def test_a_plot_of_a_figure_says_every_value_and_its_first_day(desk: TestClient) -> None:
    page = desk.get("/policy/figures/shanghai_employer_rate?lang=en").text
    plot = page.partition("<svg")[2].partition("</svg>")[0]
    for label in (">9%<", ">9.5%<", ">2020-01-01<"):
        assert label in plot
    assert "比例（%）" in desk.get("/policy/figures/shanghai_employer_rate?lang=zh").text


def test_a_change_is_tried_on_a_run_that_read_its_files_by_a_mapping(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text("证件号,统筹区,险种\nP1,310101,1\n", "utf-8")
    (tmp_path / "map.yaml").write_text(
        "resident:\n  columns:\n    证件号: person_id\n    统筹区: insured_area\n"
        '    险种: {fact: insurance_scheme, values: {"1": employee}}\n',
        "utf-8",
    )
    folder = tmp_path / "runs"
    request = Request(
        {"resident": tmp_path / "r.csv"}, AS_OF, folder / "mapped", mapping=tmp_path / "map.yaml", yes=True
    )
    run_batch(open_program(), request)
    with client_of(Settings(runs=folder, lang="en")) as desk:
        key = form_key_of(desk.get("/policy").text)
        text = overlay_text(open_program().parameters[FIGURE], "2020-01-01", "91%", "")
        page = desk.post("/policy/population", data={"form_key": key, "overlay": text, "run": "mapped"})
        assert page.status_code == 200, page.text
