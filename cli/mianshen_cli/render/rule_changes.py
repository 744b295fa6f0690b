"""What differs between two rulebooks as a table: figures with their days and clauses, provisions part by part.

In: changes of the policy room. Out: rows of texts, or the table of them.
"""

from __future__ import annotations

from mianshen.casework.wording import Words
from mianshen.policy.catalogue import Item, titles_of
from mianshen.policy.rule_diff import RuleChange
from mianshen.source import Lang, listed
from mianshen_cli import output
from mianshen_cli.wording import wording

_KINDS = wording.group("rule_changes.kinds")
FEW = 4  # names of what rests on a change that a table shows
SAME = wording("rule_changes.same")


def changes_table(changes: tuple[RuleChange, ...], words: Words, lang: Lang) -> str:
    """The changes, or that there are none; `words`: of the new rulebook. A column of which nothing is said is left out."""
    if not changes:
        return SAME.in_(lang)
    rows = change_rows(changes, words, lang)
    filled = [at for at in range(len(rows[0])) if any(row[at] for row in rows)]
    heads, *cells = [[row[at] for at in filled] for row in (heads_of(lang), *rows)]
    return output.table(heads, cells)


def heads_of(lang: Lang) -> list[str]:
    """The headings of the columns that `change_rows` fills."""
    return wording.heads("rule_changes.heads", lang)


def change_rows(changes: tuple[RuleChange, ...], words: Words, lang: Lang) -> list[tuple[str, ...]]:
    """A row for each change: things by their titles, names behind them."""
    titles = titles_of(words.program)
    return [
        (
            _KINDS[change.kind].in_(lang), named(change.title.in_(lang), change.name, lang), change.of.in_(lang),
            change.was.in_(lang), change.now.in_(lang), words.citation(change.clause).in_(lang),
            _first([titles[item].in_(lang) for item in sorted(change.resting, key=_benefits_first) if item in titles], lang),
        )
        for change in changes
    ]  # fmt: skip


def named(title: str, name: str, lang: Lang) -> str:
    """A title with the name behind it, where that says more."""
    if title == name:
        return name
    return f"{title}（{name}）" if lang == "zh" else f"{title} ({name})"


def _benefits_first(item: Item) -> bool:
    return item.kind != "benefit"


def _first(names: list[str], lang: Lang) -> str:
    """The first names, and how many more there are; JSON has them all."""
    more = len(names) - FEW
    return listed(names[:FEW]).in_(lang) + (f" … +{more}" if more > 0 else "")


def plain_changes(changes: tuple[RuleChange, ...], lang: Lang) -> output.Plain:
    """The changes as values for JSON."""
    return [
        {
            "kind": change.kind, "name": change.name, "title": change.title.in_(lang), "part": change.part,
            "before": change.before, "after": change.after, "where": str(change.span),
            "clause": change.clause.plain, "rests": list(change.rests),
        }
        for change in changes
    ]  # fmt: skip
