"""`mianshen schema`."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., tuple[int, str, str]]


def test_without_a_name_it_shows_the_rulebook_s(run: Run) -> None:
    status, out, err = run("schema")
    assert (status, err) == (0, "")
    assert "provisions" in json.loads(out)["properties"]
    assert run("schema", "rulebook") == (0, out, "")


def test_it_shows_the_overlay_s(run: Run) -> None:
    assert "switch_on" in json.loads(run("schema", "overlay")[1])["properties"]


def test_it_shows_the_case_file_s(run: Run) -> None:
    assert "cases" in json.loads(run("schema", "case")[1])["properties"]


def test_it_shows_the_answer_s(run: Run) -> None:
    schema = json.loads(run("schema", "answer")[1])
    assert "premium_subsidy" in schema["properties"]["benefits"]["properties"]
    assert "patient_pays" in schema["properties"]["claims"]["items"]["properties"]


def test_the_editor_settings_name_every_schema(run: Run, tmp_path: Path) -> None:
    run("schema", "--out", str(tmp_path))
    settings = json.loads((Path(__file__).parents[2] / ".vscode" / "settings.json").read_text("utf-8"))
    named = {Path(file).name for file in settings["yaml.schemas"]}
    assert named == {file.name for file in tmp_path.iterdir()}


@pytest.mark.parametrize(
    ("words", "files"),
    [([], ["case", "mapping", "overlay", "record", "rulebook"]), (["overlay"], ["overlay"])],
)
def test_with_a_folder_it_writes_files(run: Run, tmp_path: Path, words: list[str], files: list[str]) -> None:
    status, out, _ = run("schema", *words, "--out", str(tmp_path / "schemas"))
    assert status == 0
    written = sorted((tmp_path / "schemas").iterdir())
    assert [file.name for file in written] == [f"{name}.schema.json" for name in files]
    assert all(str(file) in out for file in written)
    assert all(json.loads(file.read_text("utf-8"))["type"] == "object" for file in written)
