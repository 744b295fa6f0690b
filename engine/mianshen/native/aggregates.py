"""What child rows come to, as C: several values brought to one.

In: an aggregate, and the formulas that it stands among. Out: `Made`.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from mianshen.native.c_source import Made, c_type
from mianshen.native.layout import scale_of
from mianshen.program.core import Aggregate

if TYPE_CHECKING:
    from mianshen.native.formula import Formulas


def aggregate(formulas: Formulas, node: Aggregate, entity: str, row: str) -> Made:
    """What the rows that count come to at the row `row` of an entity."""
    body, out = formulas.body, c_type(node.type)
    value, state, miss = formulas.opened(out)
    count, decided = body.fresh("n"), body.fresh("d")
    body.add(f"word {count} = 0; byte {decided} = 0;")
    if node.kind == "first":
        _first(formulas, node, row, (value, state, miss), decided)
        return Made(value, state, miss)
    with ExitStack() as blocks:
        levels = node.levels or (node.child,)
        at = _above(formulas, levels[0], entity, row) if node.levels else row
        for level in levels:
            item = body.fresh("c")
            _counted(formulas, level, at, state, miss)
            blocks.enter_context(body.block(_loop(level, at, item)))
            if level != levels[-1]:
                body.add(
                    f"if ({item}->doubtful) {{ {state} = most({state}, 1); {miss} |= {item}->doubt; continue; }}"
                )
            at = item
        shared = _shared(formulas, node, (entity, row), at)
        formulas.asking, outer = row, formulas.asking
        _item(formulas, node, at, (value, state, miss), (count, decided), shared)
        formulas.asking = outer
    if node.kind in ("some", "every"):
        body.add(
            f"if ({decided} && {state} != 3) {{ {state} = 0; {value} = {int(node.kind == 'some')}; }} "
            f"else if (!{state}) {value} = {int(node.kind != 'some')};"
        )
    elif node.kind == "count":
        body.add(f"{value} = {count};")
    elif node.kind in ("min", "max"):
        body.add(f"if (!{state} && !{count}) {state} = 3;")
    body.add(f"if ({state}) {value} = 0;")
    return Made(value, state, miss)


def _loop(level: str, above: str, item: str) -> str:
    """The head of a loop over the rows of a level below one row."""
    rows = f"at->rows_{level}"
    return (
        f"for (struct row_{level} *{item} = {rows} + {above}->begin_{level}; "
        f"{item} < {rows} + {above}->end_{level}; {item}++) {{"
    )


def _above(formulas: Formulas, level: str, entity: str, row: str) -> str:
    """The row, above `row`, below which rows of a level stand; a person's as it is on the decision date."""
    entities = formulas.layout.program.entities
    owner = entities[level].parent
    assert owner is not None
    at = formulas.above(entity, owner, row)
    return f"{at}->current" if entities[owner].valid_from is not None else at


def _counted(formulas: Formulas, level: str, at: str, state: str, miss: str) -> None:
    """What is missing where a row has more children than are given."""
    child = formulas.layout.program.entities[level]
    if child.counted_by is None:
        return
    plural = child.children or child.name
    stated = f"{at}->f_{child.counted_by}"
    formulas.body.add(
        f"if (!{at}->k_{child.counted_by}) {{ {state} = most({state}, 1); {miss} |= {formulas.missing_set(child.counted_by)}; }} "
        f"else if ({stated} > {at}->end_{child.name} - {at}->begin_{child.name}) "
        f"{{ {state} = most({state}, 1); {miss} |= {formulas.missing_set(plural)}; }}"
    )


def _shared(formulas: Formulas, node: Aggregate, own: tuple[str, str], item: str) -> tuple[str, str]:
    """Leave an item out whose facts differ from the row's; whether that is open, and what is missing."""
    if not node.same:
        return "0", "0"
    body, (entity, row) = formulas.body, own
    lacks = body.fresh("m")
    body.add(f"names {lacks} = 0; byte {lacks}_open = 0;")
    for their_part, my_part in node.same:
        theirs, mine = formulas.emit(their_part, node.child, item), formulas.emit(my_part, entity, row)
        either = f"({theirs.state}) || ({mine.state})"
        body.add(f"if (!({either}) && ({theirs.value}) != ({mine.value})) continue;")
        body.add(
            f"if ({either}) {{ {lacks}_open = 1; {lacks} |= (({theirs.state}) ? {theirs.miss} : 0) | "
            f"(({mine.state}) ? {mine.miss} : 0); }}"
        )
    return f"{lacks}_open", lacks


def _counts(formulas: Formulas, node: Aggregate, item: str, state: str, doubtful: str) -> tuple[Made, Made]:
    """Leave an item out that does not count; the filter, and what it brings. `doubtful`: what it does where in doubt."""
    body = formulas.body
    where = Made("1") if node.where is None else formulas.emit(node.where, node.child, item)
    left_out = (
        "0" if node.where is None else f"({where.state}) == 2 || (!({where.state}) && !({where.value}))"
    )
    with body.block(f"if ({item}->doubtful) {{"):
        body.add(f"if ({left_out}) continue;")
        if node.kind in ("some", "every"):
            read = Made("1") if node.body is None else formulas.emit(node.body, node.child, item)
            body.add(f"if (({read.state}) == 2 || (!({read.state}) && {neutral(node, read)})) continue;")
        body.add(f"{doubtful} continue;")
    if node.where is not None:
        body.add(f"if (({where.state}) == 3) {{ {state} = 3; continue; }}")
        body.add(f"if ({left_out}) continue;")
    outcome = Made("1") if node.body is None else formulas.emit(node.body, node.child, item)
    body.add(f"if (({outcome.state}) == 3) {{ {state} = 3; continue; }}")
    body.add(f"if (({outcome.state}) == 2) continue;")
    return where, outcome


def neutral(node: Aggregate, body: Made) -> str:
    """Whether the condition of `some` or `every` makes no difference there."""
    return f"{'!' if node.kind == 'some' else ''}({body.value})"


def _first(
    formulas: Formulas, node: Aggregate, row: str, variables: tuple[str, str, str], decided: str
) -> None:
    """Whether the body holds of the first child for which the filter does; children stand in the order of their keys."""
    body, (value, state, miss) = formulas.body, variables
    yes, no, item = body.fresh("y"), body.fresh("w"), body.fresh("c")
    unseen, lacks = body.fresh("s"), body.fresh("m")
    body.add(f"byte {yes} = 0, {no} = 0, {unseen} = 0; names {lacks} = 0;")
    with body.block(_loop(node.child, row, item)):
        doubt = (
            f"if (!{decided}) {{ {yes} = {no} = 1; {state} = most({state}, 1); {miss} |= {item}->doubt; }}"
        )
        where, outcome = _counts(formulas, node, item, state, doubt)
        body.add(f"if ({decided}) continue;")
        body.add(
            f"if ({outcome.state}) {yes} = {no} = 1; else if ({outcome.value}) {yes} = 1; else {no} = 1;"
        )
        body.add(f"{decided} = !(({where.state}) || ({outcome.state}));")
        body.add(
            f"if (!{decided}) {{ {state} = most({state}, 1); "
            f"{miss} |= (({where.state}) ? {where.miss} : 0) | (({outcome.state}) ? {outcome.miss} : 0); }}"
        )
    _counted(formulas, node.child, row, unseen, lacks)
    body.add(
        f"if (!{decided}) {{ {no} = 1; if ({unseen}) {{ {yes} = 1; {state} = most({state}, 1); {miss} |= {lacks}; }} }}"
    )
    body.add(f"if ({state} != 3 && {yes} != {no}) {{ {state} = 0; {value} = {yes}; }}")


def _item(
    formulas: Formulas, node: Aggregate, item: str, variables: tuple[str, str, str], seen: tuple[str, str],
    shared: tuple[str, str],
) -> None:  # fmt: skip
    """One child: nothing where the filter is false, its value, or an unknown."""
    value, state, miss = variables
    count, decided = seen
    body, out = formulas.body, c_type(node.type)
    where, outcome = _counts(
        formulas, node, item, state, f"{state} = most({state}, 1); {miss} |= {item}->doubt;"
    )
    if node.kind in ("some", "every"):  # whether it counts or not, its neutral value changes nothing
        body.add(f"if (!({outcome.state}) && {neutral(node, outcome)}) continue;")
    with body.block(f"if (({where.state}) == 1 || ({outcome.state}) == 1 || {shared[0]}) {{"):
        body.add(f"{state} = most({state}, 1); {miss} |= {shared[1]};")
        body.add(
            f"{miss} |= (({where.state}) == 1 ? {where.miss} : 0) | (({outcome.state}) == 1 ? {outcome.miss} : 0); continue;"
        )
    scaled = outcome.value
    if node.body is not None and node.kind in ("sum", "min", "max"):
        scaled = formulas.rescaled(outcome, node.body.type, scale_of(node.type), out)
    match node.kind:
        case "sum":
            body.add(f"{value} += {scaled};")
        case "min" | "max":
            body.add(f"{value} = {count} ? {node.kind}_{out}({value}, {scaled}) : {scaled};")
        case "some":
            body.add(f"if ({outcome.value}) {decided} = 1;")
        case "every":
            body.add(f"if (!({outcome.value})) {decided} = 1;")
        case "count" | "first":
            pass
    body.add(f"{count}++;")
