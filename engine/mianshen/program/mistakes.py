"""Every mistake the program room can find: one constructor each, its code never reused."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from mianshen.source import Diagnostic, Message, Span, nearest


def _mistake(code: str, span: Span, what: tuple[str, str], fix: tuple[str, str]) -> Diagnostic:
    """`what` and `fix` as (English, Chinese)."""
    return Diagnostic(code, span, Message(en=what[0], zh=what[1]), Message(en=fix[0], zh=fix[1]))


def _perhaps(name: str, known: Iterable[str], otherwise: tuple[str, str]) -> tuple[str, str]:
    near = nearest(name, known)
    return otherwise if near is None else (f"Did you mean {near!r}?", f"是否应为 {near}？")


def unknown_name(span: Span, name: str, known: Iterable[str]) -> Diagnostic:
    other = ("Declare it in the vocabulary or the parameters", "请先在词汇表或参数中声明")
    return _mistake("E301", span, (f"unknown name {name!r}", f"未知的名称 {name}"), _perhaps(name, known, other))


def elsewhere(span: Span, name: str, entity: str) -> Diagnostic:
    return _mistake(
        "E302",
        span,
        (f"{name!r} belongs to the {entity}, not to this row", f"{name} 属于 {entity}，不在本行"),
        (f"Write {entity}.{name}", f"请写作 {entity}.{name}"),
    )


def wrong_type(span: Span, wanted: tuple[str, str], got: tuple[str, str]) -> Diagnostic:
    return _mistake(
        "E303",
        span,
        (f"{wanted[0]} is wanted here, not {got[0]}", f"此处应为{wanted[1]}，而不是{got[1]}"),
        ("Change the expression so that the types agree", "请修改表达式使类型一致"),
    )


def not_comparable(span: Span, left: tuple[str, str], right: tuple[str, str]) -> Diagnostic:
    return _mistake(
        "E304",
        span,
        (f"{left[0]} cannot be compared with {right[0]}", f"{left[1]}不能与{right[1]}比较"),
        ("Compare values of one type", "请比较同一类型的值"),
    )


def unknown_code(span: Span, code: str, codes: str, known: Iterable[str]) -> Diagnostic:
    known = list(known)
    other = (f"Use one of: {', '.join(known)}", f"可用：{'、'.join(known)}")
    what = (f"{code!r} is not in the code list {codes}", f"代码表 {codes} 中没有 {code}")
    return _mistake("E305", span, what, _perhaps(code, known, other))


def too_precise(span: Span, precision: int) -> Diagnostic:
    return _mistake(
        "E306",
        span,
        (f"the value needs {precision} digits, more than 38", f"该值需要 {precision} 位数字，超过 38 位"),
        ("Round an intermediate value or narrow the facts' min and max", "请对中间结果取整或收窄事实的范围"),
    )


def loose_quotient(span: Span) -> Diagnostic:
    return _mistake(
        "E307",
        span,
        ("a quotient may stand only inside a rounding, or be a whole money decision", "商只能出现在取整函数中，或作为金额决定的整体"),
        ("Write round half up(a / b, 2), or multiply instead of dividing", "请写作 round half up(a / b, 2)，或改为乘法"),
    )


def wrong_arguments(span: Span, name: str, usage: str) -> Diagnostic:
    return _mistake("E308", span, (f"wrong arguments for {name!r}", f"{name} 的参数不对"), (f"Write {usage}", f"请写作 {usage}"))


def unknown_function(span: Span, name: str, known: Iterable[str]) -> Diagnostic:
    known = list(known)
    other = (f"The functions are: {', '.join(known)}", f"可用函数：{'、'.join(known)}")
    return _mistake("E309", span, (f"unknown function {name!r}", f"未知的函数 {name}"), _perhaps(name, known, other))


def not_constant(span: Span, what: tuple[str, str]) -> Diagnostic:
    return _mistake("E310", span, (f"{what[0]} must be a constant", f"{what[1]}必须是常量"), ("Write a literal", "请写成字面值"))


def bad_literal(span: Span, text: str, wanted: tuple[str, str]) -> Diagnostic:
    return _mistake(
        "E311", span, (f"{text!r} is not {wanted[0]}", f"{text} 不是{wanted[1]}"), (f"Write {wanted[0]}", f"请写{wanted[1]}")
    )


def cycle(span: Span, names: list[str]) -> Diagnostic:
    chain = " -> ".join(names)
    return _mistake(
        "E312",
        span,
        (f"decisions depend on each other in a circle: {chain}", f"决定循环依赖：{chain}"),
        ("Break the circle; for earlier claims use year to date(accumulator)", "请打破循环；引用较早的就诊请用 year to date"),
    )


def unknown_reference(span: Span, kind: tuple[str, str], name: str, known: Iterable[str]) -> Diagnostic:
    known = list(known)
    other = (f"Known: {', '.join(known) or 'none'}", f"已有：{'、'.join(known) or '无'}")
    what = (f"unknown {kind[0]} {name!r}", f"未知的{kind[1]} {name}")
    return _mistake("E313", span, what, _perhaps(name, known, other))


def bad_type(span: Span, written: str, known: Iterable[str]) -> Diagnostic:
    known = list(known)
    other = (f"Types: {', '.join(known)}", f"类型：{'、'.join(known)}")
    return _mistake("E314", span, (f"unknown type {written!r}", f"未知的类型 {written}"), _perhaps(written, known, other))


def bad_series(span: Span, problem: tuple[str, str]) -> Diagnostic:
    return _mistake("E315", span, problem, ("Give each day at most one value, by rising dates", "每一天至多一个值，按日期先后排列"))


def never_applies(span: Span, name: str) -> Diagnostic:
    found = _mistake(
        "E316",
        span,
        (f"provision {name!r} can never apply", f"条款 {name} 永远不会适用"),
        ("Check its condition, dates and area for a contradiction", "请检查其条件、日期和地区是否矛盾"),
    )
    return replace(found, severity="warning")


def overlap(span: Span, name: str, other: str, where: Span) -> Diagnostic:
    found = _mistake(
        "E317",
        span,
        (f"rows {name!r} and {other!r} of a unique table can apply together", f"唯一命中表的 {name} 与 {other} 可能同时适用"),
        ("Make their cells disjoint, or choose another hit policy", "请使单元格互斥，或更换命中策略"),
    )
    return replace(found, also=((where, Message(zh="另一行在此", en="the other row is here")),))


def gap(span: Span, name: str, after: str, before: str) -> Diagnostic:
    found = _mistake(
        "E318",
        span,
        (f"parameter {name!r} has no value from {after} to {before}", f"参数 {name} 在 {after} 至 {before} 没有值"),
        ("Add a value for those days", "请补充这段时间的值"),
    )
    return replace(found, severity="warning")


def past_review(span: Span, name: str, review_by: str) -> Diagnostic:
    found = _mistake(
        "E319",
        span,
        (f"the value of {name!r} was to be reviewed by {review_by}", f"参数 {name} 的值应在 {review_by} 前复核"),
        ("Check the figure and move review_by", "请核对数值并更新 review_by"),
    )
    return replace(found, severity="warning")


def wrong_cells(span: Span, wanted: int, got: int) -> Diagnostic:
    return _mistake(
        "E320", span, (f"the row has {got} cells, the table {wanted} inputs", f"该行有 {got} 个单元格，而表有 {wanted} 个输入"),
        ("Give one cell for each input, '-' for any", "每个输入一个单元格，任意值写 -"),
    )  # fmt: skip


def misplaced(span: Span, what: tuple[str, str], fix: tuple[str, str]) -> Diagnostic:
    return _mistake("E321", span, what, fix)


def unnamed_items(span: Span, name: str) -> Diagnostic:
    return _mistake(
        "E322",
        span,
        (f"{name!r} is a collection, not a value", f"{name} 是一组记录，不是一个值"),
        (f"Write sum({name}.x), count({name}[…]) or some c in {name} satisfies …", f"请写作 sum({name}.x)、count({name}[…]) 等"),
    )


def no_header(span: Span) -> Diagnostic:
    return _mistake("E323", span, ("no file has a 'rulebook:' section", "没有任何文件含有 rulebook 部分"),
                    ("Add rulebook: {name: …, title: …} to one file", "请在一个文件中加入 rulebook: {name: …, title: …}"))  # fmt: skip


def unused_provision_limit(span: Span, accumulator: str, sums: str) -> Diagnostic:
    return _mistake(
        "E324",
        span,
        (f"accumulator {accumulator!r} sums {sums!r}, another decision", f"累计 {accumulator} 汇总的是 {sums}，不是本决定"),
        ("Name an accumulator that sums this decision", "请引用汇总本决定的累计"),
    )


def out_of_range(span: Span, low: str, high: str) -> Diagnostic:
    return _mistake("E325", span, (f"the value lies outside {low} to {high}", f"数值超出 {low} 至 {high}"),
                    ("Correct the value or the declared range", "请更正数值或声明的范围"))  # fmt: skip


def no_area(span: Span, entity: str) -> Diagnostic:
    return _mistake("E326", span, (f"a {entity} has no area to test a jurisdiction on", f"{entity} 没有可判断地区的事实"),
                    ("Move the provision to an entity with an area, or drop 'area'", "请将条款移到有地区的实体，或去掉 area"))  # fmt: skip
