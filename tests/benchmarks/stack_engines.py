"""The claim stack written for three rules engines: openfisca-core, zen-engine, durable-rules.

openfisca-core and durable-rules compute in binary floats, zen-engine in decimals behind floats; of what is not
modelled the first gives not-a-number, the second null, the third no event.
"""

from __future__ import annotations

import json
import math
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

import numpy as np
import pyarrow as pa
from tests.benchmarks.stack_claims import CODES, MONEY, OUTPUTS, Array, fen_of_yuan, floats

LEVELS: Final = {"primary": 50.0, "secondary": 100.0, "tertiary": 300.0}


def yuan(amount: Any) -> Any:
    """Half up to the fen, in floats."""
    return np.floor(amount * 100 + 0.5) / 100


# -- openfisca-core --------------------------------------------------------------------------


@dataclass(slots=True)
class OpenFisca:
    """One simulation of all claims, made anew each time for it keeps what it computed.

    `taught`: figures stand in dated parameters and are looked up by code, as its documentation teaches; without it
    they are constants in the formulas, which is faster.
    """

    claims: pa.Table
    taught: bool
    system: Any = field(init=False)
    given: dict[str, Array] = field(init=False)

    def __post_init__(self) -> None:
        self.system, lists = _fisca_system(FISCA | FISCA_TAUGHT if self.taught else FISCA)
        self.given = {name: np.nan_to_num(floats(self.claims, name)).astype(np.float32) for name in MONEY}
        self.given["critical_illness"] = np.asarray(self.claims["critical_illness"].to_numpy())
        shanghai = [area.startswith("31") for area in self.claims["insured_area"].to_pylist()]
        self.given["in_shanghai"] = np.array(shanghai)
        for name, listed in lists.items():
            self.given[name] = listed.encode(np.array(self.claims[name].to_pylist()))

    def run(self) -> dict[str, Array]:
        from openfisca_core.simulation_builder import SimulationBuilder

        simulation = SimulationBuilder().build_default_simulation(self.system, count=len(self.claims))
        for name, values in self.given.items():
            simulation.set_input(name, "2026", values)
        return {name: simulation.calculate(name, "2026") for name in OUTPUTS}

    def fen(self, result: dict[str, Array]) -> dict[str, Array]:
        return {name: fen_of_yuan(result[name]) for name in OUTPUTS}


# Formulas: `v` asks for another variable, `lists` are the code lists, `p` the figures of the day.


def _layer(v: Any, lists: Any, employee: Any, resident: Any) -> Any:
    scheme, here = v("insurance_scheme"), v("in_shanghai")
    covered = (v("coverage_status") == lists["coverage_status"].active) & (
        (scheme == lists["insurance_scheme"].employee) | (scheme == lists["insurance_scheme"].resident)
    )
    stay = here & covered & (v("care_type") == lists["care_type"].inpatient)
    paid = np.where(scheme == lists["insurance_scheme"].employee, employee, resident)
    return np.where(stay, paid, np.where(here & ~covered, 0.0, np.nan))


def _retired(v: Any, lists: Any, then: float, otherwise: float) -> Any:
    return np.where(v("employment_status") == lists["employment_status"].retired, then, otherwise)


def _poor(v: Any, lists: Any) -> Any:
    category, listed = v("assistance_category"), lists["assistance_category"]
    return (category != listed.none) & (category != listed.illness_poverty)


def _in_scope(v: Any, _lists: Any, _p: Any) -> Any:
    return np.where(v("in_shanghai"), v("total_cost") - v("out_of_scope_cost"), np.nan)


def _deductible(v: Any, lists: Any, _p: Any) -> Any:
    scope, level, levels = v("in_scope_cost"), v("hospital_level"), lists["hospital_level"]
    left = np.maximum(0.0, _retired(v, lists, 1200.0, 1500.0) - v("deductible_used"))
    item = np.select([level == levels[name] for name in LEVELS], list(LEVELS.values()))
    return _layer(v, lists, np.minimum(scope, left), np.minimum(scope, item))


def _before_limit(v: Any, lists: Any, _p: Any) -> Any:
    return yuan((v("in_scope_cost") - v("deductible")) * _retired(v, lists, 0.92, 0.85))


def _basic(v: Any, lists: Any, _p: Any) -> Any:
    paid = np.minimum(v("before_limit"), np.maximum(0.0, 550000.0 - v("basic_paid_before")))
    return _layer(v, lists, paid, yuan((v("in_scope_cost") - v("deductible")) * 0.75))


def _supplementary(v: Any, lists: Any, _p: Any) -> Any:
    above = yuan((v("before_limit") - v("basic_payment")) / _retired(v, lists, 0.92, 0.85))
    return _layer(v, lists, yuan(above * 0.8), 0.0)


def _critical(v: Any, lists: Any, _p: Any) -> Any:
    rate = np.where(_poor(v, lists), 0.65, 0.6)
    paid = yuan((v("in_scope_cost") - v("basic_payment")) * rate)
    return _layer(v, lists, 0.0, np.where(v("critical_illness"), paid, 0.0))


def _remaining(v: Any, _lists: Any, _p: Any) -> Any:
    paid = v("basic_payment") + v("supplementary_payment") + v("critical_illness_payment")
    return np.maximum(0.0, v("in_scope_cost") - paid)


def _assistance(v: Any, lists: Any, _p: Any) -> Any:
    left = np.maximum(0.0, 160000.0 - v("assistance_paid_before"))
    destitute = v("assistance_category") == lists["assistance_category"].destitute
    paid = np.where(destitute, v("remaining"), np.minimum(yuan(v("remaining") * 0.85), left))
    given = np.where(_poor(v, lists), paid, 0.0)
    return _layer(v, lists, given, given)


def _patient(v: Any, _lists: Any, _p: Any) -> Any:
    paid = v("basic_payment") + v("supplementary_payment") + v("critical_illness_payment")
    return v("total_cost") - paid - v("assistance_payment")


FISCA: Final = {
    "in_scope_cost": _in_scope, "deductible": _deductible, "before_limit": _before_limit, "basic_payment": _basic,
    "supplementary_payment": _supplementary, "critical_illness_payment": _critical, "remaining": _remaining,
    "assistance_payment": _assistance, "patient_pays": _patient,
}  # fmt: skip


# The same as its documentation teaches: `p.node[codes]` looks figures up by code.


def _taught_deductible(v: Any, lists: Any, p: Any) -> Any:
    scope = v("in_scope_cost")
    left = np.maximum(0.0, p.annual_deductible[v("employment_status")] - v("deductible_used"))
    return _layer(v, lists, np.minimum(scope, left), np.minimum(scope, p.deductible[v("hospital_level")]))


def _taught_before_limit(v: Any, _lists: Any, p: Any) -> Any:
    return yuan((v("in_scope_cost") - v("deductible")) * p.payment_rate[v("employment_status")])


def _taught_basic(v: Any, lists: Any, p: Any) -> Any:
    paid = np.minimum(v("before_limit"), np.maximum(0.0, p.payment_limit - v("basic_paid_before")))
    return _layer(v, lists, paid, yuan((v("in_scope_cost") - v("deductible")) * p.resident_rate))


def _taught_supplementary(v: Any, lists: Any, p: Any) -> Any:
    above = yuan((v("before_limit") - v("basic_payment")) / p.payment_rate[v("employment_status")])
    return _layer(v, lists, yuan(above * p.supplementary_rate), 0.0)


def _taught_critical(v: Any, lists: Any, p: Any) -> Any:
    paid = yuan((v("in_scope_cost") - v("basic_payment")) * p.critical_illness_rate[v("assistance_category")])
    return _layer(v, lists, 0.0, np.where(v("critical_illness"), paid, 0.0))


def _taught_assistance(v: Any, lists: Any, p: Any) -> Any:
    left = np.maximum(0.0, p.assistance_limit - v("assistance_paid_before"))
    destitute = v("assistance_category") == lists["assistance_category"].destitute
    rate = p.assistance_rate[v("assistance_category")]
    paid = np.where(destitute, v("remaining"), np.minimum(yuan(v("remaining") * rate), left))
    return _layer(v, lists, paid, paid)


FISCA_TAUGHT: Final = {
    "deductible": _taught_deductible, "before_limit": _taught_before_limit, "basic_payment": _taught_basic,
    "supplementary_payment": _taught_supplementary, "critical_illness_payment": _taught_critical,
    "assistance_payment": _taught_assistance,
}  # fmt: skip

FISCA_FIGURES: Final[dict[str, Any]] = {
    "payment_limit": 550000.0, "assistance_limit": 160000.0, "resident_rate": 0.75, "supplementary_rate": 0.8,
    "annual_deductible": {n: 1200.0 if n == "retired" else 1500.0 for n in CODES["employment_status"]},
    "payment_rate": {n: 0.92 if n == "retired" else 0.85 for n in CODES["employment_status"]},
    "deductible": LEVELS,
    "critical_illness_rate": {
        n: 0.6 if n in ("none", "illness_poverty") else 0.65 for n in CODES["assistance_category"]
    },
    "assistance_rate": {
        n: {"destitute": 1.0, "subsistence": 0.85, "low_income": 0.85}.get(n, 0.0)
        for n in CODES["assistance_category"]
    },
}  # fmt: skip


def _dated(figure: Any) -> Any:
    """A figure in force since 2020, as parameters are written."""
    if isinstance(figure, dict):
        return {name: _dated(item) for name, item in figure.items()}
    return {"values": {"2020-01-01": {"value": figure}}}


def _fisca_system(formulas: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The system of variables, and its code lists."""
    from openfisca_core.entities import build_entity
    from openfisca_core.indexed_enums import Enum
    from openfisca_core.parameters import ParameterNode
    from openfisca_core.periods import DateUnit
    from openfisca_core.taxbenefitsystems import TaxBenefitSystem
    from openfisca_core.variables import Variable

    claim = build_entity(key="claim", plural="claims", label="", is_person=True)
    system = TaxBenefitSystem([claim])
    system.parameters = ParameterNode("", data=_dated(FISCA_FIGURES))
    lists = {name: Enum(name, list(values)) for name, values in CODES.items()}

    def add(name: str, **more: Any) -> None:
        about = {"entity": claim, "definition_period": DateUnit.YEAR, "label": name}
        system.add_variable(type(name, (Variable,), {**about, **more}))

    for name, listed in lists.items():
        first = next(iter(listed))
        add(name, value_type=Enum, possible_values=listed, default_value=first)
    for name in ("critical_illness", "in_shanghai"):
        add(name, value_type=bool)
    for name in MONEY:
        add(name, value_type=float)
    for name, built in formulas.items():
        add(name, value_type=float, formula=_fisca_formula(built, lists))
    return system, lists


def _fisca_formula(built: Any, lists: dict[str, Any]) -> Any:
    def formula(rows: Any, period: Any, parameters: Any) -> Any:
        return built(lambda asked: rows(asked, period), lists, parameters(period))

    return formula


# -- zen-engine ------------------------------------------------------------------------------

ZEN_LAYER: Final = (
    "not(startsWith(insured_area, '31')) ? null : not($.covered) ? 0 : care_type != 'inpatient' ? null"
    " : insurance_scheme == 'employee' ? {employee} : {resident}"
)
ZEN_POOR: Final = "assistance_category in ['destitute', 'subsistence', 'low_income']"
ZEN_MODELLED: Final = "$.basic_payment == null ? null : "


def _zen_layer(employee: str, resident: str) -> str:
    return ZEN_LAYER.format(employee=employee, resident=resident)


ZEN: Final = {
    "covered": "coverage_status == 'active' and insurance_scheme in ['employee', 'resident']",
    "in_scope_cost": "startsWith(insured_area, '31') ? total_cost - out_of_scope_cost : null",
    "rate": "employment_status == 'retired' ? 0.92 : 0.85",
    "annual": "employment_status == 'retired' ? 1200 : 1500",
    "deductible": _zen_layer(
        "min([$.in_scope_cost, max([0, $.annual - deductible_used])])",
        "min([$.in_scope_cost, hospital_level == 'primary' ? 50 : hospital_level == 'secondary' ? 100 : 300])",
    ),
    "before": "$.deductible == null ? null : round(($.in_scope_cost - $.deductible) * $.rate, 2)",
    "basic_payment": _zen_layer(
        "min([$.before, max([0, 550000 - basic_paid_before])])",
        "round(($.in_scope_cost - $.deductible) * 0.75, 2)",
    ),
    "supplementary_payment": _zen_layer(
        "round(round(($.before - $.basic_payment) / $.rate, 2) * 0.8, 2)", "0"
    ),
    "critical_illness_payment": _zen_layer(
        "0",
        f"(critical_illness ? round(($.in_scope_cost - $.basic_payment) * ({ZEN_POOR} ? 0.65 : 0.6), 2) : 0)",
    ),
    "remaining": ZEN_MODELLED
    + "max([0, $.in_scope_cost - $.basic_payment - $.supplementary_payment - $.critical_illness_payment])",
    "assistance_payment": ZEN_MODELLED
    + f"not($.covered) or not({ZEN_POOR}) ? 0 : assistance_category == 'destitute' ? $.remaining"
    + " : min([round($.remaining * 0.85, 2), max([0, 160000 - assistance_paid_before])])",
    "patient_pays": ZEN_MODELLED
    + "total_cost - $.basic_payment - $.supplementary_payment - $.critical_illness_payment - $.assistance_payment",
}


def _zen_decision(loop: bool) -> str:
    """One expression node; `loop`: over the list `claims`."""
    over = {"inputField": "claims", "outputPath": "claims", "executionMode": "loop"} if loop else {}
    steps = [{"id": name, "key": name, "value": text} for name, text in ZEN.items()]
    nodes = [
        {"id": "in", "type": "inputNode", "name": "in", "content": {}},
        {"id": "do", "type": "expressionNode", "name": "do", "content": {"expressions": steps, **over}},
        {"id": "out", "type": "outputNode", "name": "out", "content": {}},
    ]
    edges = [
        {"id": "1", "type": "edge", "sourceId": "in", "targetId": "do"},
        {"id": "2", "type": "edge", "sourceId": "do", "targetId": "out"},
    ]
    return json.dumps({"nodes": nodes, "edges": edges})


def _zen_facts(claims: pa.Table) -> list[dict[str, Any]]:
    shown = claims.drop_columns(["service_date"])
    rows: list[dict[str, Any]] = shown.to_pylist()
    for row in rows:
        row |= {name: None if row[name] is None else float(row[name]) for name in MONEY}
    return rows


@dataclass(slots=True)
class ZenBatch:
    """`ZenEngine.evaluate_batch` over one request a claim."""

    claims: pa.Table
    engine: Any = field(init=False)
    requests: list[Any] = field(init=False)

    def __post_init__(self) -> None:
        import zen

        content = json.loads(_zen_decision(loop=False))
        self.engine = zen.ZenEngine({"loader": {"type": "static", "content": {"stack": content}}})
        self.requests = [{"key": "stack", "context": row} for row in _zen_facts(self.claims)]

    def run(self) -> list[Any]:
        return [
            item["data"]["result"] if item["success"] else {}
            for item in self.engine.evaluate_batch(self.requests)
        ]

    def fen(self, result: list[Any]) -> dict[str, Array]:
        return _fen_of_rows(result)


@dataclass(slots=True)
class ZenLoop:
    """One evaluation of a node that loops over all claims."""

    claims: pa.Table
    decision: Any = field(init=False)
    facts: list[dict[str, Any]] = field(init=False)

    def __post_init__(self) -> None:
        import zen

        self.decision = zen.ZenEngine().create_decision(_zen_decision(loop=True))
        self.facts = _zen_facts(self.claims)

    def run(self) -> list[Any]:
        try:
            return list(self.decision.evaluate({"claims": self.facts})["result"]["claims"])
        except RuntimeError:  # one claim that cannot be computed fails them all
            return [{} for _ in self.facts]

    def fen(self, result: list[Any]) -> dict[str, Array]:
        return _fen_of_rows(result)


def _fen_of_rows(rows: list[dict[str, Any]]) -> dict[str, Array]:
    def column(name: str) -> Array:
        told = [math.nan if row.get(name) is None else row[name] for row in rows]
        return fen_of_yuan(np.array(told, np.float64))

    return {name: column(name) for name in OUTPUTS}


# -- durable-rules ---------------------------------------------------------------------------


DECIDED: Final[dict[str, dict[str, Any]]] = {}  # where the last rule leaves what it is told


def _on(c: Any, layer: str, **more: Any) -> None:
    """The claim goes on to the next layer."""
    facts = {name: c.m[name] for name in c.m._d if name not in ("layer", "id", "sid", "$s")}
    c.post({**facts, **more, "layer": layer})


def _half_up(value: float) -> float:
    return math.floor(value * 100 + 0.5) / 100


def _uncovered(c: Any) -> None:
    zeros = dict.fromkeys(OUTPUTS[1:-1], 0.0)
    _on(c, "done", in_scope_cost=c.m.total_cost - c.m.out_of_scope_cost, **zeros, patient_pays=c.m.total_cost)


def _no_stay(c: Any) -> None:
    _on(c, "done", in_scope_cost=c.m.total_cost - c.m.out_of_scope_cost)


def _employee(c: Any) -> None:
    retired = c.m.employment_status == "retired"
    scope, rate = c.m.total_cost - c.m.out_of_scope_cost, 0.92 if retired else 0.85
    used = min(scope, max(0.0, (1200.0 if retired else 1500.0) - c.m.deductible_used))
    before = _half_up((scope - used) * rate)
    basic = min(before, max(0.0, 550000.0 - c.m.basic_paid_before))
    more = _half_up(_half_up((before - basic) / rate) * 0.8)
    _on(c, "assistance", in_scope_cost=scope, deductible=used, basic_payment=basic, supplementary_payment=more,
        critical_illness_payment=0.0)  # fmt: skip


def _resident(c: Any) -> None:
    scope = c.m.total_cost - c.m.out_of_scope_cost
    used = min(scope, LEVELS[c.m.hospital_level])
    basic, critical = _half_up((scope - used) * 0.75), 0.0
    if c.m.critical_illness:
        tilted = c.m.assistance_category in ("subsistence", "low_income", "destitute")
        critical = _half_up((scope - basic) * (0.65 if tilted else 0.6))
    _on(c, "assistance", in_scope_cost=scope, deductible=used, basic_payment=basic, supplementary_payment=0.0,
        critical_illness_payment=critical)  # fmt: skip


def _assisted(c: Any) -> None:
    paid = c.m.basic_payment + c.m.supplementary_payment + c.m.critical_illness_payment
    left, given = max(0.0, c.m.in_scope_cost - paid), 0.0
    if c.m.assistance_category == "destitute":
        given = left
    elif c.m.assistance_category in ("subsistence", "low_income"):
        given = min(_half_up(left * 0.85), max(0.0, 160000.0 - c.m.assistance_paid_before))
    _on(c, "done", assistance_payment=given, patient_pays=c.m.total_cost - paid - given)


def _done(c: Any) -> None:
    DECIDED[c.m.claim_id] = {name: c.m[name] for name in OUTPUTS if name in c.m._d}


@cache
def _durable_rules() -> None:
    """The ruleset `stack`, made once a process."""
    from durable.lang import m, ruleset, when_all

    with ruleset("stack"):
        active = (m.layer == "coverage") & (m.coverage_status == "active")
        stay = active & (m.care_type == "inpatient")
        when_all((m.layer == "coverage") & (m.coverage_status != "active"))(_uncovered)
        when_all(active & (m.insurance_scheme == "none"))(_uncovered)
        when_all(active & (m.insurance_scheme != "none") & (m.care_type != "inpatient"))(_no_stay)
        when_all(stay & (m.insurance_scheme == "employee"))(_employee)
        when_all(stay & (m.insurance_scheme == "resident"))(_resident)
        when_all(m.layer == "assistance")(_assisted)
        when_all(m.layer == "done")(_done)


@dataclass(slots=True)
class DurableRules:
    """An event a claim, one after the other in one session (a process holds about a thousand of them).

    Areas other than Shanghai are left out by hand.
    """

    claims: pa.Table
    events: list[dict[str, Any]] = field(init=False)

    def __post_init__(self) -> None:
        rows = _zen_facts(self.claims)
        self.events = [
            {name: value for name, value in row.items() if value is not None} | {"layer": "coverage"}
            for row in rows
            if row["insured_area"].startswith("31")
        ]

    def run(self) -> dict[str, dict[str, Any]]:
        from durable.engine import MessageNotHandledException
        from durable.lang import post

        _durable_rules()
        DECIDED.clear()
        for event in self.events:
            with suppress(MessageNotHandledException):  # no rule takes it
                post("stack", event)
        return DECIDED

    def fen(self, result: dict[str, dict[str, Any]]) -> dict[str, Array]:
        rows = [result.get(key, {}) for key in self.claims["claim_id"].to_pylist()]
        return _fen_of_rows(rows)
