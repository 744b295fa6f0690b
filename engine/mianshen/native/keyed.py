"""A figure looked up by a code, of many, as C: a jump to the one row, not a test of each.

In: a choice whose rows each name codes of one subject, and the formulas that it stands among. Out: `Made`, as what the
choice is lowered to would give: of an unknown subject unknown, with what each row misses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mianshen.native.c_source import Made, c_integer, c_type, lacking
from mianshen.native.layout import scale_of
from mianshen.program.core import Boolean, Choice, Const, Constant, Core, InSet

if TYPE_CHECKING:
    from mianshen.native.formula import Formulas

FEW: Final = 8  # rows that are tested one after the other
TRUE: Final = Const(True, Boolean())


def by_code(node: Choice) -> Core | None:
    """The subject that all rows name values of, but perhaps the last, which is for any other; None: there is none."""
    conditions = [condition for condition, _ in node.rows]
    named = conditions[:-1] if conditions[-1] == TRUE else conditions
    subjects = {condition.arg for condition in named if isinstance(condition, InSet)}
    alike = all(isinstance(condition, InSet) for condition in named) and len(subjects) == 1
    return subjects.pop() if node.policy == "first" and alike and len(named) > FEW else None


def keyed(formulas: Formulas, node: Choice, subject: Core, entity: str, row: str) -> Made:
    """The value of the row that names the subject's, its state and what it misses."""
    body, out = formulas.body, c_type(node.type)
    value, state, miss = formulas.opened(out)
    of = formulas.emit(subject, entity, row)
    at, last = body.fresh("n"), body.fresh("n")
    places = _places(node)
    with body.block(f"if (({of.state}) == 3) {state} = 3; else {{"):
        body.add(f"int {at} = 0, {last} = {len(node.rows) - 1};")
        with body.block(f"if (({of.state}) != 1) {{"):
            other = len(node.rows) - 1 if node.rows[-1][0] == TRUE else len(node.rows)
            body.add(f"{at} = {other};")
            with body.block(f"if (!({of.state})) switch ({of.value}) {{"):
                for constant, place in places.items():
                    encoded = c_integer(formulas.layout.encoded(constant, subject.type))
                    body.add(f"case {encoded}: {at} = {place}; break;")
            body.add(f"{last} = {at};")
        with body.block(f"for (; {at} <= {last}; {at}++) switch ({at}) {{"):
            for number, (_, result) in enumerate(node.rows):
                with body.block(f"case {number}: {{", "} break;"):
                    outcome = formulas.emit(result, entity, row)
                    scaled = formulas.rescaled(outcome, result.type, scale_of(node.type), out)
                    body.add(
                        f"if (({of.state}) != 1) {{ {state} = {outcome.state}; {value} = {scaled}; "
                        f"{miss} = {lacking(outcome)}; }} else if (({outcome.state}) == 1) {miss} |= {outcome.miss};"
                    )
            body.add(f"default: {state} = 2;")
        body.add(f"if (({of.state}) == 1) {{ {state} = 1; {miss} |= {of.miss}; }}")
    body.add(f"if ({state}) {value} = 0;")
    return Made(value, state, miss)


def _places(node: Choice) -> dict[Constant, int]:
    """The first row that names each value."""
    places: dict[Constant, int] = {}
    for number, (condition, _) in enumerate(node.rows):
        for value in condition.values if isinstance(condition, InSet) else ():
            places.setdefault(value, number)
    return places
