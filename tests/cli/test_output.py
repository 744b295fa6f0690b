"""Tables and lines as a terminal shows them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mianshen_cli import output


def test_a_table_lines_up_chinese_by_the_columns_it_fills() -> None:
    shown = output.table(["待遇", "amount"], [["医疗救助", "15271.56"], ["aid", "9.00"]], right=[1])
    assert shown.splitlines() == [
        "待遇        amount",
        "--------  --------",
        "医疗救助  15271.56",
        "aid           9.00",
    ]
    assert {output.width(line) for line in shown.splitlines()} == {18}


def test_a_table_leaves_figures_and_identifiers_as_they_are() -> None:
    shown = output.table(["id", "money"], [["007", "380.00"], ["1e5", "0.10"]])
    assert [line.split() for line in shown.splitlines()[2:]] == [["007", "380.00"], ["1e5", "0.10"]]


def test_a_table_without_rows_shows_its_headers() -> None:
    assert output.table(["a", "b"], []).splitlines()[0].split() == ["a", "b"]


def test_control_characters_never_reach_the_terminal() -> None:
    assert output.printable("P1\x1b[2J\n") == "P1\\u001b[2J\\u000a"
    assert "\x1b" not in output.table(["id"], [["P1\x1b[2J"]])


def test_whatever_is_said_keeps_its_lines_and_nothing_else_that_steers(
    capsys: pytest.CaptureFixture[str],
) -> None:
    output.say("医\x1b[1m\r\n保\u202e")
    output.complain("a\x9b\nb")
    assert capsys.readouterr() == ("医\\u001b[1m\\u000d\n保\\u202e\n", "a\\u009b\nb\n")


def test_spelled_out_json_is_still_json(capsys: pytest.CaptureFixture[str]) -> None:
    value = {"id": "P1\x9b\u2028\U000e0001"}
    output.say(output.json_text(value))
    assert json.loads(capsys.readouterr().out) == value


def test_json_shows_chinese_as_it_is() -> None:
    assert (
        output.json_text({"理由": ["低保", None, "1.00"]})
        == '{\n  "理由": [\n    "低保",\n    null,\n    "1.00"\n  ]\n}'
    )


@given(st.text("ab 医保，。", max_size=60), st.integers(4, 20))
def test_folding_loses_nothing_but_blanks_at_the_breaks(text: str, columns: int) -> None:
    lines = output.fold(text, columns)
    assert "".join("".join(lines).split()) == "".join(text.split())


@given(st.lists(st.sampled_from(["a", "be", "sea", "deed", "医", "保"]), max_size=30), st.integers(6, 20))
def test_folded_lines_fit(words: list[str], columns: int) -> None:
    assert all(output.width(line) <= columns for line in output.fold(" ".join(words), columns))


def test_folding_never_starts_a_line_with_a_full_stop() -> None:
    assert output.fold("医疗救助。", 8) == ["医疗救", "助。"]


def test_streams_are_kept_apart(capsys: pytest.CaptureFixture[str]) -> None:
    output.say("answer")
    output.complain("file.yaml:1:2: E301: what. What to do.")
    assert capsys.readouterr() == ("answer\n", "file.yaml:1:2: E301: what. What to do.\n")


def test_a_status_is_a_small_number() -> None:
    assert [int(status) for status in output.Status] == [0, 1, 2]
