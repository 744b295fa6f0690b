"""The counter in a real browser: by keyboard alone, in both languages, on a desk and on a telephone."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.serve.browsing import browser, fits, served
from tests.support.campaigns import few

from mianshen.serve import Settings

WORDS = {
    "zh": {"begin": "开始询问", "unknown": "不知道", "done": "没有要问的了", "status": "符合的待遇 (1)"},
    "en": {
        "begin": "Begin",
        "unknown": "I do not know",
        "done": "Nothing is left to ask",
        "status": "Eligible (1)",
    },
}
SITES = [("zh", 400), ("en", 1280)]
OTHERS = [("zh", 1280), ("en", 400)]  # in which an interview alone is tried


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with served(Settings()) as url:
        yield url


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with browser() as opened:
        yield opened


@pytest.fixture(params=SITES[: few(1, 2)], ids=[f"{lang}-{width}" for lang, width in SITES][: few(1, 2)])
def page(request: pytest.FixtureRequest, chromium: Any, site: str) -> Iterator[Any]:
    """The counter's first page; `words` are those of its language."""
    yield from opened_at(chromium, site, *request.param)


def opened_at(chromium: Any, site: str, lang: str, width: int) -> Iterator[Any]:
    opened = chromium.new_page(viewport={"width": width, "height": 800})
    opened.goto(f"{site}/language/{lang}?next=/counter")
    opened.words = WORDS[lang]
    yield opened
    opened.context.close()


def go(page: Any, key: str) -> None:
    with page.expect_navigation():
        page.keyboard.press(key)


def press(page: Any, button: str) -> None:
    with page.expect_navigation():
        page.locator(button).click()


def type_answer(page: Any, text: str) -> None:
    """Type where the page put the focus; a page gives it after it is loaded, when it is first drawn."""
    page.wait_for_function("document.activeElement.name == 'answer'")
    page.keyboard.type(text)


@pytest.mark.parametrize(("lang", "width"), [*SITES, *OTHERS[: few(0, 2)]])
def test_an_interview_by_keyboard_alone(chromium: Any, site: str, lang: str, width: int) -> None:
    for page in opened_at(chromium, site, lang, width):
        interviewed(page)


def interviewed(page: Any) -> None:
    fits(page)
    page.locator("[value=premium_subsidy]").focus()
    page.keyboard.press("Space")
    page.get_by_role("button", name=page.words["begin"]).focus()
    go(page, "Enter")
    typed = {"insured_area": "310113", "insurance_scheme": "resident", "coverage_status": "active",
             "assistance_category": "subsistence"}  # fmt: skip
    for _ in range(6):
        place = page.locator("#state [name=place]")
        if not place.count():
            break
        fits(page)
        page.wait_for_function("document.activeElement.name == 'answer'")
        value = typed[place.get_attribute("value")]
        if page.locator("#state [type=radio]").count():
            page.keyboard.press("Space")
            while page.locator("#state [type=radio]:checked").get_attribute("value") != value:
                page.keyboard.press("ArrowDown")
        else:
            type_answer(page, value)
        go(page, "Enter")
    fits(page)
    assert page.locator("h1").inner_text() == page.words["done"]
    assert page.words["status"] in page.locator("main").inner_text()


def test_a_wrong_answer_is_told_at_its_question_and_a_fact_can_be_changed(page: Any) -> None:
    press(page, "form[action='/counter'] button")
    type_answer(page, "北京市没有的区")
    go(page, "Enter")
    assert "E425" not in page.locator("[role=alert]").inner_text()
    assert page.locator("#answer").get_attribute("aria-invalid") == "true"
    fits(page)
    page.locator("#answer").fill("上海市宝山区")
    go(page, "Enter")
    assert "310113" in page.locator(".facts").inner_text()
    press(page, "button[value='edit:insured_area']")
    page.locator("#answer").fill("110101")
    go(page, "Enter")
    assert "110101" in page.locator(".facts").inner_text()
    press(page, "button[value='forget:insured_area']")
    assert page.locator(".facts").count() == 0


def test_a_record_is_saved_to_a_file_and_read_from_it(page: Any, tmp_path: Path) -> None:
    press(page, "form[action='/counter'] button")
    type_answer(page, "310113")
    go(page, "Enter")
    with page.expect_download() as download:
        page.locator("button[formaction='/counter/record']").click()
    file = tmp_path / "record.yaml"
    download.value.save_as(file)
    assert "310113" in file.read_text("utf-8")
    page.goto(page.url)
    page.locator("#file").set_input_files(file)
    press(page, "form[action='/counter/open'] button")
    assert "310113" in page.locator(".facts").inner_text()
    assert page.locator("#state [name=place]").get_attribute("value") != "insured_area"
    fits(page)


def test_what_would_change_it_and_the_notice(page: Any, tmp_path: Path) -> None:
    file = tmp_path / "record.yaml"
    file.write_text(
        "as_of: 2026-06-30\nresident: {person_id: P1, insured_area: '310113', insurance_scheme: resident,"
        " coverage_status: active, assistance_category: none}\nclaims: []\n", "utf-8"
    )  # fmt: skip
    page.locator("#file").set_input_files(file)
    press(page, "form[action='/counter/open'] button")
    page.locator("summary", has_text="资助参保").or_(
        page.locator("summary", has_text="Premium subsidy")
    ).click()
    press(page, "button[value='why:premium_subsidy']")
    assert page.locator(".prospect li").count() > 0
    fits(page)
    with page.context.expect_page() as printed:
        page.locator("button[value='notice:premium_subsidy']").click()
    notice = printed.value
    notice.wait_for_selector("h1")  # the window may open on an empty page first
    assert "2026-06-30" in notice.locator("main, body").first.inner_text()
    assert notice.evaluate("getComputedStyle(document.querySelector('h1')).color") == "rgb(31, 78, 121)"
