"""A figure looked up by a code, of many, as C: a jump to the one row, not a test of each.

In: a choice whose rows each name codes of one subject, and the formulas that it stands among. Out: `Made`, as what the
choice is lowered to would give: of an unknown subject unknown, with what each row misses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mianshen.native.c_source import Made, c_integer, c_type, missing_set
from mianshen.native.layout import scale_of
from mianshen.program.core import Boolean, Choice, Const, Constant, Core, InSet, ParameterRef

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
    if figures := _figures(formulas, node):
        return _looked_up(formulas, node, subject, figures, entity, row)
    body, out = formulas.body, c_type(node.type)
    value, state, miss = formulas.opened(out)
    of = formulas.emit(subject, entity, row)
    at, last = body.fresh("n"), body.fresh("n")
    with body.block(f"if (({of.state}) == 3) {state} = 3; else {{"):
        body.add(f"int {at} = 0, {last} = {len(node.rows) - 1};")
        with body.block(f"if (({of.state}) != 1) {{"):
            _jump(formulas, node, subject, of, at)
            body.add(f"{last} = {at};")
        with body.block(f"for (; {at} <= {last}; {at}++) switch ({at}) {{"):
            for number, (_, result) in enumerate(node.rows):
                with body.block(f"case {number}: {{", "} break;"):
                    outcome = formulas.emit(result, entity, row)
                    scaled = formulas.rescaled(outcome, result.type, scale_of(node.type), out)
                    body.add(
                        f"if (({of.state}) != 1) {{ {state} = {outcome.state}; {value} = {scaled}; "
                        f"{miss} = {missing_set(outcome)}; }} else if (({outcome.state}) == 1) {miss} |= {outcome.miss};"
                    )
            body.add(f"default: {state} = 2;")
        body.add(f"if (({of.state}) == 1) {{ {state} = 1; {miss} |= {of.miss}; }}")
    body.add(f"if ({state}) {value} = 0;")
    return Made(value, state, miss)


def _figures(formulas: Formulas, node: Choice) -> dict[str, int]:
    """The figures that the rows give, and what gives each the choice's decimals; empty where a row gives another thing.

    Each is known on every day that it covers.
    """
    stored, series = formulas.layout.figures, formulas.layout.program.parameters
    read = [result.name for _, result in node.rows if isinstance(result, ParameterRef)]
    steps = {name: scale_of(node.type) - scale_of(stored[name]) for name in read}
    fit = c_type(node.type) == "wide" or all(c_type(stored[name]) == "word" for name in read)
    known = all(dated.value is not None for name in read for dated in series[name].series)
    if (
        len(read) < len(node.rows)
        or not fit
        or not known
        or not all(0 <= step <= 18 for step in steps.values())
    ):
        return {}
    return {name: 10**step for name, step in steps.items()}


def _looked_up(
    formulas: Formulas, node: Choice, subject: Core, figures: dict[str, int], entity: str, row: str
) -> Made:
    """The figure of the row that names the subject's value, from a table: one piece of text for all rows."""
    body, out = formulas.body, c_type(node.type)
    value, state, miss = formulas.opened(out)
    day, of = formulas.day(entity, row), formulas.emit(subject, entity, row)
    at, table, figure = (body.fresh(letter) for letter in "ntf")
    names = [result.name for _, result in node.rows if isinstance(result, ParameterRef)]
    rows = (f"{{{formulas.layout.figures_read.index(n)}, {c_integer(figures[n])}}}" for n in names)
    body.add(f"static const struct {{ int number; word by; }} {table}[] = {{{', '.join(rows)}}};")
    with body.block(f"if (({of.state}) == 3) {state} = 3; else {{"):
        body.add(f"int {at} = 0; const struct figure *{figure};")
        with body.block(f"if (({of.state}) != 1) {{"):
            _jump(formulas, node, subject, of, at)
            body.add(f"if ({at} == {len(names)}) {state} = 2;")
            body.add(f"else if ({day.state}) {{ {state} = 1; {miss} = {day.miss}; }}")
            lookup = f"figure_at(run, {table}[{at}].number, {day.value}, &{figure})"
            with body.block(f"else if (!({state} = {lookup})) {{"):
                high = f"(wide){figure}->high << 64 | (uint64_t)" if out == "wide" else ""
                body.add(f"{value} = ({high}{figure}->low) * {table}[{at}].by;")
        with body.block("else {"):
            body.add(f"{state} = 1; {miss} = ({of.miss}) | ({day.state} ? {day.miss} : 0);")
    return Made(value, state, miss)


def _jump(formulas: Formulas, node: Choice, subject: Core, of: Made, at: str) -> None:
    """Put the place of the row that names the subject's value into the variable `at`; one beyond the last: none does."""
    body, named_last = formulas.body, node.rows[-1][0] != TRUE
    body.add(f"{at} = {len(node.rows) if named_last else len(node.rows) - 1};")
    with body.block(f"if (!({of.state})) switch ({of.value}) {{"):
        for constant, place in _places(node).items():
            encoded = c_integer(formulas.layout.encoded(constant, subject.type))
            body.add(f"case {encoded}: {at} = {place}; break;")


def _places(node: Choice) -> dict[Constant, int]:
    """The first row that names each value."""
    places: dict[Constant, int] = {}
    for number, (condition, _) in enumerate(node.rows):
        for value in condition.values if isinstance(condition, InSet) else ():
            places.setdefault(value, number)
    return places
