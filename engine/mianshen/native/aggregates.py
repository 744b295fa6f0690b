"""What child rows come to, as C: several values brought to one.

In: an aggregate, and the formulas that it stands among. Out: `Made`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mianshen.native.c_source import Made, c_type
from mianshen.native.layout import scale_of
from mianshen.program.core import Aggregate

if TYPE_CHECKING:
    from mianshen.native.formula import Formulas


def aggregate(formulas: Formulas, node: Aggregate, row: str) -> Made:
    body, out = formulas.body, c_type(node.type)
    child = formulas.layout.program.entities[node.child]
    value, state, miss = formulas.opened(out)
    aggregate, item = body.fresh("n"), body.fresh("c")
    decided = body.fresh("d")
    body.add(f"word {aggregate} = 0; byte {decided} = 0;")
    if child.counted_by is not None:
        plural = child.children or child.name
        stated = f"{row}->f_{child.counted_by}"
        body.add(
            f"if (!{row}->k_{child.counted_by}) {{ {state} = 1; {miss} |= {formulas.lacking(child.counted_by)}; }} "
            f"else if ({stated} > {row}->end_{child.name} - {row}->begin_{child.name}) "
            f"{{ {state} = 1; {miss} |= {formulas.lacking(plural)}; }}"
        )
    rows = f"at->rows_{child.name}"
    with body.block(
        f"for (struct row_{child.name} *{item} = {rows} + {row}->begin_{child.name}; "
        f"{item} < {rows} + {row}->end_{child.name}; {item}++) {{"
    ):
        _item(formulas, node, item, (value, state, miss), (aggregate, decided))
    if node.kind in ("some", "every"):
        body.add(
            f"if ({decided} && {state} != 3) {{ {state} = 0; {value} = {int(node.kind == 'some')}; }} "
            f"else if (!{state}) {value} = {int(node.kind != 'some')};"
        )
    elif node.kind == "count":
        body.add(f"{value} = {aggregate};")
    elif node.kind in ("min", "max"):
        body.add(f"if (!{state} && !{aggregate}) {state} = 3;")
    body.add(f"if ({state}) {value} = 0;")
    return Made(value, state, miss)


def _item(
    formulas: Formulas, node: Aggregate, item: str, variables: tuple[str, str, str], seen: tuple[str, str]
) -> None:
    """One child: nothing where the filter is false, its value, or an unknown."""
    value, state, miss = variables
    one_item, decided = seen
    body, out = formulas.body, c_type(node.type)
    where = Made("1") if node.where is None else formulas.emit(node.where, node.child, item)
    result = where.state
    left_out = "0" if node.where is None else f"({result}) == 2 || (!({result}) && !({where.value}))"
    body.add(
        f"if ({item}->doubtful) {{ if (!({left_out})) {{ {state} = most({state}, 1); {miss} |= {item}->doubt; }} continue; }}"
    )
    if node.where is not None:
        body.add(f"if (({result}) == 3) {{ {state} = 3; continue; }}")
        body.add(f"if ({left_out}) continue;")
    outcome = Made("1") if node.body is None else formulas.emit(node.body, node.child, item)
    body.add(f"if (({outcome.state}) == 3) {{ {state} = 3; continue; }}")
    body.add(f"if (({outcome.state}) == 2) continue;")
    with body.block(f"if (({result}) == 1 || ({outcome.state}) == 1) {{"):
        body.add(f"{state} = most({state}, 1);")
        body.add(
            f"{miss} |= (({result}) == 1 ? {where.miss} : 0) | (({outcome.state}) == 1 ? {outcome.miss} : 0); continue;"
        )
    scaled = outcome.value
    if node.body is not None and node.kind in ("sum", "min", "max"):
        scaled = formulas.rescaled(outcome, node.body.type, scale_of(node.type), out)
    match node.kind:
        case "sum":
            body.add(f"{value} += {scaled};")
        case "min" | "max":
            body.add(f"{value} = {one_item} ? {node.kind}_{out}({value}, {scaled}) : {scaled};")
        case "some":
            body.add(f"if ({outcome.value}) {decided} = 1;")
        case "every":
            body.add(f"if (!({outcome.value})) {decided} = 1;")
        case "count":
            pass
    body.add(f"{one_item}++;")
