"""What holds for every route at once: forms need their key, other methods do nothing, no word typed breaks a page."""

import re
from collections.abc import Callable
from functools import cache
from html import unescape
from urllib.parse import quote

import pytest
from fastapi.routing import APIRoute
from starlette.routing import Route
from starlette.testclient import TestClient
from tests.serve.conftest import ROLES, Guarded, guarded_in
from tests.serve.test_security import form_key_of

from mianshen.serve.api import api
from mianshen.serve.app import ROUTERS, create_app
from mianshen.serve.settings import Settings

ROUTES = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
FORMS = sorted(
    route.path for router in ROUTERS if router is not api for route in router.routes
    if isinstance(route, APIRoute) and "POST" in (route.methods or ()) and route.path != "/login"
)  # fmt: skip
PAGES = sorted(route.path for route in ROUTES if "GET" in (route.methods or ()) and route.path != "/metrics")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND")
HOSTILE = (
    "' OR 1=1 --", '"; DROP TABLE story; --', "NEAR(", "*", "..", "../../etc/passwd", "..%2f..%2fetc%2fpasswd", "%00",
    "{{7*7}}", "${jndi:ldap://x}", "<script>alert(1)</script>", "\r\nset-cookie: a=b", "A" * 5000, "\ud7ff\u202e", "-1", "9" * 40,
)  # fmt: skip


def filled(path: str, value: str) -> str:
    """A path with a value for each of its parameters."""
    return re.sub(r"\{\w+\}", lambda _: value, path)


def signed_in(guarded: Guarded, role: str) -> TestClient:
    client = guarded.client()
    assert (
        client.post("/login", data={"token": guarded.tokens[role]}, follow_redirects=False).status_code == 303
    )
    return client


def role_of(path: str) -> str:
    return "operator" if path.startswith("/runs") else "policy" if path.startswith("/policy") else "counter"


def test_the_app_has_no_route_besides_those_of_its_routers() -> None:
    listed = {route.path for route in ROUTES}
    others = {route.path for route in create_app(Settings()).routes if isinstance(route, Route)} - listed
    assert others == {"/openapi.json"}


@pytest.mark.parametrize("path", PAGES)
def test_no_page_is_a_server_error_where_its_option_was_not_given(local: TestClient, path: str) -> None:
    assert local.get(filled(path, "x"), follow_redirects=False).status_code < 500


@pytest.fixture(scope="module")
def with_foreign_key(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[TestClient, str]]:
    """Somebody signed in with a role, and the key of another's session; once for all forms of the role."""
    shared = guarded_in(tmp_path_factory.mktemp("forms"))

    @cache
    def opened(role: str) -> tuple[TestClient, str]:
        client, other = signed_in(shared, role), signed_in(shared, role)
        page = other.get("/" if role == "operator" else f"/{role}").text
        foreign = re.search(r'name="form_key" value="([^"]+)"', page)
        return client, "" if foreign is None else foreign[1]

    return opened


@pytest.mark.parametrize("path", FORMS)
def test_no_form_does_anything_without_the_key_of_its_session(
    with_foreign_key: Callable[[str], tuple[TestClient, str]], path: str
) -> None:
    client, foreign = with_foreign_key(role_of(path))
    sent = {"name": "x", "overlay": "x", "person": "P1", "run": "x"}
    for key in ("", "0" * 64, foreign):
        response = client.post(filled(path, "1"), data={"form_key": key, **sent})
        assert (response.status_code, response.json()["type"]) == (403, "urn:mianshen:problem:no_session"), (
            key
        )


@pytest.mark.parametrize("path", sorted({route.path for route in ROUTES}))
def test_a_method_that_a_route_does_not_have_is_refused(local: TestClient, path: str) -> None:
    known = {method for route in ROUTES if route.path == path for method in route.methods or ()}
    for method in METHODS:
        if method not in known:
            response = local.request(method, filled(path, "x"), follow_redirects=False)
            assert response.status_code in (404, 405), method
            assert "set-cookie" not in response.headers


def test_a_cookie_that_somebody_planted_is_no_session(guarded: Guarded) -> None:
    planted = "planted-by-another-page"
    client = guarded.client()
    client.cookies.set("mianshen", planted)
    assert client.get("/counter").status_code == 401
    response = client.post("/login", data={"token": guarded.tokens["counter"]}, follow_redirects=False)
    assert planted not in response.headers["set-cookie"]
    victim = guarded.client()
    victim.cookies.set("mianshen", planted)
    assert victim.get("/counter").status_code == 401


def test_a_cookie_of_a_server_over_tls_is_never_sent_in_clear(guarded: Guarded) -> None:
    response = guarded.client().post(
        "/login", data={"token": guarded.tokens["counter"]}, follow_redirects=False
    )
    flags = {flag.strip().lower() for flag in response.headers["set-cookie"].split(";")[1:]}
    assert {"httponly", "samesite=strict", "path=/"} <= flags


@pytest.mark.parametrize("path", PAGES)
def test_no_word_in_an_address_breaks_a_page_or_comes_back_as_markup(guarded: Guarded, path: str) -> None:
    headers = guarded.headers(role_of(path)) | {"accept": "text/html"}
    client = guarded.client()
    for word in HOSTILE:
        query = dict.fromkeys(("q", "code", "area", "lang", "next"), word)
        response = client.get(
            filled(path, quote(word, safe="")), params=query, headers=headers, follow_redirects=False
        )
        assert response.status_code < 500, word
        assert "<script>alert" not in response.text
        assert "root:" not in response.text
        assert "a=b" not in response.headers.get("set-cookie", "")


def test_every_role_sees_only_its_own_sections(guarded: Guarded) -> None:
    for role in ROLES:
        links = set(
            re.findall(r'href="/(counter|cases|runs|policy)"', signed_in(guarded, role).get("/").text)
        )
        assert links == {"counter": {"counter", "cases"}, "operator": {"runs"}, "policy": {"policy"}}[role]


def test_a_long_record_is_opened_whole(local: TestClient) -> None:
    key = form_key_of(local.get("/counter").text)
    padding = f"# {'x' * 98}\n" * 12_000  # 1.2 MB
    record = (
        "resident: {insured_area: '310113'}\n" + padding + "claims: [{claim_id: C77, total_cost: 321.00}]\n"
    )
    page = local.post(
        "/counter/open", data={"form_key": key}, files={"file": ("record.yaml", record.encode("utf-8"))}
    )
    assert page.status_code == 200
    assert "C77" in page.text


def test_a_record_that_was_opened_goes_through_every_form_and_one_too_long_is_refused_at_once(
    local: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = form_key_of(local.get("/counter").text)
    record = f"resident: {{insured_area: '310113', household_id: {'H' * 600_000}}}\n"
    file = {"file": ("record.yaml", record.encode("utf-8"))}
    page = local.post("/counter/open", data={"form_key": key}, files=file).text
    assert '<form id="state" method="post" action="/counter" enctype="multipart/form-data"' in page
    text = unescape(re.findall(r'name="record" value="([^"]*)"', page)[0])
    saved = local.post("/counter/record", files={"form_key": (None, key), "record": (None, text)})
    assert (saved.status_code, saved.text.count("H") > 600_000) == (200, True)
    monkeypatch.setattr("mianshen.serve.counter_pages.MOST_RECORD", 1 << 20)
    refused = local.post("/counter/open", data={"form_key": key}, files=file)
    assert (refused.status_code, "at most 1,024 KB. Decide it with mianshen check" in refused.text) == (
        413,
        True,
    )
