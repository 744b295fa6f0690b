"""What the solver cannot be told is sought among people made up."""

import json
from pathlib import Path

import pytest
from tests.impact.small import write_small

from mianshen_cli.main import main

pytest.importorskip("z3")

MONTHLY = """\
overlay: {name: monthly, title: x}
facts: {resident: {paid_before: {type: money, title: x, min: 0.00, max: 1000.00, when_absent: 0.00}}}
accumulators: {of_month: {title: x, sums: payment, period: month, opening: paid_before}}
replace:
  provisions:
    pays: {decision: payment, title: x, value: 'max(total_cost - floor, 0.00) * rate', source: S, clause: 一,
           annual_limit: {accumulator: of_month, limit: '1000.00'}}
properties:
  no_more_than_500: {title: x, entity: claim, holds: 'payment <= 500', source: S, clause: 一}
  never_negative: {title: x, entity: claim, holds: 'payment >= 0', source: S, clause: 一}
"""


def test_a_limit_by_month_is_searched_and_its_person_replays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules, overlay = write_small(tmp_path / "rules"), tmp_path / "monthly.yaml"
    overlay.write_text(MONTHLY, encoding="utf-8")
    words = ["--lang", "en", "prove", "--rules", str(rules), "--overlay", str(overlay), "--format", "json"]
    assert main([*words, "--property", "no_more_than_500", "--property", "never_negative"]) == 1
    findings = {finding["property"]: finding for finding in json.loads(capsys.readouterr().out)}
    broken, stored = findings["no_more_than_500"], findings["never_negative"]
    assert broken["verdict"] == "refuted"
    assert len(broken["record"]["claims"]) == 1
    record = tmp_path / "record.yaml"
    record.write_text(json.dumps(broken["record"]), encoding="utf-8")
    main(["check", str(record), "--rules", str(rules), "--overlay", str(overlay), "--format", "json"])
    (claim,) = json.loads(capsys.readouterr().out)["claims"]
    assert float(claim["payment"]) > 500
    assert stored["verdict"] == "unknown"
    assert stored["because"] == (
        "not told to the solver: the balances of of_month are not kept by benefit year; "
        "none of 500 made-up people breaks it"
    )
