"""What a batch says beside its tables: how a mapping read the files, what stands in them twice, why rows are rejected.

In: the summary of a run and its rejects. Out: lines of text in one language.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from mianshen.source import Lang, listed
from mianshen_cli import output
from mianshen_cli.wording import wording

_MAPPED = wording("batch_notes.mapped")
_TITLES = wording("batch_notes.titles")
_LEFT_OUT = wording("batch_notes.left_out")
_MERGED = wording("batch_notes.merged")
_UNLISTED = wording("batch_notes.unlisted")
_CODES = wording("batch_notes.codes")
_DISAGREE = wording("batch_notes.disagree")
_IGNORED = wording("batch_notes.ignored")
_IDENTITY = wording("batch_notes.identity")
_DOUBLES = wording("batch_notes.doubles")
_DOUBLE = wording("batch_notes.double")
_PLACEHOLDER = wording("batch_notes.placeholder")
_DEAD = wording("batch_notes.dead")
_BY_ENTITY = {
    "dated_before_birth": wording("batch_notes.before_birth"),
    "dated_after_death": wording("batch_notes.after_death"),
    "blank_rows": wording("batch_notes.blank"),
}
_WHOLE = wording("batch_notes.whole")
_MAP = wording("batch_notes.map")
MOST = 12  # reasons that are listed


def mapping_lines(lang: Lang, program: Any, mapping: dict[str, Any]) -> Iterator[str]:
    """What a mapping made of the files, by entity; columns that no entity takes once."""
    for entity, report in mapping.items():
        line = _MAPPED.in_(lang, entity=program.entities[entity].title.in_(lang), rows=f"{report['rows']:,}")
        if report.get("title_lines"):
            line += _TITLES.in_(lang, rows=report["title_lines"])
        for reason in report.get("left_out", []):
            line += _LEFT_OUT.in_(lang, rows=f"{reason['rows']:,}", reason=reason[lang])
        if report.get("merged"):
            line += _MERGED.in_(lang, rows=f"{report['merged']:,}")
        yield line
        for words, counts in ((_UNLISTED, "unlisted_codes"), (_DISAGREE, "disagreements")):
            for name, rows in report.get(counts, {}).items():
                title = program.facts[entity, name].title.in_(lang)
                codes = report.get("unlisted_values", {}).get(name, []) if words is _UNLISTED else []
                yield words.in_(lang, fact=title, name=name, rows=f"{rows:,}") + _codes(lang, codes)
    ignored = [report.get("columns_ignored", []) for report in mapping.values()]
    nobodys = [name for name in ignored[0] if all(name in names for names in ignored)] if ignored else []
    if nobodys:
        yield _IGNORED.in_(lang, columns=listed(nobodys))


def _codes(lang: Lang, codes: Sequence[str]) -> str:
    """The codes in no list, behind their count."""
    return _CODES.in_(lang, codes=listed(codes)) if codes else ""


def finding_lines(lang: Lang, program: Any, findings: dict[str, Any]) -> Iterator[str]:
    """People and bills that stand in the files twice, dates outside a life, placeholders, blank rows."""
    doubled = findings.get("identity_numbers_under_several_persons", 0)
    if doubled:
        yield _IDENTITY.in_(lang, rows=f"{doubled:,}")
    for entity, finding in findings.get("likely_double_settlements", {}).items():
        places = [
            _DOUBLE.in_(
                lang, file=p["file"], row=p["row"], other=p["repeats"]["file"], before=p["repeats"]["row"]
            )
            for p in finding["first"][:5]
        ]
        more = ["…"] if finding["rows"] > len(places) else []
        listing = ("；" if lang == "zh" else "; ").join([*places, *more])
        yield _DOUBLES.in_(
            lang, rows=f"{finding['rows']:,}", entity=program.entities[entity].title.in_(lang), places=listing
        )
    if dead := findings.get("dead_by_the_decision_date", 0):
        yield _DEAD.in_(lang, rows=f"{dead:,}")
    for name, words in _BY_ENTITY.items():
        for entity, rows in findings.get(name, {}).items():
            yield words.in_(lang, entity=program.entities[entity].title.in_(lang), rows=f"{rows:,}")
    for entity, facts in findings.get("placeholders", {}).items():
        for name, rows in facts.items():
            title = program.facts[entity, name].title.in_(lang)
            yield _PLACEHOLDER.in_(lang, fact=title, name=name, rows=f"{rows:,}")


def reject_table(lang: Lang, groups: Sequence[Any]) -> str:
    """The reasons of rejects with their counts, and under each what to do."""
    from mianshen.batch.output_files import REJECTS
    from mianshen.past_runs.report.phrases import REASONS

    rows = []
    for group in groups[:MOST]:
        words = REASONS.get(group.reason)
        reason = group.reason if words is None else words.in_(lang)
        columns = f" ({', '.join(group.columns)})" if group.columns else ""
        count = f"{group.rows:,}" + (f" ({_WHOLE.in_(lang)})" if group.whole else "")
        rows.append((f"{group.code} {reason}", group.file, f"{group.field or ''}{columns}", count))
    table = output.table(wording.heads("batch_notes.heads", lang), rows, right=[3])
    hints = [_hint(lang, group) for group in groups[:MOST] if group.hint is not None]
    hidden = len(groups) - MOST
    more = [wording("batch_notes.more").in_(lang, count=hidden, file=REJECTS)] if hidden > 0 else []
    return "\n".join([table, *more, *dict.fromkeys(hints)])


def _hint(lang: Lang, group: Any) -> str:
    """What to do about the rejects of a column."""
    columns = f" ({', '.join(group.columns)})" if group.columns else ""
    mapped = _MAP.in_(lang) if group.whole and group.reason in ("bad_date", "bad_number", "bad_code") else ""
    return f"  {group.file}: {group.field}{columns}: {group.hint.in_(lang)}{mapped}"
