"""A record with a colon, blank, quote or line break missing repeats no name and no identity number."""

from __future__ import annotations

from pathlib import Path

import pytest

from mianshen_cli.main import main

NAME, NUMBER = "王小明", "310113199001011235"
HEAD = "as_of: 2026-06-30\nresident:\n  person_id: P1\n"
RECORDS = {
    "a colon missing": f"{HEAD}  name {NAME}\n  insured_area: '310113'\n",
    "blanks missing": f"{HEAD}  name:{NAME}\n  identity_number:{NUMBER}\n",
    "blanks missing in a flow": f"as_of: 2026-06-30\nresident: {{person_id: P1, name:{NAME}, identity_number:{NUMBER}}}\n",
    "a quote missing": f'{HEAD}  name: "{NAME}\n  identity_number: {NUMBER}\n',
    "a line break missing": f"{HEAD}  name: {NAME}identity_number: {NUMBER}\n",
    "a full-width colon": f"{HEAD}  name：{NAME}\n  identity_number：{NUMBER}\n",
    "values for keys": f"{HEAD}  {NAME}: name\n  {NUMBER}: identity_number\n",
    "values for keys, twice": f"{HEAD}  {NAME}: 1\n  {NAME}: 2\n",
    "values for keys of the record": f"{NAME}: {NUMBER}\nresident: {{person_id: P1}}\n",
    "mappings and lists": f"{HEAD}  name: {{{NAME}: x}}\n  identity_number: [{NUMBER}]\n",
    "tags and anchors": f"{HEAD}  name: !{NAME} x\n  identity_number: &{NUMBER} y\n",
    "a day that is a number": f"as_of: {NUMBER}\nresident: {{person_id: P1}}\n",
    "a value in another's place": f"{HEAD}  birth_date: {NAME}\n  sex: {NAME}\n  insured_area: {NUMBER}\n",
    "a name run into a code": f"{HEAD}  employment_status: n{NAME}one\n",
    "a name behind a label": f"{HEAD}  employment_status: 姓名：{NAME}\n  sex: 女 {NAME}\n  insured_area: 上海 {NAME}\n",
    "a name run into a day": f"as_of: 20{NAME}26-06-30\nresident: {{person_id: P1, contribution_base: 6 {NAME}}}\n",
    "a name run into a key": f"{HEAD}  contribution{NAME}_base: 6\n",
    "keys of a claim": f'{HEAD}claims:\n  - {{claim_id: C1, name{NAME}: 1, "identity_number {NUMBER}": 2}}\n',
    "JSON without a colon": f'{{"as_of": "2026-06-30", "resident": {{"person_id": "P1", "name" "{NAME}"}}}}',
}


@pytest.mark.parametrize("text", RECORDS.values(), ids=RECORDS)
def test_a_spoilt_record_repeats_nobody(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    (tmp_path / "record.yaml").write_text(text, encoding="utf-8")
    for lang in ("zh", "en"):
        for command in ("check", "test"):
            main([command, str(tmp_path / "record.yaml"), "--lang", lang])
        output = capsys.readouterr()
        assert NAME not in output.out + output.err
        assert NUMBER not in output.out + output.err


def test_what_is_plainly_a_key_or_a_misspelt_code_is_still_repeated(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "record.yaml").write_text(
        f"{HEAD}  insured_aera: x\n  assistance_category: 低宝\n", encoding="utf-8"
    )
    main(["check", str(tmp_path / "record.yaml"), "--lang", "en"])
    output = capsys.readouterr()
    assert "insured_aera" in output.err
    (tmp_path / "record.yaml").write_text(f"{HEAD}  assistance_category: 低宝\n", encoding="utf-8")
    main(["check", str(tmp_path / "record.yaml"), "--lang", "en"])
    output = capsys.readouterr()
    assert "低宝" in output.out + output.err
