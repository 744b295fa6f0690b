"""What the rows before this one were, as C: the last of them that matches, or how many do.

In: a node of earlier rows, and the formulas that it stands among. Out: `Made`. Rows of one parent stand in turn, those
without a date first, so that what comes before a row in its parent's rows is what comes before it in turn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mianshen.native.c_source import Made, c_type, missing_set
from mianshen.native.layout import scale_of
from mianshen.program.core import Earlier

if TYPE_CHECKING:
    from mianshen.native.formula import Formulas


def earlier(formulas: Formulas, node: Earlier, row: str) -> Made:
    """The value, its state and what it misses."""
    body, name = formulas.body, node.entity
    date = str(formulas.layout.program.entities[name].date)
    value, state, miss = formulas.opened(c_type(node.type))
    item, place, first = body.fresh("c"), body.fresh("n"), body.fresh("w")
    body.add(f"word {place} = 0; byte {first} = 0;")
    body.add(f"if (!{row}->k_{date}) {{ {state} = 1; {miss} = {formulas.missing_set(date)}; }}")
    with body.block(
        f"else for (struct row_{name} *{item} = {row} - 1; {item} >= at->rows_{name} + {row}->up->begin_{name}; {item}--) {{"
    ):
        dated = f"{item}->k_{date}"
        if node.body is not None:
            body.add(f"if ({first} && {dated}) continue;")
        formulas.asking, outer = row, formulas.asking
        _matched(formulas, node, (row, item), (state, miss), (place, first))
        formulas.asking = outer
    if node.body is None:
        body.add(f"{value} = {state} ? 0 : {place};")
    else:
        with body.block(f"if (!{state} && {place}) {{"):
            last = f"(at->rows_{name} + ({place} - 1))"
            result = formulas.emit(node.body, name, last)
            scaled = formulas.rescaled(result, node.body.type, scale_of(node.type), c_type(node.type))
            body.add(
                f"{state} = {result.state}; {miss} = {missing_set(result)}; {value} = {state} ? 0 : {scaled};"
            )
        body.add(f"else if (!{state}) {state} = 2;")
    return Made(value, state, miss)


def _matched(
    formulas: Formulas, node: Earlier, rows: tuple[str, str], open_: tuple[str, str], seen: tuple[str, str]
) -> None:
    """One earlier row: left out, the one that is asked about, counted, or open whether it is."""
    (row, item), (state, miss), (place, first) = rows, open_, seen
    body, name = formulas.body, node.entity
    date = str(formulas.layout.program.entities[name].date)
    lacks = body.fresh("m")
    body.add(f"names {lacks} = 0; byte {lacks}_open = 0;")
    for fact in node.same:
        mine, theirs, bit = f"{row}->k_{fact.name}", f"{item}->k_{fact.name}", formulas.missing_set(fact.name)
        body.add(f"if ({mine} && {theirs} && {row}->f_{fact.name} != {item}->f_{fact.name}) continue;")
        body.add(f"if (!{mine} || !{theirs}) {{ {lacks}_open = 1; {lacks} |= {bit}; }}")
    if node.where is not None:
        where = formulas.emit(node.where, name, item)
        body.add(f"if (({where.state}) == 2 || (!({where.state}) && !({where.value}))) continue;")
        body.add(f"if (({where.state}) == 3 && !{item}->rejected) {{ {state} = 3; continue; }}")
        body.add(f"if ({where.state}) {{ {lacks}_open = 1; {lacks} |= {missing_set(where)}; }}")
    body.add(f"if ({item}->doubtful) {{ {lacks}_open = 1; {lacks} = {item}->doubt; }}")
    body.add(
        f"else if (!{item}->k_{date} && !{lacks}_open) {{ {lacks}_open = 1; {lacks} = {formulas.missing_set(date)}; }}"
    )
    body.add(f"if ({lacks}_open) {{ {state} = most({state}, 1); {miss} |= {lacks}; }}")
    if node.body is None:
        body.add(f"{place}++;")
    else:
        body.add(f"else if (!{place}) {place} = {item} - at->rows_{name} + 1;")
        body.add(f"if ({item}->k_{date}) {first} = 1;")
