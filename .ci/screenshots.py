"""The pictures of the guides, `cli/guides/images/`, taken of the real pages in Chromium.

Run it with `make screenshots` after a page looks different.
"""

import tempfile
from pathlib import Path
from typing import Any

from tests.serve.browsing import browser, served

from mianshen.serve import Settings
from mianshen_cli.main import main

IMAGES = Path(__file__).resolve().parent.parent / "cli/guides/images"
SIZE = {"width": 1180, "height": 720}
ANSWERS = {
    "insured_area": "310113", "insurance_scheme": "resident", "coverage_status": "active",
    "assistance_category": "subsistence",
}  # fmt: skip


def counter(page: Any, url: str, lang: str) -> None:
    """An interview at its end."""
    page.goto(f"{url}/language/{lang}?next=/counter")
    page.locator("[value=premium_subsidy]").check()
    page.locator("[value=newborn_enrolment]").check()
    with page.expect_navigation():
        page.locator("form:has([value=premium_subsidy]) button").first.click()
    for _ in ANSWERS:
        place = page.locator("#state [name=place]")
        name = (place.first.get_attribute("value") or "").rsplit(".", 1)[-1]
        if name not in ANSWERS:
            break
        option = page.locator(f'#state [name=answer][value="{ANSWERS[name]}"]')
        if option.count():
            option.check()
        else:
            page.locator("#state [name=answer]").first.fill(ANSWERS[name])
        with page.expect_navigation():
            page.locator("#state button").first.click()
    page.evaluate("document.querySelectorAll('details')[0].open = true")
    page.screenshot(path=IMAGES / f"counter.{lang}.png")


def report(page: Any, folder: Path, lang: str) -> None:
    """The page of a batch."""
    people, run = folder / "people", folder / f"run-{lang}"
    if not people.exists():
        main(["sample", "--out", str(people), "--residents", "3000", "--seed", "7", "--as-of", "2026-06-30"])
    files = [
        word
        for name in ("residents", "claims", "households")
        for word in (f"--{name}", str(people / f"{name}.parquet"))
    ]
    words = [
        "batch",
        *files,
        "--as-of",
        "2026-06-30",
        "--out",
        str(run),
        "--report",
        str(folder / f"page-{lang}"),
    ]
    assert main([*words, "--lang", lang]) == 0
    page.goto(next((folder / f"page-{lang}").glob("*.html")).as_uri())
    page.screenshot(path=IMAGES / f"report.{lang}.png")


def docs(page: Any, folder: Path, lang: str) -> None:
    """A benefit in the pages of the rulebook."""
    out = folder / "law"
    if not out.exists():
        assert main(["docs", "--out", str(out), "--lang", lang]) == 0
    benefit = out / lang / "benefit/illness_poverty_aid.html"
    page.goto(benefit.as_uri())
    page.screenshot(path=IMAGES / f"docs.{lang}.png")


def take() -> None:
    """All of them."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, served(Settings()) as url, browser() as chromium:
        for lang in ("en", "zh"):
            page = chromium.new_page(viewport=SIZE)
            counter(page, url, lang)
            report(page, Path(folder), lang)
            docs(page, Path(folder), lang)
            page.close()


if __name__ == "__main__":
    take()
