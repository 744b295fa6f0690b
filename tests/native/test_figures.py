"""Figures are arguments of the compiled program: another value is another table, not another program."""

from __future__ import annotations

from pathlib import Path

from mianshen.native.layout import Layout
from mianshen.native.translation_unit import Unit
from mianshen.rulebook import open_program

WORKING = "overlay: {{name: x, title: x}}\nset: {{employee_rate_working: {{from: {day}, value: {value}}}}}\n"


def text(tmp_path: Path, day: str, value: str) -> str:
    overlay = tmp_path / "x.yaml"
    overlay.write_text(WORKING.format(day=day, value=value), encoding="utf-8")
    program = open_program((), [overlay])
    shown = tuple((entity, name) for entity, names in program.shown.items() for name in names)
    return Unit(Layout(program), shown, tuple(program.benefits.values())).text


def test_another_value_on_another_day_is_the_same_program(tmp_path: Path) -> None:
    assert text(tmp_path, "2026-01-01", "90%") == text(tmp_path, "2026-04-01", "88%")
    assert text(tmp_path, "2026-01-01", "90%") != text(tmp_path, "2026-01-01", "90.125%")
