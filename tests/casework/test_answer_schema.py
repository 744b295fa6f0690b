"""The JSON Schema of answers allows every answer that the shipped cases give, and nothing that is not in them."""

from pathlib import Path

import pytest

from mianshen.casework.answer_schema import answer_schema
from mianshen.casework.check import Checker
from mianshen.records.read import read_cases
from mianshen.rulebook import open_program
from mianshen.shipped import shipped_rulebook

CASES = sorted((shipped_rulebook().parent / "cases" / "shanghai").glob("*.yaml"))


@pytest.mark.parametrize("file", CASES, ids=lambda file: file.stem)
def test_every_answer_is_as_the_schema_says(file: Path) -> None:
    schemas = pytest.importorskip("jsonschema_rs")
    program = open_program()
    checker, validator = Checker(program), schemas.validator_for(answer_schema(program))
    for record in [record for record in read_cases(file, program) if not record.overlays][::4]:
        answer = checker.answer(checker.check(record.case), "en", explain=True)
        assert [str(error) for error in validator.iter_errors(answer)] == []
        validator.validate(answer)
        assert not validator.is_valid({**answer, "more": 1})
        assert not validator.is_valid({name: part for name, part in answer.items() if name != "benefits"})
