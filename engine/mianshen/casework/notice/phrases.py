"""The words of a notice that do not come from the rulebook, in both languages.

In: nothing. Out: `Message`s; `labels` gives the headings a template asks for by name.
"""

from __future__ import annotations

from typing import Final

from mianshen.source import Lang, Message

HEADING: Final = Message("医疗保障待遇核定告知书", "Notice of a medical-insurance decision")
STATUS: Final = {
    "eligible": Message("符合条件", "Eligible"),
    "ineligible": Message("不符合条件", "Not eligible"),
    "undetermined": Message("待定", "Cannot be told yet"),
    "not_modelled": Message("规则未覆盖", "Not modelled by the rulebook"),
    "decided": Message("已核定", "Decided"),
}
DELIVERY: Final = {
    "automatic": Message("自动办理，无需申请", "granted without applying"),
    "confirm": Message("本人确认后办理", "granted once the person confirms the wish"),
    "application": Message("申请办理", "granted on application"),
}
HOW, PAID_TO = Message("享受方式", "How"), Message("支付对象", "Paid to")
NO_AMOUNT: Final = Message("尚不能确定", "cannot be told yet")
UNTOLD: Final = Message(
    "缺少下面列出的事项，任何一种结论都还不能排除。",
    "What is listed below is missing, and neither answer can be ruled out without it.",
)
ASSUMED: Final = Message("未提供，按此计", "not given, assumed")
UNDATED: Final = Message(
    "未注明日期的事实，按 {day} 的情况采用。", "Facts without a date count as they stand on {day}."
)
ABSENT: Final = Message(
    "核定材料未提供“{title}”，按 {value} 计。", "{title} is not given and taken as {value}."
)
OTHERS: Final = Message(
    "还依据家庭其他成员的记录，为保护其隐私不在此列出。",
    "The records of other members of the household count too; they are not shown here, for their privacy.",
)
SETTLED: Final = Message(
    "实际已结算 {settled}，与规定应计相差 {difference}。",
    "Settled in fact: {settled}, which is {difference} against what the rules give.",
)
SETTLED_ALONE: Final = Message("实际已结算 {settled}。", "Settled in fact: {settled}.")
SINCE: Final = Message("{start} 起", "from {start}")
BETWEEN: Final = Message("{start} 至 {end}", "{start} to {end}")
REPLAY: Final = {
    "rulebook": Message("规则库", "Rulebook"),
    "rulebook_digest": Message("规则库摘要值", "Digest of the rulebook"),
    "overlays": Message("调整方案", "Overlays applied"),
    "record_digest": Message("核定材料摘要值", "Digest of the record"),
    "answer_digest": Message("核定结果摘要值", "Digest of the answer"),
    "version": Message("程序版本", "Version of the program"),
}

# what to do, by what the notice says; the first list always comes last
ALWAYS: Final = (
    Message(
        "请核对上面所列事实。有误的，请持证明材料向登记该事实的部门申请更正；更正后将重新核定。",
        "Check the facts above. If one is wrong, ask the office that keeps it to correct it, with proof; "
        "the decision is then made again.",
    ),
    Message(
        "对核定结果有疑问的，可凭本告知书向参保地医疗保障经办机构查询，请其说明每一步的依据。",
        "If you doubt the result, take this notice to the medical-insurance office of your area of insurance "
        "and have every step explained.",
    ),
)
REMEDIES: Final = {
    "undetermined": Message(
        "请补充上面列出的缺少事项；补齐后即可核定，在此之前既不认定符合，也不认定不符合。",
        "Supply what is listed as missing. Until then this benefit is neither granted nor refused.",
    ),
    "amount": Message(
        "已符合条件，只是金额尚不能确定；补齐上面列出的事项后确定金额。",
        "The benefit is due; only its amount waits for what is listed as missing.",
    ),
    "figures": Message(
        "缺少的是尚未公布的数值，无需本人提供；公布后重新核定。",
        "What is missing is a figure not yet published. You need not supply it; the decision is made once it is.",
    ),
    "not_modelled": Message(
        "规则未覆盖此情形，这不表示不符合条件。请向经办机构咨询。",
        "The rulebook has no rule for this case, which does not mean that nothing is due. Ask the office.",
    ),
    "provisional": Message(
        "标为“暂定”的数值待正式文件核对，核对后金额可能改变。",
        "Figures marked provisional are still to be checked against the published documents; the result may change.",
    ),
    "stand_in": Message(
        "{rule}。请以{authority}的答复为准。",
        "{rule}. Ask {authority}.",
    ),
}
DISCLAIMER: Final = Message(
    "本告知书由程序依据规则库核定生成，以经办机构盖章确认的结果为准。",
    "This notice was computed from a rulebook. It binds once the competent office confirms it.",
)

_LABELS: Final = {
    "person": Message("人员编号", "Person"),
    "day": Message("核定日", "Decision date"),
    "subject": Message("核定事项", "Subject"),
    "decision": Message("结论", "Decision"),
    "clause": Message("依据", "Under"),
    "reason": Message("理由", "Why"),
    "missing": Message("缺少的事项", "What is missing"),
    "layers": Message("逐项核定", "Layer by layer"),
    "counted": Message("计入的费用", "What was counted"),
    "figures": Message("所用数值及依据", "Figures used, and what vouches for them"),
    "facts": Message("所依据的事实", "Facts relied on"),
    "assumptions": Message("采用的假定", "Assumptions"),
    "remedies": Message("如有不符，怎么办", "If something is wrong"),
    "replay": Message("复核信息", "For checking this again"),
    "replay_note": Message(
        "以同一核定材料和同一规则库重新核定，结果必然相同；摘要值相同，即为同一核定材料、同一规则库。"
        "二维码含这些摘要值：经办机构用 mianshen verify-notice 由核定材料重新核定并核对；手持核验材料的，可用离线网页核对。",
        "The same record under the same rulebook gives the same decision; equal digests mean that they are the same. The QR "
        "code holds them: the office decides the record again and compares by mianshen verify-notice; who holds the "
        "verification file compares on the offline page.",
    ),
    "working": Message("附：计算过程", "Annex: the working"),
    "item": Message("项目", "Item"),
    "value": Message("数值", "Value"),
    "figure": Message("数值名称", "Figure"),
    "in_force": Message("有效期", "In force"),
    "basis": Message("性质", "Basis"),
    "source": Message("出处", "Source and clause"),
    "ground": Message("依据的规定", "Provision and clause"),
    "condition": Message("条件", "when"),
    "formula": Message("公式", "formula"),
    "pilot": Message("试点", "pilot"),
    "open": Message("尚不能确定适用哪一条，以下都可能适用：", "Which of these applies cannot be told yet:"),
    "unruled": Message("没有适用的规定", "No provision applies"),
    "disclaimer": DISCLAIMER,
    "colon": Message("：", ": "),
    "page": Message("第 {page} 页，共 {pages} 页", "Page {page} of {pages}"),
}


def labels(lang: Lang) -> dict[str, str]:
    """Every heading a template uses, by name."""
    return {name: message.in_(lang) for name, message in _LABELS.items()}
