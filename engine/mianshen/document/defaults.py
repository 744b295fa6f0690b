"""What a file's `defaults:` fill in.

In: the `defaults:` mapping of a file. Out: `Filling`, which completes entries before they are checked.
Invariants: what an entry says itself wins, an explicit `null` included; then, for a parameter's
values, what the parameter says; then the defaults.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, get_args

from mianshen.closed_sets import Basis
from mianshen.document.model import Defaults
from mianshen.document.validate import fit
from mianshen.document.yaml_tree import Mapping, Node
from mianshen.source import Diagnostic, Span

_PROVISION = ("area", "from", "until", "status", "source", "clause", "basis", "stand_in")
_VALUE = ("from", "basis", "source", "clause", "review_by")
_PARAMETER = ("basis", "source", "clause")
_BASES = get_args(Basis)


@dataclass(frozen=True, slots=True)
class Filling:
    """The defaults of one file; `faulty` are keys given with a mistake."""

    given: dict[str, Any] = field(default_factory=dict)
    faulty: frozenset[str] = frozenset()
    node: Mapping | None = None

    def of(self, section: str) -> Callable[[dict[str, Any]], None] | None:
        """What completes an entry of `section`, if anything does."""
        match section:
            case "provisions" | "tables":
                return self._complete_provision
            case "parameters" | "data":
                return self._complete_values
            case "set":
                return self._complete_value
            case _:
                return None

    def _complete_provision(self, entry: dict[str, Any]) -> None:
        for key in _PROVISION:
            if key in self.given:
                entry.setdefault(key, self.given[key])

    def _complete_values(self, parameter: dict[str, Any]) -> None:
        fill = {key: self.given[key] for key in _VALUE if key in self.given}
        for key in _PARAMETER:
            own = parameter.get(key)
            if isinstance(own, str) and own and (key != "basis" or own in _BASES):
                fill[key] = own
        values = parameter.get("values")
        for value in values if isinstance(values, list) else ():
            if isinstance(value, dict):
                for key, default in fill.items():
                    value.setdefault(key, default)

    def _complete_value(self, value: dict[str, Any]) -> None:
        """One dated value of an overlay: its figure is provisional unless it says what it rests on."""
        for key in _VALUE:
            if key in self.given:
                value.setdefault(key, self.given[key])
        value.setdefault("basis", "missing" if value.get("value") is None else "provisional")


def filling(node: Node | None, at: Span) -> tuple[Filling, list[Diagnostic]]:
    """What the `defaults:` at `node` fill in; a faulty key does not spoil the others."""
    if node is None:
        return Filling(), []
    fitted, faults = fit(Defaults, node, at)
    if not isinstance(node, Mapping):
        return Filling(faulty=frozenset(_VALUE)), faults
    if fitted is not None:
        return Filling(_given(fitted), node=node), faults
    sound: dict[str, Any] = {}
    faulty: set[str] = set()
    for entry in node.entries:
        alone, _ = fit(Defaults, Mapping((entry,), node.source, node.start, node.end), at)
        if alone is None:
            faulty.add(entry[0].text)
        else:
            sound = _given(alone) | sound
    return Filling(sound, frozenset(faulty), node), faults


def _given(defaults: Defaults) -> dict[str, Any]:
    written = {"from" if name == "from_" else name for name in defaults.model_fields_set}
    return {name: getattr(defaults, "from_" if name == "from" else name) for name in written}
