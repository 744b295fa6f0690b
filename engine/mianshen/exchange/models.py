"""A rulebook out to a DMN model, and a model back as a rulebook.

In: the files of a rulebook, or a DMN file. Out: a DMN file, or the text of a rulebook; with what neither can carry.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mianshen.exchange.decisions import Loss, ModelBuilder
from mianshen.exchange.dmn_in import ReadModel, read_model
from mianshen.exchange.dmn_out import dmn_text
from mianshen.exchange.spreadsheet import need, sound_document
from mianshen.whole_file import whole_file


def export_model(
    rules: Sequence[Path], overlays: Sequence[Path], names: Sequence[str], out: Path
) -> tuple[int, tuple[Loss, ...]]:
    """Write the decisions named, or all, with what they require; how many have logic, and what is not carried."""
    model = ModelBuilder(sound_document(rules, overlays)).build(names)
    with whole_file(out) as part:
        part.write_text(dmn_text(model), "utf-8")
    return sum(element.logic is not None for element in model.elements), model.losses


def import_model(path: Path) -> ReadModel:
    """The rulebook that a DMN file stands for."""
    need("defusedxml")
    return read_model(path)
