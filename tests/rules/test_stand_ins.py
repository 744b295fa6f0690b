"""Provisions that take over another place's rule say so on screen and on notices, and whom to ask."""

from __future__ import annotations

import pytest

from mianshen.casework.wording import Words
from mianshen.rulebook import open_program


@pytest.fixture(scope="module")
def words() -> Words:
    return Words(open_program())


def test_a_stand_in_says_whose_rule_it_is(words: Words) -> None:
    said = words.provisional("shanghai_assistance.inpatient")
    assert said.zh.endswith("：代用（北京规定，本地规定待录入）")
    assert said.en.endswith(": stand-in (Beijing's rule; the local one is not entered)")


def test_a_provisional_figure_is_told_by_its_title(words: Words) -> None:
    assert "代用" not in words.provisional("employee_deductible_working").zh


def test_every_rule_of_beijing_elsewhere_is_marked_provisional_and_names_the_local_authority(
    words: Words,
) -> None:
    local = {"31": "上海市", "37": "山东省"}
    stand_ins = [p for p in words.provisions.values() if p.stand_in is not None]
    assert stand_ins
    for provision in stand_ins:
        assert provision.stand_in is not None
        assert provision.basis == "provisional"
        assert "北京" not in provision.stand_in.authority.zh
        for area in provision.areas:
            assert provision.stand_in.authority.zh.startswith(local[area])
    elsewhere = [
        p for p in words.provisions.values()
        if (p.citation.source or "").startswith("BJ-") and p.areas and p.areas != ("11",)
    ]  # fmt: skip
    assert {p.name for p in elsewhere if p.stand_in is None} == set()
