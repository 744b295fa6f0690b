"""Figures over time as step charts."""

import datetime as dt
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree as ET

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.campaigns import few

from mianshen.docs.plot import COLUMN, WIDTH, Step, plot
from mianshen.text_columns import width

DAYS = st.lists(st.dates(dt.date(1990, 1, 1), dt.date(2030, 1, 1)), min_size=1, max_size=12, unique=True)
VALUES = st.one_of(st.none(), st.decimals(-(10**9), 10**9, places=2))


@st.composite
def series(draw: Any) -> list[Step]:
    days = sorted(draw(DAYS))
    ends = [*days[1:], days[-1] + dt.timedelta(days=draw(st.integers(1, 400)))]
    values = [draw(VALUES) for _ in days]
    values[0] = Decimal(1) if values[0] is None else values[0]
    return [
        Step(day, end, value, f"{value}", "cited") for day, end, value in zip(days, ends, values, strict=True)
    ]


@given(series())
@settings(max_examples=few(30, 600))
def test_every_date_and_value_is_told_and_no_label_covers_another(steps: list[Step]) -> None:
    picture = ET.fromstring(plot(steps, "a figure"))
    texts = [(int(node.attrib["x"]), int(node.attrib["y"]), node.text or "") for node in picture.iter("text")]
    assert sorted(text for *_, text in texts) == sorted(
        [s.label for s in steps] + [str(s.start) for s in steps]
    )
    height = int(picture.attrib["viewBox"].split()[3])
    boxes = [(x, x + width(text) * COLUMN, y) for x, y, text in texts]
    assert all(left >= 0 and right <= WIDTH and 0 < y < height for left, right, y in boxes)
    for number, (left, right, y) in enumerate(boxes):
        for other_left, other_right, other_y in boxes[number + 1 :]:
            assert y != other_y or right <= other_left or other_right <= left


@given(series())
@settings(max_examples=30)
def test_a_larger_value_stands_higher(steps: list[Step]) -> None:
    picture = ET.fromstring(plot(steps, "a figure"))
    levels = [int(node.attrib["d"].split(",")[1].split()[0]) for node in picture.iter("path")]
    known = [(step.value, level) for step, level in zip(steps, levels, strict=True) if step.value is not None]
    ordered = sorted(known, key=lambda pair: pair[0])
    assert [level for _, level in ordered] == sorted((level for _, level in ordered), reverse=True)


def test_what_is_no_number_is_not_drawn() -> None:
    assert plot([], "a list") == ""
