"""Every mistake the program room can find: a constructor each, its code never reused.

In: the place, the names concerned. Out: a `Diagnostic` in both languages.
Invariants: codes E301 to E399, each with one meaning; words are `Message(zh, en)`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from mianshen.places import nearest_places, shown_place
from mianshen.source import Diagnostic, Message, Span, nearest

MOST_LISTED = 12  # names in one sentence


def _warning(code: str, span: Span, what: Message, fix: Message) -> Diagnostic:
    return Diagnostic(code, span, what, fix, severity="warning")


def _listed(names: Iterable[str]) -> Message:
    names = list(names)
    more = Message("等", ", …") if len(names) > MOST_LISTED else Message("", "")
    shown = names[:MOST_LISTED]
    return Message("、".join(shown) + more.zh, ", ".join(shown) + more.en)


def _perhaps(name: str, known: Iterable[str], otherwise: Message) -> Message:
    near = nearest(name, known)
    return otherwise if near is None else Message(f"也许想写 {near}", f"Perhaps {near} is meant")


def _known(name: str, known: Iterable[str]) -> Message:
    known = list(known)
    names = _listed(known)
    if not known:
        return Message("请先定义它", "Define it first")
    return _perhaps(name, known, Message(f"可用：{names.zh}", f"Known are: {names.en}"))


# -- formulas ----------------------------------------------------------------------------------------


def unknown_name(span: Span, name: str, known: Iterable[str]) -> Diagnostic:
    other = Message("请先在词汇表或参数中声明", "Declare it in the vocabulary or the parameters")
    what = Message(f"未知的名称 {name}", f"unknown name {name}")
    return Diagnostic("E301", span, what, _perhaps(name, known, other))


def elsewhere(span: Span, name: str, entity: str) -> Diagnostic:
    what = Message(f"{name} 属于 {entity}，不在本行", f"{name} belongs to the {entity}, not to this row")
    return Diagnostic("E302", span, what, Message(f"请写作 {entity}.{name}", f"Write {entity}.{name}"))


def wrong_type(span: Span, wanted: Message, got: Message) -> Diagnostic:
    what = Message(f"此处应为{wanted.zh}，而不是{got.zh}", f"{wanted.en} is wanted here, not {got.en}")
    return Diagnostic("E303", span, what, Message("请使类型一致", "Make the types agree"))


def not_comparable(span: Span, left: Message, right: Message) -> Diagnostic:
    what = Message(f"{left.zh}不能与{right.zh}比较", f"{left.en} cannot be compared with {right.en}")
    return Diagnostic("E304", span, what, Message("请比较同一类型的值", "Compare values of one type"))


def not_ordered(span: Span, kind: Message) -> Diagnostic:
    what = Message(f"{kind.zh}没有大小先后", f"{kind.en} has no order")
    fix = Message("请用 =、!= 或 in 比较", "Compare it with =, != or in")
    return Diagnostic("E304", span, what, fix)


def not_bounded(span: Span, kind: str) -> Diagnostic:
    what = Message(f"{kind} 类型没有 min 和 max", f"a {kind} has no min or max")
    return Diagnostic("E342", span, what, Message("请删去它，或更改类型", "Leave it out, or change the type"))


def not_formatted(span: Span, kind: str) -> Diagnostic:
    what = Message(f"{kind} 类型没有 format", f"a {kind} has no format")
    return Diagnostic("E359", span, what, Message("请删去它，或改为 text", "Leave it out, or make it text"))


def unknown_code(span: Span, code: str, codes: str, known: Iterable[str]) -> Diagnostic:
    what = Message(f"代码表 {codes} 中没有“{code}”", f'"{code}" is not in the code list {codes}')
    return Diagnostic("E305", span, what, _known(code, known))


def too_precise(span: Span, precision: int) -> Diagnostic:
    what = Message(
        f"该值需要 {precision} 位数字，超过 38 位", f"the value needs {precision} digits, more than 38"
    )
    fix = Message(
        "请对中间结果取整或收窄事实的范围",
        "Round an intermediate value or narrow the facts' min and max",
    )
    return Diagnostic("E306", span, what, fix)


def loose_quotient(span: Span) -> Diagnostic:
    what = Message(
        "商只能出现在取整函数中，或作为金额决定的整体",
        "a quotient may stand only inside a rounding, or be a whole money decision",
    )
    fix = Message(
        "请写作 round half up(a / b, 2)，或改用乘法", "Write round half up(a / b, 2), or multiply instead"
    )
    return Diagnostic("E307", span, what, fix)


def wrong_arguments(span: Span, name: str, usage: str) -> Diagnostic:
    what = Message(f"{name} 的参数不对", f"wrong arguments for {name}")
    return Diagnostic("E308", span, what, Message(f"请写作 {usage}", f"Write {usage}"))


def unknown_function(span: Span, name: str, known: Iterable[str]) -> Diagnostic:
    what = Message(f"未知的函数 {name}", f"unknown function {name}")
    return Diagnostic("E309", span, what, _known(name, known))


def not_constant(span: Span, what: Message) -> Diagnostic:
    said = Message(f"{what.zh}必须是常量", f"{what.en} must be a constant")
    return Diagnostic("E310", span, said, Message("请写成字面值", "Write it as a literal"))


def bad_literal(span: Span, text: str, wanted: Message) -> Diagnostic:
    what = Message(f"“{text}”不是{wanted.zh}", f'"{text}" is not {wanted.en}')
    return Diagnostic("E311", span, what, Message(f"请写{wanted.zh}", f"Write {wanted.en}"))


def unknown_place(span: Span, text: str) -> Diagnostic:
    what = Message(f"“{text}”不在现行行政区划中", f'"{text}" is no area of today')
    near = nearest_places(text)
    fix = Message("请写行政区划代码或全称", "Write the code or the full name of one")
    if near:
        fix = Message(
            f"也许指{'、'.join(map(shown_place, near))}",
            f"Perhaps {' or '.join(shown_place(code, 'en') for code in near)} is meant",
        )
    return Diagnostic("E311", span, what, fix)


def cycle(span: Span, names: list[str]) -> Diagnostic:
    chain = " -> ".join(names)
    what = Message(f"决定循环依赖：{chain}", f"decisions depend on each other in a circle: {chain}")
    fix = Message(
        "请打破循环；引用较早的就诊请用 year to date",
        "Break the circle; for earlier claims use year to date(accumulator)",
    )
    return Diagnostic("E312", span, what, fix)


def unnamed_items(span: Span, name: str) -> Diagnostic:
    what = Message(f"{name} 是一组记录，不是一个值", f"{name} is a collection, not a value")
    fix = Message(
        f"请写作 sum({name}.x)、count({name}) 或 some c in {name} satisfies …",
        f"Write sum({name}.x), count({name}) or some c in {name} satisfies …",
    )
    return Diagnostic("E322", span, what, fix)


def special_parameter(span: Span, name: str, usage: str) -> Diagnostic:
    what = Message(f"参数 {name} 不是单个的值", f"parameter {name} is not a single value")
    return Diagnostic("E341", span, what, Message(f"请写作 {usage}", f"Write {usage}"))


def too_many_decimals(span: Span, got: int, allowed: int) -> Diagnostic:
    what = Message(
        f"该值有 {got} 位小数，此处只容 {allowed} 位",
        f"the value has {got} decimals, and only {allowed} fit here",
    )
    usage = f"round half up(x, {allowed})"
    return Diagnostic("E329", span, what, Message(f"请取整：{usage}", f"Round it: {usage}"))


def dates_subtracted(span: Span) -> Diagnostic:
    what = Message("日期与日期相减", "a date is subtracted from a date")
    fix = Message("请写作 days between(较早, 较晚)", "Write days between(earlier, later)")
    return Diagnostic("E331", span, what, fix)


def date_arithmetic(span: Span) -> Diagnostic:
    what = Message("日期只能与时长相加减", "dates take only + and - with a duration")
    fix = Message('请写作 日期 + duration("P1M")', 'Write date + duration("P1M")')
    return Diagnostic("E331", span, what, fix)


def loose_duration(span: Span) -> Diagnostic:
    what = Message("时长不能单独使用", "a duration cannot stand alone")
    return Diagnostic("E332", span, what, Message("请与日期相加减", "Add it to a date, or subtract it"))


def loose_list(span: Span) -> Diagnostic:
    what = Message("列表不能单独使用", "a list cannot stand alone")
    return Diagnostic("E332", span, what, Message("请用在 in 之后", "Use it after 'in'"))


# -- the vocabulary and the figures -----------------------------------------------------------------


def unknown_reference(span: Span, kind: Message, name: str, known: Iterable[str]) -> Diagnostic:
    what = Message(f"未知的{kind.zh} {name}", f"unknown {kind.en} {name}")
    return Diagnostic("E313", span, what, _known(name, known))


def bad_type(span: Span, written: str, known: Iterable[str]) -> Diagnostic:
    what = Message(f"未知的类型 {written}", f"unknown type {written}")
    return Diagnostic("E314", span, what, _known(written, known))


def bad_series(span: Span, problem: Message) -> Diagnostic:
    fix = Message("每一天至多一个值", "Give each day at most one value")
    return Diagnostic("E315", span, problem, fix)


def name_taken(span: Span, name: str, meaning: Message) -> Diagnostic:
    what = Message(f"{name} 已是{meaning.zh}", f"{name} is already {meaning.en}")
    return Diagnostic("E321", span, what, Message("请另取名称", "Give it another name"))


def no_header(span: Span) -> Diagnostic:
    what = Message("没有任何文件含有 rulebook 部分", "no file has a 'rulebook:' section")
    fix = Message(
        "请在一个文件中加入 rulebook: {name: …, title: …}",
        "Add rulebook: {name: …, title: …} to one file",
    )
    return Diagnostic("E323", span, what, fix)


def out_of_range(span: Span, value: str, low: str, high: str) -> Diagnostic:
    what = Message(f"{value} 不在 {low} 至 {high} 之间", f"{value} does not lie between {low} and {high}")
    return Diagnostic("E325", span, what, Message("请更正数值或范围", "Correct the value or the range"))


def no_basis(span: Span) -> Diagnostic:
    fix = Message("请写 basis: cited、provisional 或 missing", "Write basis: cited, provisional or missing")
    return Diagnostic("E333", span, Message("该数字没有依据", "the figure has no basis"), fix)


def basis_and_value(span: Span) -> Diagnostic:
    what = Message(
        "依据为 missing 的数字没有值，其余必须有值",
        "a figure whose basis is missing has no value, and every other has one",
    )
    return Diagnostic("E333", span, what, Message("请更正 basis 或 value", "Correct the basis or the value"))


def uncited(span: Span, kind: Message) -> Diagnostic:
    what = Message(f"{kind.zh}须注明来源和条目", f"{kind.en} needs a source and a clause")
    fix = Message(
        "请补充 source 和 clause，或写在 defaults 中",
        "Add source and clause, or give them under defaults",
    )
    return Diagnostic("E328", span, what, fix)


def brackets_fall(span: Span) -> Diagnostic:
    what = Message("分段须从零或以上递增且不重复", "brackets rise from zero or more, each once")
    return Diagnostic("E334", span, what, Message("请按 over 递增排列", "Order the brackets by 'over'"))


def same_spelling(span: Span, spelling: str, code: str, other: str) -> Diagnostic:
    what = Message(
        f"“{spelling}”既可指 {other}，又可指 {code}", f'"{spelling}" could mean {other} as well as {code}'
    )
    return Diagnostic("E340", span, what, Message("请修改其中一个标签", "Change one of the labels"))


def entities_in_circle(span: Span, names: list[str]) -> Diagnostic:
    chain = " -> ".join(names)
    what = Message(f"实体互为上级：{chain}", f"entities are each other's parents: {chain}")
    return Diagnostic("E338", span, what, Message("请去掉其中一个 parent", "Take one 'parent' out"))


def check_reads(span: Span, name: str) -> Diagnostic:
    what = Message(
        f"检查只读取本行的事实，而 {name} 不是",
        f"a check reads only facts of its own row, and {name} is none",
    )
    return Diagnostic("E337", span, what, Message("请只比较本行的事实", "Compare facts of the row"))


# -- provisions, tables, accumulators ---------------------------------------------------------------


def never_applies(span: Span, name: str) -> Diagnostic:
    what = Message(f"条款 {name} 永远不会适用", f"provision {name} can never apply")
    fix = Message(
        "请检查其条件、日期和地区是否矛盾", "Check its condition, dates and area for a contradiction"
    )
    return _warning("E316", span, what, fix)


def overlap(span: Span, name: str, other: str, where: Span) -> Diagnostic:
    what = Message(
        f"唯一命中表的 {other} 与 {name} 可能同时适用",
        f"rows {other} and {name} of a unique table can apply together",
    )
    fix = Message("请使单元格互斥，或更换命中策略", "Make their cells disjoint, or choose another hit policy")
    also = ((where, Message(zh="另一行在此", en="the other row is here")),)
    return replace(Diagnostic("E317", span, what, fix), also=also)


def gap(span: Span, name: str, after: str, before: str) -> Diagnostic:
    what = Message(
        f"参数 {name} 在 {after} 至 {before} 没有值",
        f"parameter {name} has no value from {after} to {before}",
    )
    return _warning("E318", span, what, Message("请补充这段时间的值", "Add a value for those days"))


def past_review(span: Span, name: str, review_by: str) -> Diagnostic:
    what = Message(
        f"参数 {name} 的值应在 {review_by} 前复核",
        f"the value of {name} was to be reviewed by {review_by}",
    )
    fix = Message("请核对数值并更新 review_by", "Check the figure and move review_by")
    return _warning("E319", span, what, fix)


def wrong_cells(span: Span, wanted: int, got: int) -> Diagnostic:
    what = Message(
        f"该行有 {got} 个单元格，而表有 {wanted} 个输入",
        f"the row has {got} cells, the table {wanted} inputs",
    )
    fix = Message("每个输入一个单元格，任意值写 -", "Give one cell for each input, '-' for any")
    return Diagnostic("E320", span, what, fix)


def other_decision(span: Span, accumulator: str, sums: str) -> Diagnostic:
    what = Message(
        f"累计 {accumulator} 汇总的是 {sums}，不是本决定",
        f"accumulator {accumulator} sums {sums}, which is not this decision",
    )
    fix = Message("请引用汇总本决定的累计", "Name an accumulator that sums this decision")
    return Diagnostic("E324", span, what, fix)


def no_area(span: Span, entity: str) -> Diagnostic:
    what = Message(f"{entity} 没有可判断地区的事实", f"a {entity} has no area to test a jurisdiction on")
    fix = Message(
        "请将条款移到有地区的实体，或去掉 area",
        "Move the provision to an entity with an area, or leave 'area' out",
    )
    return Diagnostic("E326", span, what, fix)


def ambiguous_decision(span: Span, name: str, entities: list[str]) -> Diagnostic:
    what = Message(
        f"{'、'.join(entities)} 都有决定 {name}", f"{' and '.join(entities)} each have a decision {name}"
    )
    return Diagnostic("E327", span, what, Message("请同时写明 entity", "Write entity: as well"))


def limit_in_chosen(span: Span) -> Diagnostic:
    what = Message("只有唯一命中的表的行可设限额", "only the rows of a unique table take a limit")
    return Diagnostic("E330", span, what, Message("请用 hit_policy: unique", "Use hit_policy: unique"))


def bad_exception(span: Span, name: str, problem: Message) -> Diagnostic:
    what = Message(f"{name} {problem.zh}", f"{name} {problem.en}")
    fix = Message(
        "请引用同一决定中可能同时适用的其他条款",
        "Name another provision of the same decision that may apply at the same time",
    )
    return Diagnostic("E335", span, what, fix)


def exceptions_in_circle(span: Span, names: list[str]) -> Diagnostic:
    chain = " -> ".join(names)
    what = Message(f"条款互为例外：{chain}", f"provisions are each other's exceptions: {chain}")
    return Diagnostic("E336", span, what, Message("请去掉其中一个 exception_to", "Take one exception_to out"))


def undated(span: Span, entity: str) -> Diagnostic:
    what = Message(
        f"累计按上级和日期进行，而 {entity} 缺少其一",
        f"an accumulator adds up by parent and date, and a {entity} lacks one of them",
    )
    fix = Message("请为该实体写明 parent 和 date", "Give the entity a parent and a date")
    return Diagnostic("E339", span, what, fix)


# -- the calendar ------------------------------------------------------------------------------------


def bad_year(span: Span, name: str) -> Diagnostic:
    what = Message(f"日历中的“{name}”不是年份", f'"{name}" in the calendar is not a year')
    return Diagnostic("E343", span, what, Message("请写四位年份，如 2026", "Write a year such as 2026"))


def years_apart(span: Span, earlier: int, later: int) -> Diagnostic:
    what = Message(
        f"日历的 {earlier} 年与 {later} 年不相连", f"the calendar's years {earlier} and {later} do not meet"
    )
    fix = Message("请补上其间的年份，或删去不相连的年份", "Add the years between them, or leave one side out")
    return Diagnostic("E344", span, what, fix)


def bad_calendar_day(span: Span, text: str, year: int, is_day: bool, worked: bool) -> Diagnostic:
    """`text` is no day of the year, or is worked (off) already."""
    if not is_day:
        what = Message(f"{year} 年没有“{text}”这一天", f'there is no day "{text}" in {year}')
        return Diagnostic(
            "E345", span, what, Message("请写月-日，如 01-31", "Write a month and day, as 01-31")
        )
    already = Message("本来就上班", "is worked anyway") if worked else Message("本来就休息", "is off anyway")
    what = Message(f"{year} 年 {text} {already.zh}", f"{text} of {year} {already.en}")
    fix = Message(
        "请只列与周一至周五不同的日子，每天一次",
        "List only days that differ from Monday to Friday, each once",
    )
    return Diagnostic("E345", span, what, fix)


def no_calendar(span: Span, function: str) -> Diagnostic:
    what = Message(f"{function} 需要工作日历", f"{function} needs a working-day calendar")
    fix = Message("请在规则库中写明 calendar", "Add a calendar: section to the rulebook")
    return Diagnostic("E346", span, what, fix)


def outside_calendar(span: Span, first: str, last: str) -> Diagnostic:
    what = Message(
        f"日期超出工作日历（{first} 至 {last}）",
        f"the date leaves the working-day calendar, {first} to {last}",
    )
    fix = Message("请改用日历内的日期，或补充日历", "Write a date within it, or add the year to the calendar")
    return Diagnostic("E347", span, what, fix)


def calendar_ends(span: Span, last: str, on: str) -> Diagnostic:
    what = Message(
        f"工作日历止于 {last}，{on} 起的期限可能无法确定",
        f"the working-day calendar ends on {last}: deadlines from {on} may leave it",
    )
    fix = Message("请补充下一年的日历", "Add the next year to the calendar")
    return _warning("E348", span, what, fix)


def not_over_time(span: Span, entity: str, entry: str) -> Diagnostic:
    what = Message(
        f"只有 {entry} 可有多个时段的记录，{entity} 不可",
        f"only a {entry} has rows over time, not a {entity}",
    )
    fix = Message("请去掉 valid_from", "Leave valid_from out")
    return Diagnostic("E353", span, what, fix)


def not_reversible(span: Span, entity: str) -> Diagnostic:
    what = Message(
        f"{entity} 没有上级，无法互相冲销", f"a {entity} has no parent, so none can cancel another"
    )
    fix = Message("请写明 parent，或去掉 reverses", "Give the entity a parent, or leave reverses out")
    return Diagnostic("E354", span, what, fix)


def settled_twice(span: Span, decision: str, one: str, two: str) -> Diagnostic:
    what = Message(f"{one} 和 {two} 都是 {decision} 的实付金额", f"{one} and {two} both settle {decision}")
    return Diagnostic("E355", span, what, Message("请只保留一个", "Keep one of them"))


def reserved_name(span: Span, name: str | None, meaning: Message) -> Diagnostic:
    """A name that results use for themselves."""
    what = Message(f"{name} 已用作{meaning.zh}", f"{name} is {meaning.en} already")
    return Diagnostic("E356", span, what, Message("请换一个名称", "Choose another name"))


def never_given(span: Span, name: str) -> Diagnostic:
    """A decision that a formula reads and that no provision gives a value."""
    what = Message(
        f"这里读取 {name}，但没有条款给出它的值", f"{name} is read here, and no provision gives it a value"
    )
    fix = Message("请写一条给出它的条款，或不要读取它", "Write a provision for it, or do not read it")
    return _warning("E357", span, what, fix)


def other_day(span: Span, parameter: str, through: str, day: str) -> Diagnostic:
    """A figure that changes over time, read through an undated row by a dated one."""
    what = Message(
        f"经 {through} 读取的 {parameter} 取核定日的数值，不取 {day} 的",
        f"{parameter}, read through {through}, has the value of the decision date here, not that of {day}",
    )
    fix = Message(
        f"如应按 {day} 取值，请在这里直接读取该参数",
        f"If the value of {day} is meant, read the parameter here",
    )
    return _warning("E358", span, what, fix)


# -- the list of clauses -----------------------------------------------------------------------------


def clause_twice(span: Span, source: str, clause: str) -> Diagnostic:
    what = Message(f"{source} {clause} 列了两次", f"{source} {clause} is listed twice")
    return Diagnostic("E349", span, what, Message("请只保留一处", "Keep one of them"))


def not_answered(span: Span, source: str, clause: str) -> Diagnostic:
    what = Message(f"{source} {clause} 没有着落", f"nothing answers {source} {clause}")
    fix = Message(
        "请写条款引用它，写 answered_by，或在 out_of_scope 说明理由",
        "Cite it in a provision, name what answers it under answered_by, or give the reason in out_of_scope",
    )
    return _warning("E350", span, what, fix)


def not_listed(span: Span, source: str, clause: str) -> Diagnostic:
    what = Message(
        f"{source} {clause} 不在 clauses 清单中", f"{source} {clause} is not in the list of clauses"
    )
    fix = Message("请列入 clauses，或改正所引条款", "Add it to clauses:, or correct the clause cited")
    return _warning("E351", span, what, fix)


def property_broken(span: Span, figure: str, value: str, bound: str, side: str, title: Message) -> Diagnostic:
    low = side == "at_least"
    what = Message(
        f"{figure} 的值 {value} {'低于' if low else '高于'} {bound}，违反“{title.zh}”",
        f"{figure} is {value}, {'below' if low else 'above'} {bound}, against the property: {title.en}",
    )
    return Diagnostic("E360", span, what, Message("请更正该数值", "Correct the figure"))
