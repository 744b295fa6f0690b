"""The words of the pages, in both languages.

In: a language. Out: texts by name, for templates: `t.save`. Invariant: a name that is not here is an error, not a blank.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Final

from mianshen.closed_sets import Delivery
from mianshen.source import Lang, Message

STATUS: Final = {
    "eligible": Message("符合", "eligible"),
    "ineligible": Message("不符合", "not eligible"),
    "undetermined": Message("待定", "undetermined"),
    "not_modelled": Message("规则未覆盖", "not modelled"),
    "decided": Message("已核定", "decided"),
}
DELIVERY: Final[dict[Delivery, Message]] = {
    "automatic": Message("自动办理", "automatic"),
    "confirm": Message("确认后办理", "on confirmation"),
    "application": Message("申请办理", "on application"),
}
BASIS: Final = {
    "cited": Message("有文号依据", "cited"),
    "provisional": Message("暂定", "provisional"),
    "missing": Message("尚未公布", "not published"),
}
_PAIRS: Final[dict[str, tuple[str, str]]] = {
    "product": ("免申", "Mianshen"),
    "skip": ("跳到正文", "Skip to the content"),
    "pages": ("页面", "Pages"),
    "other_language": ("English", "中文"),
    "counter": ("柜台", "Counter"),
    "cases": ("案卷", "Cases"),
    "runs": ("批次", "Runs"),
    "policy": ("政策", "Policy desk"),
    "sign_in": ("登录", "Sign in"),
    "sign_out": ("退出", "Sign out"),
    "token": ("令牌", "Token"),
    "bad_token": ("令牌不对，请核对后重试", "This is no token that is known. Check it and try again"),
    "not_for_real": (
        "尚不得用于正式核定：部分数值为暂定，结果中逐项标明",
        "Not for real decisions yet: some figures are provisional, and each answer names them",
    ),
    "problem": ("请求未能完成", "The request could not be carried out"),
    "back": ("返回", "Back"),
    # the policy desk
    "figures": ("数值", "Figures"),
    "figure": ("数值", "Figure"),
    "search_figures": ("按名称查找", "Search by name"),
    "value_today": ("今日数值", "Value today"),
    "value": ("数值", "Value"),
    "since": ("自", "Since"),
    "basis": ("依据性质", "Basis"),
    "over_time": ("历次数值", "Values over time"),
    "from": ("起", "From"),
    "until": ("止", "Until"),
    "review_by": ("复核期", "Review by"),
    "change_figure": ("试改这个数值", "Try another value"),
    "draft_clause": ("草案条文（可不填）", "Clause of the draft (may be left out)"),
    "only_as_text": ("这个数值只能以调整方案文本更改", "This figure is changed as an overlay's text alone"),
    "properties": ("规则库声明的性质", "Properties that the rulebook states"),
    "properties_intro": (
        "每条性质由求解器证明或推翻；推翻时给出一个人的核定材料。",
        "A solver proves or refutes each; a refutation is one person's record.",
    ),
    "no_solver": (
        "证明需要 mianshen[proof]，尚未安装",
        "Proofs need mianshen[proof], which is not installed",
    ),
    "prove": ("证明", "Prove"),
    "proved": ("已证明", "Proved"),
    "refuted": ("被推翻", "Refuted"),
    "counterexample": ("反例", "Counterexample"),
    "overlay": ("调整方案", "Overlay"),
    "overlay_text": ("调整方案文本（YAML）", "The overlay as text (YAML)"),
    "try_it": ("试算", "Try it"),
    "download": ("下载调整方案", "Download the overlay"),
    "on_people_of": ("用哪个批次的人群试算", "On the people of which run"),
    "compare_people": ("在人群上比较", "Compare on people"),
    "moved": ("{cases} 个案例中有 {count} 项预期改变", "{count} expectations of {cases} cases move"),
    "a_case": ("案例", "Case"),
    "item": ("项目", "Of"),
    "expected": ("预期", "Expected"),
    "now": ("现行", "Now"),
    "then": ("改动后", "Changed"),
    "because": ("起因", "Because of"),
    "left_out": ("未试：", "Left out:"),
    # past runs
    "run": ("批次", "Run"),
    "rulebook": ("规则库", "Rulebook"),
    "people": ("人数", "People"),
    "no_runs": ("文件夹里没有批次", "The folder holds no runs"),
    "records": ("记录", "Records"),
    "record_kind": ("种类", "Kind"),
    "read": ("读入", "Read"),
    "decided": ("已核定", "Decided"),
    "benefits": ("待遇", "Benefits"),
    "benefit": ("待遇", "Benefit"),
    "amount_yuan": ("金额（元）", "Amount (yuan)"),
    "without_amount": ("（{count} 人金额待定）", "({count} without an amount)"),
    "file": ("文件", "File"),
    "fact": ("事实", "Fact"),
    "reason": ("退回原因", "Reason"),
    "rows": ("行数", "Rows"),
    "row": ("行", "Row"),
    "key": ("编号", "Number"),
    "hint": ("怎么办", "What to do"),
    "none": ("没有", "None"),
    "replay": ("重新核定一人", "Decide one person again"),
    "show": ("查看", "Show"),
    "first_rows": ("前 {count} 行", "The first {count}"),
    "places": ("按地区", "By place"),
    "place": ("地区", "Place"),
    "differ": ("与批次结果有 {count} 处不同", "{count} cells differ from what the run wrote"),
    "same": ("与批次结果相同（{count} 个值）", "As the run wrote it ({count} cells)"),
    # kept cases
    "case": ("案卷", "Case"),
    "search": ("按参保人编号或备注查找", "Search by the person's number or the label"),
    "find": ("查找", "Search"),
    "person": ("参保人编号", "Insured person"),
    "label": ("备注", "Label"),
    "kept_at": ("保存时间", "Kept at"),
    "kept_by": ("经办", "Kept by"),
    "no_cases": ("没有案卷", "No cases"),
    "history": ("历次材料", "History"),
    "delete": ("删除案卷", "Delete the case"),
    "delete_intro": ("连同历次材料一并删除，不能恢复。", "It is deleted with its history, for good."),
    # the counter
    "counter_title": ("核定一位参保人的待遇", "Decide an insured person's benefits"),
    "counter_intro": (
        "只问仍会改变结论的事实，一旦能核定即停。服务器不保存材料。",
        "Only what can still change the answer is asked; it stops as soon as that is decided. The server keeps nothing.",
    ),
    "begin": ("开始询问", "Begin"),
    "which_benefits": ("询问哪些待遇（不选为全部）", "Which benefits to ask about (none chosen: all)"),
    "decision_date": ("核定日", "Decision date"),
    "person_number": ("参保人编号（可不填）", "The person's number (may be left out)"),
    "open_record": ("打开核定材料", "Open a record"),
    "record_file": ("核定材料文件（YAML 或 JSON）", "Record file (YAML or JSON)"),
    "open": ("打开", "Open"),
    "question": ("第 {number} 题", "Question {number}"),
    "about": ("关系到：", "It matters for: "),
    "and_more": ("等 {count} 项", "and {count} in all"),
    "answer": ("回答", "Answer"),
    "do_not_know": ("不知道", "I do not know"),
    "take_assumed": ("按 {value} 计", "Take {value}"),
    "all_asked": ("没有要问的了", "Nothing is left to ask"),
    "still_open": ("还有 {count} 项待定", "{count} still undetermined"),
    "facts": ("已知事实", "Facts"),
    "no_facts": ("还没有", "None yet"),
    "unknown": ("不知道", "not known"),
    "change": ("更改", "Change"),
    "forget": ("撤回", "Take back"),
    "add_row": ("再加一项{title}", "Add another {title}"),
    "remove_row": ("删除", "Remove"),
    "results": ("结论", "Answer"),
    "due": ("符合的待遇", "Eligible"),
    "open_benefits": ("待定", "Undetermined"),
    "not_due": ("不符合", "Not eligible"),
    "unruled": ("规则未覆盖", "Not modelled"),
    "none_due": ("目前没有", "None so far"),
    "amount_open": ("金额待定", "amount undetermined"),
    "why": ("理由", "Reason"),
    "clause": ("依据", "Clause"),
    "provisional": ("暂定", "Provisional"),
    "missing": ("缺少", "Missing"),
    "what_would_change": ("什么会改变结论", "What would change it"),
    "conditions": ("不满足的条件", "Conditions that fail"),
    "would_be_due": ("改变以下事实即可享受", "It would be due with"),
    "no_change": ("没有一两项事实的改变能使其可享受", "No change of one or two facts makes it due"),
    "from_day": ("其他事实不变，自 {day} 起符合", "Eligible from {day} if nothing else changes"),
    "claims": ("费用", "Claims"),
    "rejects": ("退回记录", "Rejects"),
    "notes": ("说明", "Notes"),
    "notice": ("告知书", "Notice"),
    "save": ("保存到本机", "Save to this computer"),
    "keep": ("存入案卷", "Keep as a case"),
    "start_again": ("重新开始", "Start again"),
    "yuan": ("元", "yuan"),
    "actions": ("材料", "The record"),
}


class Texts(SimpleNamespace):
    """Texts in one language by name; `fill` puts values in."""

    def fill(self, name: str, **values: object) -> str:
        text: str = getattr(self, name)
        return text.format(**values)


def texts(lang: Lang) -> Texts:
    """All words in one language."""
    return Texts(**{name: pair[0] if lang == "zh" else pair[1] for name, pair in _PAIRS.items()})
