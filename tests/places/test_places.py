"""Places: any spelling of one place is one code, and comparisons say true, false or too coarse to tell."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.places import area_codes, spellings

from mianshen.places import (
    canonical_code,
    is_within,
    listed_places,
    nearest_places,
    place_name,
    pooling_area,
    read_place,
    same_place,
    same_pooling_area,
    shown_place,
)

MUNICIPAL = ("11", "12", "31", "50")
TODAY = {code for code, place in listed_places().items() if place.now == code}


def test_the_list_is_a_tree() -> None:
    places = listed_places()
    for code, place in places.items():
        assert code[:2] in places
        assert place.now in TODAY
        if code in TODAY and len(code) == 6:
            assert code[:4] in TODAY or code[:2] in MUNICIPAL


@pytest.mark.parametrize(
    ("level", "size"),
    [(2, 34), (4, 333 + 4)],  # the ministry's counts, and 4 that group the counties directly under a province
)
def test_provinces_and_prefectures_are_as_many_as_the_ministry_counts(level: int, size: int) -> None:
    assert sum(len(code) == level for code in TODAY) == size


def test_the_delta_has_the_41_pooling_areas_of_the_plan() -> None:
    counties = [code for code in map(canonical_code, TODAY) if code and len(code) == 6]
    areas = {area for code in counties if (area := pooling_area(code))}
    counts = [sum(area.startswith(province) for area in areas) for province in ("31", "32", "33", "34")]
    assert counts == [1, 13, 11, 16]


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("371724", "371724"),
        ("371724000", "371724"),
        ("371724000000", "371724"),
        ("371724003000", "371724003"),
        ("371724003001", "371724003001"),
        ("370000", "37"),
        ("3700", "37"),
        ("371700", "3717"),
        ("371799", "3717"),
        ("371799000000", "3717"),
        ("379900", "37"),
        ("310000", "31"),
        ("310100", "31"),
        ("310199", "31"),
        ("440101", "4401"),  # 市辖区, the districts of Guangzhou as a whole
        ("4419", "441900"),
        ("441900", "441900"),
        ("441900003", "441900003"),
        ("620201", "620200"),
        ("659001", "659001"),
        ("810000", "810000"),
        ("82", "820000"),
        ("719000", "710000"),
        ("110228", "110118"),  # 密云县, a district since
        ("341521", "340422"),  # 寿县, of another prefecture since
        ("310119", "31"),  # 南汇区, merged: only the city is known
        ("371202", "37"),  # 莱城区: its prefecture is gone too
        ("372900", "3717"),  # 菏泽地区, a city since
    ],
)
def test_codes_of_every_length_have_one_canonical_form(written: str, code: str) -> None:
    assert canonical_code(written) == code
    assert canonical_code(code) == code


@pytest.mark.parametrize("written", ["", "3", "317", "89", "371750", "3718", "371799001", "３７"])
def test_what_no_list_knows_is_no_place(written: str) -> None:
    assert canonical_code(written) is None
    assert read_place(written) is None


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("山东省菏泽市巨野县", "371724"),
        ("山东省 菏泽市 巨野县", "371724"),
        ("菏泽市巨野县", "371724"),
        ("山东省巨野县", "371724"),
        ("巨野县", "371724"),
        ("上海市青浦区", "310118"),
        ("上海市市辖区青浦区", "310118"),
        ("河南省省直辖县级行政区划济源市", "419001"),
        ("香港特别行政区", "810000"),
        ("朝阳区", None),  # in Beijing and in Changchun
        ("巨野", None),
    ],
)
def test_names_are_read_where_they_name_one_place(name: str, code: str | None) -> None:
    assert read_place(name) == code


def test_every_place_of_today_is_read_back_by_its_full_name() -> None:
    for code in TODAY:
        canonical = canonical_code(code)
        assert canonical is not None
        assert read_place(place_name(canonical)) == canonical


@given(st.text(max_size=60) | st.text("0123456789", max_size=13))
def test_any_text_is_a_listed_place_or_none_and_gets_few_suggestions(text: str) -> None:
    code = read_place(text)
    assert code is None or canonical_code(code) == code
    near = nearest_places(text)
    assert len(near) <= 3
    assert all(canonical_code(code) == code for code in near)


def test_a_column_of_anything_but_places_is_soon_read() -> None:
    started = time.process_time()
    for number in range(5_000):
        assert read_place(f"某某医院{number}") is None
        nearest_places(f"某某医院{number}")
        nearest_places(f"{number * 197 % 1_000_000:06}")
    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    ("written", "nearest"),
    [
        ("371742", "371724"),
        ("3718", "3717"),
        ("山东巨野县", "371724"),
        ("巨埜县", "371724"),
        ("巨野", "371724"),
        ("朝阳区", "110105"),
        ("上海", "31"),
        ("３１０１１３", "310113"),
        (" 310113", "310113"),
    ],
)
def test_the_nearest_place_comes_first(written: str, nearest: str) -> None:
    assert nearest_places(written)[0] == nearest


def test_a_place_is_shown_by_its_name_and_its_code() -> None:
    assert shown_place("371724003") == "山东省菏泽市巨野县（371724003）"
    assert shown_place("419001", "en") == "河南省济源市 (419001)"


@given(st.data())
def test_spellings_of_one_place_compare_alike(data: st.DataObject) -> None:
    code, other = data.draw(area_codes()), data.draw(area_codes())
    written = data.draw(spellings(code))
    assert canonical_code(written) == canonical_code(code)
    for compare in (same_place, same_pooling_area, is_within):
        mine, yours = canonical_code(code), canonical_code(other)
        assert mine is not None
        assert yours is not None
        assert compare(canonical_code(written) or "", yours) is compare(mine, yours)


@given(area_codes(), area_codes())
def test_comparisons_are_symmetric_and_agree_with_each_other(one: str, other: str) -> None:
    mine, yours = canonical_code(one) or "", canonical_code(other) or ""
    assert same_place(mine, yours) is same_place(yours, mine)
    assert same_pooling_area(mine, yours) is same_pooling_area(yours, mine)
    if same_place(mine, yours):
        assert same_pooling_area(mine, yours)
    if same_pooling_area(mine, yours) is False:
        assert same_place(mine, yours) is False
    if same_place(mine, yours) is None:
        assert is_within(mine, yours) or is_within(yours, mine)


@given(area_codes())
def test_a_county_is_itself_and_what_is_coarser_cannot_tell(code: str) -> None:
    canonical = canonical_code(code) or ""
    assert same_place(canonical, canonical) is (True if len(canonical) >= 6 else None)
    assert is_within(canonical, canonical) is True
