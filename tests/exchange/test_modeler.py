"""What is exported as DMN is DMN by its schema, and opens in a modeller without a warning, every table drawn."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from tests.exchange.test_dmn import SMALL
from tests.serve.browsing import browser

from mianshen.exchange import export_model
from mianshen.shipped import shipped_rulebook

DMN_JS = Path(sys.prefix) / "dmn-js" / "package" / "dist"
STYLES = (
    "diagram-js.css", "dmn-js-shared.css", "dmn-js-drd.css", "dmn-js-decision-table.css", "dmn-js-literal-expression.css",
    "dmn-js-boxed-expression.css", "dmn-font/css/dmn-embedded.css",
)  # fmt: skip


@pytest.fixture(params=["small", "shipped"])
def model(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    rules = tmp_path / "rules.yaml"
    rules.write_text(SMALL, "utf-8")
    out = tmp_path / "m.dmn"
    export_model([rules if request.param == "small" else shipped_rulebook()], [], (), out)
    return out


def test_a_model_is_valid_by_the_schema(model: Path) -> None:
    etree = pytest.importorskip("lxml.etree")
    package = pytest.importorskip("SpiffWorkflow.dmn.parser")
    schema = etree.XMLSchema(etree.parse(Path(package.__file__).parent / "schema" / "DMN13.xsd"))
    assert schema.validate(etree.parse(model)), schema.error_log


def test_a_modeller_opens_a_model_and_draws_every_table(model: Path) -> None:
    if not DMN_JS.exists():
        pytest.skip("dmn-js is not here: make setup-full fetches it")
    with browser() as opened:
        page = opened.new_page()
        page.set_content('<div id="model" style="width:1600px;height:1000px"></div>')
        for style in STYLES:
            page.add_style_tag(path=str(DMN_JS / "assets" / style))
        page.add_script_tag(path=str(DMN_JS / "dmn-navigated-viewer.production.min.js"))
        views: list[dict[str, Any]] = page.evaluate(
            """async xml => {
                window.viewer = new DmnJS({container: '#model'});
                const {warnings} = await viewer.importXML(xml);
                if (warnings.length) throw new Error(warnings.map(String).join());
                return viewer.getViews().map(({type, id, element}) => (
                    {type, id, rules: element.decisionLogic?.rule?.length ?? 0}));
            }""",
            model.read_text("utf-8"),
        )
        tables = [view for view in views if view["type"] == "decisionTable"]
        assert len(tables) >= 8
        assert len([view for view in views if view["type"] == "drd"]) == 1
        assert page.locator("#model .djs-shape").count() > len(views)
        for view in [view for view in views if view["type"] != "drd"]:  # that one is open
            warnings = page.evaluate(
                """async id => {
                    const {warnings} = await viewer.open(viewer.getViews().find(view => view.id === id));
                    return warnings.map(String);
                }""",
                view["id"],
            )
            assert warnings == []
            if view["type"] == "decisionTable":
                assert view["rules"] > 0
                assert page.locator("#model tbody tr").count() >= view["rules"]
