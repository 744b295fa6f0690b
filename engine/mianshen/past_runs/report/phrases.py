"""The words of a report that do not come from the rulebook, in both languages.

In: nothing. Out: `Message`s; `labels` gives the headings the template asks for by name.
"""

from __future__ import annotations

from typing import Final

from mianshen.source import Lang, Message

STAGES: Final = {
    "read": Message("读取与校验", "read and check"),
    "decide": Message("核定并写出", "decide and write"),
    "write": Message("写出结果", "write"),
    "seal": Message("摘要与清单", "digests and receipt"),
}
REASONS: Final = {
    "bad_number": Message("不是数", "not a number"),
    "too_many_decimals": Message("小数位过多", "too many decimals"),
    "out_of_range": Message("超出允许范围", "out of range"),
    "bad_date": Message("不是日期", "not a date"),
    "bad_code": Message("不是已知的代码", "not a known code"),
    "bad_area": Message("不是一个行政区划", "names no area"),
    "bad_boolean": Message("不是真假值", "not true or false"),
    "empty": Message("只有空白", "nothing but blanks"),
    "required": Message("缺少必填项", "required and missing"),
    "duplicate": Message("编号重复", "a number that comes twice"),
    "other_parent": Message("属于另一个人或家庭", "belongs to another person or household"),
    "after_as_of": Message("日期晚于核定日", "dated after the decision date"),
    "failed_check": Message("不合词汇表的校验", "fails a check of the vocabulary"),
    "unknown_parent": Message("所属的人或家庭不在文件中", "its person or household is in no file"),
    "parent_rejected": Message("所属的人或家庭被退回", "its person or household is rejected"),
    "conflict": Message("两条规定同时适用", "two provisions apply at once"),
    "no_figure": Message("所需数值当日没有取值", "a figure has no value for the day"),
    "past_review": Message("所需数值已过复核期限", "a figure is past its review date"),
    "division_by_zero": Message("除数为零", "division by zero"),
    "overflow": Message("数值过大", "a value too large to hold"),
    "nothing_to_compare": Message("没有可取最大或最小的值", "no value to take the largest or smallest of"),
    "undecidable": Message("无法核定", "cannot be decided"),
    "reverses_nothing": Message("所冲销的费用不存在", "reverses no claim of that person"),
    "already_reversed": Message("该费用已被冲销", "that claim is reversed already"),
    "bad_identity_number": Message("不是居民身份证号码", "no resident identity number"),
    "spoilt_number": Message(
        "编号被电子表格写坏（1E+17、#N/A）", "a number that a spreadsheet spoilt (1E+17, #N/A)"
    ),
    "invisible_character": Message("编号中有不可见字符", "a key with an invisible character inside it"),
    "total_row": Message("合计行，不是记录", "a row of totals, not a record"),
    "history_unreadable": Message("生效日期无法读取", "the dates of the person's rows cannot be read"),
}
UNKNOWN_AREA: Final = Message("参保地未知", "area unknown")
REJECTED: Final = Message("被退回的{title}", "a rejected {title}")

LEFT_OUT: Final = Message("另有 {count} 条待定，未计入", "{count} undetermined rows are left out")
_LABELS: Final = {
    "title": Message("批量核定报告", "Report on a batch"),
    "day": Message("核定日", "decision date"),
    "rulebook": Message("规则库", "rulebook"),
    "due_any": Message("至少符合一项", "due at least one benefit"),
    "amount_due": Message("待遇金额合计（元）", "amounts due (yuan)"),
    "rejected": Message("退回记录", "rejects"),
    "records": Message("记录", "Records"),
    "record": Message("记录", "records"),
    "read": Message("读取", "read"),
    "decided": Message("核定", "decided"),
    "rejects": Message("退回", "rejected"),
    "aside": Message("冲销或当日未生效", "cancelled, or not in force"),
    "benefits": Message("各项待遇", "Benefits"),
    "benefit": Message("待遇", "benefit"),
    "planned": Message("计划中的待遇", "Planned benefits"),
    "planned_note": Message(
        "尚未施行，本次核定没有作出结论，不计入上表；用调整方案启用后才核定。",
        "Not in force: this run decided nothing about them, and the table leaves them out. An overlay may switch them on.",
    ),
    "delivery": Message("方式", "delivery"),
    "amount": Message("金额（元）", "amount (yuan)"),
    "places": Message("各地情况", "By jurisdiction"),
    "places_note": Message(
        "按参保地代码（GB/T 2260）前两位（省）和前四位（市）汇总；展开可看各市各项待遇。",
        "By the first two digits (province) and four (prefecture) of the area of insurance; open one to see its benefits.",
    ),
    "place": Message("参保地", "area"),
    "kinds": Message("费用等记录", "Rows"),
    "status": Message("结论", "answer"),
    "count": Message("条数", "count"),
    "layer": Message("项目", "layer"),
    "ratios": Message("政策范围内住院支付比例", "Share of the in-scope cost of stays that was paid"),
    "ratios_note": Message(
        "参保状态正常者已核定的住院费用：基本医保、补充和大病支付之和占政策范围内费用的比例；竖线为规划目标。目标是结果指标，不是支付比例。",
        "Decided stays of people with active coverage: basic, supplementary and critical-illness payments as a share of "
        "the in-scope cost; the mark is the published target, which is an outcome aimed at and no rate.",
    ),
    "scheme": Message("险种", "scheme"),
    "stays": Message("住院次数", "stays"),
    "cost": Message("政策范围内费用（元）", "in-scope cost (yuan)"),
    "share": Message("医保支付比例", "paid by insurance"),
    "share_assisted": Message("含医疗救助", "with assistance"),
    "target": Message("目标", "target"),
    "source": Message("出处", "source and clause"),
    "none": Message("没有", "none"),
    "lacks": Message("待定：缺少的事实", "Undetermined, by missing fact"),
    "lack": Message("缺少的事实", "missing fact"),
    "waiting_benefits": Message("待遇", "answers about benefits"),
    "waiting_rows": Message("费用等记录", "rows"),
    "refusals": Message("退回记录", "Rejects"),
    "file": Message("文件", "file"),
    "field": Message("字段", "field"),
    "reason": Message("退回原因", "reason"),
    "changes": Message("与上次相比", "Since the earlier run"),
    "changes_note": Message(
        "上次：核定日 {day}，规则库 {digest}", "Earlier run: decision date {day}, rulebook {digest}"
    ),
    "change": Message("变化", "change"),
    "rules_alone": Message("仅因规则", "By the rules alone"),
    "rules_note": Message(
        "本次的记录按上次的规则库和本次的规则库各核定一次，两者之差；人数、金额和起因与 mianshen compare 相同。",
        "This run's records decided by the earlier rulebook and by this one, and what differs; people, amounts and causes "
        "are those of mianshen compare.",
    ),
    "gained": Message("新增", "gained"),
    "lost": Message("失去", "lost"),
    "left_out": Message("未计入", "left out"),
    "cause": Message("参数或条款", "figure or provision"),
    "clause": Message("依据", "clause"),
    "changed": Message("有变化", "changed"),
    "gain": Message("受益", "gain"),
    "lose": Message("受损", "lose"),
    "paid_more": Message("支付增减（元）", "paid more or less (yuan)"),
    "rules_page": Message("详细测算", "The comparison in full"),
    "difference": Message("金额差（元）", "difference (yuan)"),
    "lists": Message("待办清单", "Lists to work through"),
    "lists_note": Message(
        "每个参保地一个文件夹，CSV（UTF-8）。清单含人员编号，请按规定保管。",
        "A folder for each area of insurance, as CSV (UTF-8). Lists hold numbers of persons: keep them accordingly.",
    ),
    "rows": Message("行数", "rows"),
    "areas": Message("地区数", "areas"),
    "timings": Message("用时", "Timings"),
    "stage": Message("阶段", "stage"),
    "seconds": Message("秒", "seconds"),
    "total": Message("合计", "total"),
    "receipt": Message("运行清单", "Manifest"),
    "inputs": Message("输入文件", "inputs"),
    "digest": Message("摘要值", "digest"),
}


def labels(lang: Lang) -> dict[str, str]:
    """Every heading the template uses, by name."""
    return {name: message.in_(lang) for name, message in _LABELS.items()}
