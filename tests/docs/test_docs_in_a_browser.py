"""The docs as a person sees them: from a file, on a desk and on a telephone, in both languages."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.serve.browsing import browser, fits
from tests.support.campaigns import SOAK, few

pytestmark = pytest.mark.xdist_group("docs")
PAGES = [
    "index.html", "decision/claim.basic_payment.html", "parameter/employee_annual_payment_limit.html", "source/S1.html",
    "benefit/premium_subsidy.html", "entity/claim.html", "codes/hospital_level.html", "accumulator/employee_basic_paid.html",
    "coverage.html", "open.html", "provision.html", "cases/assistance.yaml.html",
]  # fmt: skip
SITES = [("zh", 400), ("en", 1280), ("en", 400), ("zh", 1280)]
WORDS = {"zh": ("资助参保", "医疗救助对象资助参保"), "en": ("premium subsidy", "Premium subsidy")}


def name_of(site: tuple[str, int]) -> str:
    return f"{site[0]}-{site[1]}"


# what depends on neither language nor width
once = pytest.mark.parametrize("page", SITES[: few(1, 4)], ids=name_of, indirect=True)


@pytest.fixture
def site(shipped_site: Path) -> str:
    return shipped_site.as_uri()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with browser() as opened:
        yield opened


@pytest.fixture(params=SITES[: few(2, 4)], ids=name_of)
def page(request: pytest.FixtureRequest, chromium: Any) -> Iterator[Any]:
    lang, width = request.param
    opened = chromium.new_page(viewport={"width": width, "height": 900})
    opened.own_language = lang
    opened.failures = []
    opened.on("pageerror", lambda error: opened.failures.append(str(error)))
    opened.on("requestfailed", lambda failed: note_failure(opened, failed))
    yield opened
    assert opened.failures == []
    opened.context.close()


def note_failure(page: Any, request: Any) -> None:
    """A failed request of the page; axe-core asks for style sheets once more, which no file may."""
    if request.resource_type != "xhr":
        page.failures.append(request.url)


def test_pages_fit_and_have_nothing_that_axe_finds(page: Any, site: str) -> None:
    for path in PAGES if SOAK else PAGES[page.viewport_size["width"] == 400 :: 2]:
        page.goto(f"{site}/{page.own_language}/{path}")
        fits(page)


@pytest.mark.parametrize("words", WORDS.values(), ids=list(WORDS))
def test_a_benefit_is_found_by_its_name_in_either_language(
    page: Any, site: str, words: tuple[str, str]
) -> None:
    page.goto(f"{site}/{page.own_language}/codes/hospital_level.html")
    page.get_by_role("searchbox").focus()
    page.keyboard.type(words[0])
    first = page.locator("#found a").first
    fits(page)
    assert first.inner_text() == WORDS[page.own_language][1]
    page.keyboard.press("Enter")
    assert first.evaluate("node => node === document.activeElement")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert page.url.endswith(f"/{page.own_language}/benefit/premium_subsidy.html")
    assert page.locator("h1").inner_text() == WORDS[page.own_language][1]


@once
def test_the_language_is_changed_on_the_same_page_and_names_lead_on(page: Any, site: str) -> None:
    other = "en" if page.own_language == "zh" else "zh"
    page.goto(f"{site}/index.html")
    with page.expect_navigation():
        page.locator(f"a[href='{page.own_language}/index.html']").click()
    page.goto(f"{site}/{page.own_language}/decision/claim.basic_payment.html")
    with page.expect_navigation():
        page.locator("code a", has_text="resident_inpatient_rate").click()
    with page.expect_navigation():
        page.locator("header .tools a").click()
    assert page.url.endswith(f"/{other}/parameter/resident_inpatient_rate.html")
    with page.expect_navigation():
        page.locator(".wide a", has_text="claim.basic_payment").click()
    assert page.url.endswith(f"/{other}/decision/claim.basic_payment.html")


@once
def test_nothing_is_found_where_nothing_has_the_words(page: Any, site: str) -> None:
    page.goto(f"{site}/{page.own_language}/index.html")
    page.get_by_role("searchbox").fill("zzz 没有")
    assert "0" in page.locator("#found [role=status]").inner_text()
    assert page.locator("#found a").count() == 0
    page.get_by_role("searchbox").fill("")
    assert not page.locator("#found").is_visible()
