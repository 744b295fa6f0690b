"""Who may do what, and what a request cannot do: the checks that OWASP lists for such a server."""

import json
import logging
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi.routing import APIRoute
from starlette.testclient import TestClient
from tests.serve.conftest import ROLES, Guarded, client_of

from mianshen.serve import identity
from mianshen.serve.app import ROUTERS
from mianshen.serve.audit import Audit, broken_line
from mianshen.serve.identity import Identity, Sessions, new_token
from mianshen.serve.settings import MOST_BYTES, Settings, check_safe
from mianshen.serve.shield import Buckets
from mianshen.source import RuleError
from mianshen_cli.main import main

SECRET = "310113199001012345"
RECORD = {"as_of": "2026-06-30", "resident": {"person_id": SECRET, "insured_area": "310113"}}
ALLOWED: dict[tuple[str, str], tuple[str, ...] | None] = {  # None: whoever comes; (): whoever has a token
    ("POST", "/check"): ("counter",),
    ("POST", "/next"): ("counter",),
    ("POST", "/redetermine"): ("counter",),
    ("POST", "/notice"): ("counter",),
    ("POST", "/compare"): ("policy",),
    ("GET", "/rulebook"): ROLES,
    ("GET", "/rulebook/figures"): ROLES,
    ("GET", "/rulebook/figures/{name}"): ROLES,
    ("GET", "/health"): None,
    ("GET", "/metrics"): ("operator",),
    ("GET", "/"): ROLES,
    ("GET", "/style.css"): None,
    ("GET", "/language/{lang}"): None,
    ("GET", "/login"): None,
    ("POST", "/login"): None,
    ("POST", "/logout"): None,
    ("GET", "/counter"): ("counter",),
    ("POST", "/counter"): ("counter",),
    ("POST", "/counter/open"): ("counter",),
    ("POST", "/counter/record"): ("counter",),
    ("POST", "/counter/notice"): ("counter",),
    ("GET", "/cases"): ("counter",),
    ("POST", "/cases"): ("counter",),
    ("GET", "/cases/{number}"): ("counter",),
    ("POST", "/cases/{number}/open"): ("counter",),
    ("POST", "/cases/{number}/delete"): ("counter",),
    ("GET", "/runs"): ("operator",),
    ("GET", "/runs/{name}"): ("operator",),
    ("GET", "/runs/{name}/rejects"): ("operator",),
    ("GET", "/runs/{name}/due/{benefit}"): ("operator",),
    ("POST", "/runs/{name}/person"): ("operator",),
    ("GET", "/policy"): ("policy",),
    ("GET", "/policy/docs/{path:path}"): ("policy",),
    ("GET", "/policy/properties"): ("policy",),
    ("POST", "/policy/properties"): ("policy",),
    ("GET", "/policy/figures/{name}"): ("policy",),
    ("POST", "/policy/figures/{name}"): ("policy",),
    ("POST", "/policy/try"): ("policy",),
    ("POST", "/policy/overlay"): ("policy",),
    ("POST", "/policy/population"): ("policy",),
}
FORMS = ("/counter", "/counter/open", "/counter/record", "/counter/notice")
ROUTES = [
    (method, route.path)
    for router in ROUTERS
    for route in router.routes
    if isinstance(route, APIRoute)
    for method in route.methods or ()
]


def test_every_route_has_its_roles_listed_here() -> None:
    assert sorted(ROUTES) == sorted(ALLOWED)


@pytest.fixture
def client(guarded: Guarded) -> TestClient:
    return guarded.client()


@pytest.mark.parametrize(("method", "path"), ALLOWED)
def test_a_route_answers_those_it_is_for_and_nobody_else(
    guarded: Guarded, client: TestClient, method: str, path: str
) -> None:
    roles = ALLOWED[method, path]
    for role in ROLES:
        response = client.request(method, path, headers=guarded.headers(role), follow_redirects=False)
        refused = (
            response.status_code == 403 and response.headers["content-type"] == "application/problem+json"
        )
        wrong_role = refused and response.json()["type"] == "urn:mianshen:problem:wrong_role"
        assert wrong_role == (roles is not None and role not in roles), role
    nobody = client.request(method, path, follow_redirects=False)
    stranger = client.request(method, path, headers={"authorization": "Bearer x"}, follow_redirects=False)
    assert (nobody.status_code == 401) == (roles is not None)
    assert (stranger.status_code == 401) == (roles is not None)


def test_who_has_no_page_to_open_is_told_what_the_server_was_not_started_with(guarded: Guarded) -> None:
    headers = guarded.headers("operator") | {"accept": "text/html"}
    client = client_of(replace(guarded.settings, runs=None))
    response = client.get("/", headers=headers, follow_redirects=False)
    assert response.status_code == 404
    assert "--runs" in response.text


def test_a_form_that_is_none_is_unreadable_and_not_something_that_is_not_there(local: TestClient) -> None:
    kind = {"content-type": "multipart/form-data; boundary=x"}
    response = local.post("/counter/open", content=b"--y", headers=kind)
    assert response.status_code == 422, response.text


# signing in


def signed_in(guarded: Guarded, role: str) -> TestClient:
    client = guarded.client()
    response = client.post(
        "/login", data={"token": guarded.tokens[role], "next": "/counter"}, follow_redirects=False
    )
    assert response.status_code == 303
    assert response.headers["location"] == "/counter"
    flags = response.headers["set-cookie"].lower()
    assert "httponly" in flags
    assert "samesite=strict" in flags
    return client


def form_key_of(page: str) -> str:
    return page.split('name="form_key" value="', 1)[1].split('"', 1)[0]


def test_a_browser_is_sent_to_sign_in_and_comes_back(guarded: Guarded) -> None:
    client = guarded.client()
    sent = client.get("/counter", headers={"accept": "text/html"}, follow_redirects=False)
    assert (sent.status_code, sent.headers["location"]) == (303, "/login?next=/counter")
    assert client.post("/login", data={"token": "wrong"}).status_code == 403
    assert 'name="as_of"' in signed_in(guarded, "counter").get("/counter").text


@pytest.mark.parametrize(
    "path", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"]
)
def test_the_way_back_is_a_path_of_ours(guarded: Guarded, path: str) -> None:
    client = guarded.client()
    response = client.post(
        "/login", data={"token": guarded.tokens["counter"], "next": path}, follow_redirects=False
    )
    assert response.headers["location"] == "/"
    assert (
        client.get("/language/zh", params={"next": path}, follow_redirects=False).headers["location"] == "/"
    )


def test_signing_out_ends_the_session(guarded: Guarded) -> None:
    client = signed_in(guarded, "counter")
    cookie = client.cookies["mianshen"]
    key = form_key_of(client.get("/counter").text)
    assert client.post("/logout", data={"form_key": "x"}).status_code == 403
    client.post("/logout", data={"form_key": key})
    client.cookies.set("mianshen", cookie)
    assert client.get("/counter").status_code == 401


def test_each_session_has_a_key_of_its_own(guarded: Guarded) -> None:
    client = guarded.client()
    keys, cookies = set(), set()
    for _ in range(2):
        client.post("/login", data={"token": guarded.tokens["counter"]})
        keys.add(form_key_of(client.get("/counter").text))
        cookies.add(client.cookies["mianshen"])
    assert len(keys) == len(cookies) == 2


@pytest.mark.parametrize("path", FORMS)
def test_a_form_without_its_key_does_nothing(local: TestClient, path: str) -> None:
    for data in ({}, {"form_key": "0" * 64}):
        response = local.post(path, data=data)
        assert response.status_code == 403
        assert response.json()["type"] == "urn:mianshen:problem:no_session"


def test_what_is_typed_is_text(local: TestClient) -> None:
    key = form_key_of(local.get("/counter").text)
    typed = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
    data = {"form_key": key, "person": typed, "benefits": "premium_subsidy", "as_of": "2026-06-30"}
    page = local.post("/counter", data=data)
    assert page.status_code == 200
    assert "<script" not in page.text
    assert "<img" not in page.text
    again = local.post("/counter", data=data | {"action": "answer", "place": "insured_area", "answer": typed})
    assert "<script" not in again.text
    nobody = local.post("/counter", data={"form_key": key, "record": typed}, headers={"accept": "text/html"})
    assert nobody.status_code == 422
    assert "<script" not in nobody.text


# other sites, other hosts


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "", "127.0.0.1.evil.example"])
def test_a_name_that_is_not_ours_reaches_nothing(local: TestClient, host: str) -> None:
    response = local.get("/health", headers={"host": host})
    assert response.status_code == 421
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("host", ["localhost", "localhost:8000", "127.0.0.1:9", "[::1]:8000"])
def test_every_name_of_this_machine_does(local: TestClient, host: str) -> None:
    assert local.get("/health", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_a_page_of_another_site_can_send_nothing(local: TestClient, headers: dict[str, str]) -> None:
    assert local.post("/check", json=RECORD, headers=headers).status_code == 403
    assert local.post("/check", json=RECORD, headers={"origin": "http://localhost"}).status_code == 200


def test_no_other_site_may_read_an_answer(local: TestClient) -> None:
    response = local.post("/check", json=RECORD)
    assert "access-control-allow-origin" not in response.headers


# sizes and rates


def test_a_body_has_a_limit_told_or_not(local: TestClient) -> None:
    large = b" " * (MOST_BYTES + 1)
    assert local.post("/check", content=large).status_code == 413
    assert local.post("/check", content=iter([large[:-10], large[-10:]])).status_code == 413


def test_requests_have_a_rate(guarded: Guarded) -> None:
    client = client_of(Settings(tokens=guarded.settings.tokens, rate=2))
    statuses = [client.get("/health").status_code for _ in range(12)]
    assert statuses[:8] == [200] * 8
    assert 429 in statuses


def test_addresses_are_forgotten() -> None:
    buckets = Buckets(1)
    for number in range(20_000):
        buckets.takes(str(number))
    assert len(buckets._levels) <= 10_000


# headers


@pytest.mark.parametrize("path", ["/health", "/openapi.json", "/nonesuch", "/check"])
def test_every_response_has_its_headers(local: TestClient, path: str) -> None:
    headers = local.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"
    assert "server" not in headers


def test_over_tls_browsers_are_told_to_stay_there(tmp_path: Path) -> None:
    certificate = tmp_path / "c.pem"
    client = client_of(Settings(certificate=certificate, key=certificate))
    assert "strict-transport-security" in client.get("/health").headers


# injection and traversal


@pytest.mark.parametrize(
    "path",
    [
        "/rulebook/figures/..%2f..%2fetc%2fpasswd",
        "/rulebook/figures/' OR 1=1 --",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/static/../app.py",
    ],
)
def test_a_path_is_a_name_and_leads_nowhere(local: TestClient, path: str) -> None:
    response = local.get(path)
    assert response.status_code == 404
    assert "root:" not in response.text


def test_a_deep_or_swollen_body_is_refused_at_once(local: TestClient) -> None:
    deep = "[" * 5000 + "]" * 5000
    swollen = (
        "{a: &a [1,1,1,1,1,1,1,1,1,1], "
        + ", ".join(f"b{n}: &b{n} [{', '.join(['*a'] * 10)}]" for n in range(3000))
        + "}"
    )
    for body in (deep, swollen):
        assert local.post("/check", content=body).status_code == 422


# what is kept of whom


def test_who_saw_whom_is_recorded_and_nothing_else_is_said(
    guarded: Guarded, caplog: pytest.LogCaptureFixture
) -> None:
    client = guarded.client()
    with caplog.at_level(logging.INFO, logger="mianshen.serve"):
        client.post("/check", json=RECORD, headers=guarded.headers("counter"))
        client.post(f"/check?as_of={SECRET}", json=RECORD, headers=guarded.headers("counter"))
        client.get(f"/rulebook/figures/{SECRET}", headers=guarded.headers("counter"))
        client.get(f"/{SECRET}", headers=guarded.headers("counter"))
        metrics = client.get("/metrics", headers=guarded.headers("operator")).text
    assert SECRET not in caplog.text
    assert SECRET not in metrics
    assert "POST /check 200" in caplog.text
    assert guarded.settings.audit is not None
    (line,) = map(json.loads, guarded.settings.audit.read_text("utf-8").splitlines())
    assert (line["who"], line["action"], line["people"]) == ("counter-desk", "check", [SECRET])
    assert guarded.settings.audit.stat().st_mode & 0o077 == 0


def test_an_audit_only_grows_and_a_change_is_found(tmp_path: Path) -> None:
    file = tmp_path / "audit"
    for number in range(4):
        Audit(file).note("desk", "check", [f"P{number}"])
    assert broken_line(file) is None
    lines = file.read_text("utf-8").splitlines()
    file.write_text("\n".join([lines[0], lines[1].replace("P1", "P9"), *lines[2:]]) + "\n", "utf-8")
    assert broken_line(file) == 3
    file.write_text("\n".join([lines[0], *lines[2:]]) + "\n", "utf-8")
    assert broken_line(file) == 2


def test_a_server_says_at_its_start_that_its_audit_was_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("mianshen.serve.serve", lambda _, listening: listening.close())
    file = tmp_path / "audit"
    Audit(file).note("desk", "check", ["P1"])
    assert main(["serve", "--port", "0", "--audit", str(file), "--lang", "en"]) == 0
    assert "audit" not in capsys.readouterr().err
    file.write_text(file.read_text("utf-8").replace("P1", "P9") + "{}\n", "utf-8")
    assert main(["serve", "--port", "0", "--audit", str(file), "--lang", "en"]) == 0
    assert "line 2 of the audit" in capsys.readouterr().err


# tokens and sessions


def test_a_token_taken_out_of_the_file_is_worth_nothing(guarded: Guarded) -> None:
    client, headers = guarded.client(), guarded.headers("counter")
    assert client.post("/check", json=RECORD, headers=headers).status_code == 200
    assert guarded.settings.tokens is not None
    lines = guarded.settings.tokens.read_text("utf-8").splitlines(keepends=True)
    guarded.settings.tokens.write_text("".join(line for line in lines if "counter" not in line), "utf-8")
    assert client.post("/check", json=RECORD, headers=headers).status_code == 401


def test_a_session_ends_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sessions = Sessions(str(tmp_path / "sessions"))
    now = 1_000_000.0
    monkeypatch.setattr("mianshen.serve.identity.time.time", lambda: now)
    cookie = sessions.begin(Identity("desk", frozenset({"counter"})))
    now += identity.IDLE - 1
    session = sessions.of(cookie)
    assert session is not None
    assert session.roles == {"counter"}
    now += identity.IDLE + 1
    assert sessions.of(cookie) is None
    cookie = sessions.begin(Identity("desk", frozenset({"counter"})))
    for _ in range(40):
        now += identity.IDLE / 2
        sessions.of(cookie)
    assert sessions.of(cookie) is None  # used all the time, and over after a day's work
    assert cookie.encode() not in (tmp_path / "sessions").read_bytes()


def test_the_file_of_tokens_holds_none_and_is_read_strictly(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    token = new_token(file, "desk", "counter,policy")
    assert token not in file.read_text("utf-8")
    assert file.stat().st_mode & 0o077 == 0
    with pytest.raises(RuleError, match="E885"):
        new_token(file, "boss", "admin")
    assert len(file.read_text("utf-8").splitlines()) == 1


# before it starts


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::", "example.org"])
def test_other_machines_are_served_only_over_tls_with_tokens_and_an_audit(host: str) -> None:
    with pytest.raises(RuleError) as refused:
        check_safe(Settings(host=host))
    assert [diagnostic.code for diagnostic in refused.value.diagnostics] == ["E880", "E881", "E882"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.0.0.53"])
def test_this_machine_is_served_as_it_is(host: str) -> None:
    check_safe(Settings(host=host))


def test_the_command_says_what_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--host", "0.0.0.0", "--lang", "zh"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3
    assert "--certificate" in lines[0]


def test_the_command_makes_a_token(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "tokens"
    assert main(["serve", "--tokens", str(file), "--new-token", "desk=counter", "--lang", "en"]) == 0
    token = capsys.readouterr().out.split()[-1]
    assert identity.Tokens(file).of(token) == Identity("desk", frozenset({"counter"}))
