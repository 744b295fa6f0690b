"""Every figure cited from a document at hand stands in that document.

`FIGURES` holds, for each of the documents S0 to S4, the few words that carry a figure the rules may
cite. A cited figure must be among them; and the words must be in the document, where it is at hand
(`shared/sources` beside the checkout).
"""

import re
from decimal import Decimal
from pathlib import Path

import pytest

from mianshen.program.program import Parameter
from mianshen.rulebook import open_program

ROOT = Path(__file__).parents[2]
PROGRAM = open_program()
FIGURES: dict[str, tuple[str, ...]] = {
    "S0": (),
    "S1": ("百岁",),
    "S2": (
        "最高支付限额提高到55万元", "居民住院报销比例提高到75%", "再次报销比例提高到60%", "提高至65%",
        "单位缴费费率下调至9.5%", "稳定在80%左右", "70%左右",
    ),
    "S3": (
        "1050—3240元", "设置10项固定服务项目", "从51项居家护理项目中", "另选1—7项", "从100元到180元",
        "8小时", "5个工作日", "9个工作日", "15个工作日", "25个工作日",
    ),
    "S4": (),
}  # fmt: skip


def cited() -> list[tuple[Parameter, Decimal]]:
    """The figures cited from the documents at hand, one by one; of a scale, every part."""
    results: list[tuple[Parameter, Decimal]] = []
    for parameter in PROGRAM.parameters.values():
        for dated in parameter.series:
            if dated.basis != "cited" or dated.citation.source not in FIGURES:
                continue
            match dated.value:
                case bool():
                    continue
                case Decimal():
                    results.append((parameter, dated.value))
                case _:
                    brackets = dated.brackets or ()
                    results += [(parameter, item) for bracket in brackets for item in bracket if item]
    return results


def spellings(value: Decimal, written: str) -> set[str]:
    """How a document may write a figure: 550000, 55万, 75%."""
    plain = f"{value.normalize():f}"
    results = {plain}
    if written in ("rate", "scale"):
        results = {f"{(value * 100).normalize():f}%"} | (results if written == "scale" else set())
    if written in ("money", "scale") and value >= 10000:
        results.add(f"{(value / 10000).normalize():f}万")
    if value == 100 and written == "integer":
        results.add("百")
    return results


def says(words: str, spelling: str) -> bool:
    return re.search(rf"(?<![\d.]){re.escape(spelling)}(?![\d.]*\d)", words) is not None


@pytest.mark.parametrize(("parameter", "value"), cited(), ids=lambda item: getattr(item, "name", str(item)))
def test_a_cited_figure_is_one_that_its_document_gives(parameter: Parameter, value: Decimal) -> None:
    named = {dated.citation.source for dated in parameter.series if dated.basis == "cited"}
    sources = {source for source in named if source in FIGURES}  # the documents at hand
    known = [words for source in sources for words in FIGURES[str(source)]]
    assert any(
        says(words, spelling) for words in known for spelling in spellings(value, parameter.written)
    ), f"{parameter.name} = {value}: no words of {sorted(map(str, sources))} listed here carry it"


@pytest.mark.parametrize("source", FIGURES)
def test_the_words_that_carry_figures_stand_in_the_document(source: str) -> None:
    file = PROGRAM.sources[source].file
    folders = [folder / "shared" / "sources" for folder in ROOT.parents]
    at = next((folder / str(file) for folder in folders if (folder / str(file)).is_file()), None)
    if at is None:
        pytest.skip("the documents are not at hand (shared/sources beside the checkout)")
    text = "".join(at.read_text("utf-8").split())
    assert [words for words in FIGURES[source] if words not in text] == []
