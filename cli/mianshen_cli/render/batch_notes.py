"""What a batch says beside its tables: how a mapping read the files, what stands in them twice, why rows are rejected.

In: the summary of a run and its rejects. Out: lines of text in one language.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from mianshen.source import Lang, Message
from mianshen_cli import output

_MAPPED = Message("{entity}：共 {rows} 行", "{entity}: {rows} rows")
_TITLES = Message("，跳过标题行 {rows} 行", ", title lines skipped: {rows}")
_LEFT_OUT = Message("，剔除 {rows} 行（{reason}）", ", {rows} left out ({reason})")
_MERGED = Message("，{rows} 行并入同一人的其他行", ", {rows} merged into other rows of the same person")
_UNLISTED = Message(
    "  {fact}（{name}）：{rows} 行的代码不在列表中，按未知处理",
    "  {fact} ({name}): rows with a code that no list has, taken as unknown: {rows}",
)
_DISAGREE = Message(
    "  {fact}（{name}）：{rows} 人的各行不一致", "  {fact} ({name}): persons whose rows disagree: {rows}"
)
_IGNORED = Message("未采用的列：{columns}", "columns left out: {columns}")
_IDENTITY = Message(
    "有 {rows} 个身份证号码对应多个人员编号，起付标准和限额可能重复计算，请合并后重新核定",
    "identity numbers under several person numbers: {rows}. Deductibles and limits may count twice: merge these persons",
)
_DOUBLES = Message(
    "有 {rows} 条{entity}疑似重复结算（同一人、同日、同地、同金额）：{places}",
    "likely settled twice (same person, day, place and amounts), {entity}: {rows} ({places})",
)
_DOUBLE = Message(
    "{file} 第 {row} 行与 {other} 第 {before} 行", "{file} row {row} repeats {other} row {before}"
)
_PLACEHOLDER = Message(
    "{fact}（{name}）有 {rows} 格是占位值，按未知处理",
    "{fact} ({name}): cells that hold a placeholder, taken as unknown: {rows}",
)
_DEAD = Message(
    "有 {rows} 人在核定日前已死亡：待遇仍按所填事实核定，发放前请核对",
    "persons who died by the decision date: {rows}. Benefits are decided by the facts as given: check before paying",
)
_AFTER_DEATH = Message(
    "{entity}：{rows} 条的日期晚于本人死亡日期，请核对两者",
    "{entity}: rows dated after the death of their person: {rows}. Check both dates",
)
_BLANK = Message("{entity}：略过 {rows} 个空行", "{entity}: blank rows skipped: {rows}")
_HEAD = (
    Message("退回原因", "reason for rejection"), Message("文件", "file"), Message("字段", "fact"),
    Message("条数", "rows"),
)  # fmt: skip
_WHOLE = Message("整列", "whole column")
_MAP = Message(
    "。整列如此，可用 --mapping 说明其写法（date、unit、values、thousands）",
    ". The whole column is so: a --mapping says how it is written (date, unit, values, thousands)",
)
MOST = 12  # reasons that are listed


def mapping_lines(lang: Lang, program: Any, mapping: dict[str, Any]) -> Iterator[str]:
    """What a mapping made of the files, by entity; columns that no entity takes once."""
    for entity, report in mapping.items():
        line = _MAPPED.in_(lang).format(
            entity=program.entities[entity].title.in_(lang), rows=f"{report['rows']:,}"
        )
        if report.get("title_lines"):
            line += _TITLES.in_(lang).format(rows=report["title_lines"])
        for reason in report.get("left_out", []):
            line += _LEFT_OUT.in_(lang).format(rows=f"{reason['rows']:,}", reason=reason[lang])
        if report.get("merged"):
            line += _MERGED.in_(lang).format(rows=f"{report['merged']:,}")
        yield line
        for words, counts in ((_UNLISTED, "unlisted_codes"), (_DISAGREE, "disagreements")):
            for name, rows in report.get(counts, {}).items():
                title = program.facts[entity, name].title.in_(lang)
                yield words.in_(lang).format(fact=title, name=name, rows=f"{rows:,}")
    ignored = [report.get("columns_ignored", []) for report in mapping.values()]
    nobodys = [name for name in ignored[0] if all(name in names for names in ignored)] if ignored else []
    if nobodys:
        yield _IGNORED.in_(lang).format(columns=("、" if lang == "zh" else ", ").join(nobodys))


def finding_lines(lang: Lang, program: Any, findings: dict[str, Any]) -> Iterator[str]:
    """People and bills that stand in the files twice, placeholders, blank rows."""
    doubled = findings.get("identity_numbers_under_several_persons", 0)
    if doubled:
        yield _IDENTITY.in_(lang).format(rows=f"{doubled:,}")
    for entity, finding in findings.get("likely_double_settlements", {}).items():
        places = [
            _DOUBLE.in_(lang).format(
                file=p["file"], row=p["row"], other=p["repeats"]["file"], before=p["repeats"]["row"]
            )
            for p in finding["first"][:5]
        ]
        more = ["…"] if finding["rows"] > len(places) else []
        shown = ("；" if lang == "zh" else "; ").join([*places, *more])
        yield _DOUBLES.in_(lang).format(
            rows=f"{finding['rows']:,}", entity=program.entities[entity].title.in_(lang), places=shown
        )
    if dead := findings.get("dead_by_the_decision_date", 0):
        yield _DEAD.in_(lang).format(rows=f"{dead:,}")
    for entity, rows in findings.get("dated_after_death", {}).items():
        yield _AFTER_DEATH.in_(lang).format(entity=program.entities[entity].title.in_(lang), rows=f"{rows:,}")
    for entity, rows in findings.get("blank_rows", {}).items():
        yield _BLANK.in_(lang).format(entity=program.entities[entity].title.in_(lang), rows=f"{rows:,}")
    for entity, facts in findings.get("placeholders", {}).items():
        for name, rows in facts.items():
            title = program.facts[entity, name].title.in_(lang)
            yield _PLACEHOLDER.in_(lang).format(fact=title, name=name, rows=f"{rows:,}")


def reject_table(lang: Lang, groups: Sequence[Any]) -> str:
    """The reasons of rejects with their counts, and under each what to do."""
    from mianshen.past_runs.report.phrases import REASONS

    rows = []
    for group in groups[:MOST]:
        words = REASONS.get(group.reason)
        reason = group.reason if words is None else words.in_(lang)
        columns = f" ({', '.join(group.columns)})" if group.columns else ""
        count = f"{group.rows:,}" + (f" ({_WHOLE.in_(lang)})" if group.whole else "")
        rows.append((f"{group.code} {reason}", group.file, f"{group.field or ''}{columns}", count))
    table = output.table([words.in_(lang) for words in _HEAD], rows, right=[3])
    hints = [_hint(lang, group) for group in groups[:MOST] if group.hint is not None]
    return "\n".join([table, *dict.fromkeys(hints)])


def _hint(lang: Lang, group: Any) -> str:
    """What to do about the rejects of a column."""
    columns = f" ({', '.join(group.columns)})" if group.columns else ""
    mapped = _MAP.in_(lang) if group.whole and group.reason in ("bad_date", "bad_number", "bad_code") else ""
    return f"  {group.file}: {group.field}{columns}: {group.hint.in_(lang)}{mapped}"
