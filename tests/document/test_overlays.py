"""Overlays add, replace, remove and switch on, in the order they are named."""

from __future__ import annotations

from pathlib import Path

from tests.document.rulebook import read_valid, write_rulebook

from mianshen.document import digest_of, read

LIMIT = "{type: rate, title: 新, values: [{from: 2025-01-01, value: 0.9}]}"


def overlay(folder: Path, name: str, body: str) -> Path:
    path = folder / "overlays" / f"{name}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"overlay: {{name: {name}, title: {name}}}\n{body}", encoding="utf-8")
    return path


def test_an_overlay_adds_replaces_removes_and_switches_on(tmp_path: Path) -> None:
    change = overlay(
        tmp_path,
        "change",
        f"""\
defaults: {{source: S9}}
provisions:
  added: {{decision: basic_payment, value: 1}}
replace:
  parameters:
    employee_rate: {LIMIT}
remove: {{provisions: everywhere}}
switch_on: later
""",
    )
    document = read_valid(write_rulebook(tmp_path), change)
    assert [applied.name for applied in document.overlays] == ["change"]
    assert document.provisions["added"].source == "S9"
    assert document.parameters["employee_rate"].values[0].value == "0.9"
    assert document.span("parameters", "employee_rate").file == str(change)
    assert "everywhere" not in document.provisions
    assert document.provisions["later"].status == "in_force"


def test_without_its_name_an_overlay_changes_nothing(tmp_path: Path) -> None:
    overlay(tmp_path, "change", "remove: {provisions: everywhere}\n")
    assert "everywhere" in read_valid(write_rulebook(tmp_path)).provisions


def test_a_removed_name_may_be_added_again(tmp_path: Path) -> None:
    change = overlay(
        tmp_path,
        "change",
        "remove: {provisions: later}\nprovisions: {later: {decision: basic_payment, value: 7}}\n",
    )
    assert read_valid(write_rulebook(tmp_path), change).provisions["later"].value == "7"


def test_each_overlay_sees_what_the_one_before_left(tmp_path: Path) -> None:
    first = overlay(tmp_path, "first", "remove: {provisions: later}\n")
    second = overlay(tmp_path, "second", "switch_on: later\n")
    write_rulebook(tmp_path)
    _, findings = read([tmp_path], [second, first])
    assert findings == ()
    _, (finding,) = read([tmp_path], [first, second])
    assert finding.code == "E144"


def test_an_overlay_cannot_define_what_exists(tmp_path: Path) -> None:
    change = overlay(
        tmp_path,
        "change",
        f"parameters: {{scale: {LIMIT}}}\nfacts: {{claim: {{total_cost: {{type: money, title: x}}}}}}\n",
    )
    _, (parameter, fact) = read([write_rulebook(tmp_path)], [change])
    assert (parameter.code, parameter.fix.en) == ("E141", "To change it, write it under replace")
    assert (fact.code, fact.fix.en) == ("E141", "Give it another name")


def test_a_replacement_with_a_mistake_does_not_leave_the_old_version(tmp_path: Path) -> None:
    change = overlay(tmp_path, "change", "replace: {provisions: {later: {decision: basic_payment}}}\n")
    document, (finding,) = read([write_rulebook(tmp_path)], [change])
    assert finding.code == "E122"
    assert "later" not in document.provisions
    assert document.is_broken("provisions", "later")


def test_names_that_may_stand_in_an_unreadable_file_are_let_through(tmp_path: Path) -> None:
    change = overlay(
        tmp_path, "change", f"remove: {{tables: t}}\nswitch_on: q\nreplace: {{parameters: {{p: {LIMIT}}}}}\n"
    )
    _, findings = read([write_rulebook(tmp_path, bad="provisions: [")], [change])
    assert [finding.code for finding in findings] == ["E106"]


def test_the_digest_is_of_names_bytes_and_the_order_of_overlays(tmp_path: Path) -> None:
    here = write_rulebook(tmp_path / "here")
    there = write_rulebook(tmp_path / "there")
    first, second = overlay(here, "first", ""), overlay(here, "second", "")
    assert digest_of([here]) == digest_of([there]) == read_valid(here).digest
    assert len(digest_of([here])) == 64
    assert digest_of([here], [first]) != digest_of([here])
    assert digest_of([here], [first, second]) != digest_of([here], [second, first])
    assert digest_of([here], [first]) == read_valid(here, first).digest
    (there / "vocabulary.yaml").rename(there / "words.yaml")
    assert digest_of([here]) != digest_of([there])


def test_the_digest_changes_with_every_byte(tmp_path: Path) -> None:
    write_rulebook(tmp_path)
    before = digest_of([tmp_path])
    with (tmp_path / "vocabulary.yaml").open("a", encoding="utf-8") as file:
        file.write("#")
    assert digest_of([tmp_path]) != before
