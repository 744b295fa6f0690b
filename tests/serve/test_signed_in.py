"""Signing in, keeping a case and what goes wrong, in a real browser."""

from pathlib import Path

import pytest
from tests.serve.browsing import browser, fits, served
from tests.serve.conftest import Guarded
from tests.support.campaigns import few

RECORD = "as_of: 2026-06-30\nresident: {person_id: P1, insured_area: '310113', insurance_scheme: resident}\n"


@pytest.mark.parametrize(("lang", "width"), [("zh", 400), ("en", 1280)][: few(1, 2)])
def test_a_case_is_kept_and_opened_again_by_somebody_signed_in(
    guarded: Guarded, tmp_path: Path, lang: str, width: int
) -> None:
    file = tmp_path / "record.yaml"
    file.write_text(RECORD, "utf-8")
    with served(guarded.settings) as url, browser() as opened:
        page = opened.new_page(viewport={"width": width, "height": 800})

        def press(button: str) -> None:
            with page.expect_navigation():
                page.locator(button).first.click()
            fits(page)

        page.goto(f"{url}/language/{lang}?next=/counter")
        fits(page)
        assert "/login" in page.url
        page.locator("#token").fill("wrong")
        press("form button")
        assert page.locator("[role=alert]").count() == 1
        page.locator("#token").fill(guarded.tokens["counter"])
        press("form button")
        assert page.url.endswith("/counter") or page.url == f"{url}/counter"
        page.locator("#file").set_input_files(file)
        press("form[action='/counter/open'] button")
        page.locator("#label").fill("宝山")
        press("button[formaction='/cases']")
        assert page.url == f"{url}/cases/1"
        page.goto(f"{url}/cases?q=宝山")
        fits(page)
        press("td a")
        press("form.version button")
        assert "310113" in page.locator(".facts").inner_text()
        page.goto(f"{url}/policy")
        fits(page)
        assert page.locator("[role=alert]").count() == 1  # another role's page
        press("header form button")
        assert "/login" in page.url
        page.goto(f"{url}/cases/1")
        assert "/login" in page.url
