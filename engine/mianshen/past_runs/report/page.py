"""The report as a page: tables and plots, self-contained, in one language.

In: what was counted. Out: the content of `report.json`, the HTML of `report.html`.
Invariants: no number of a person, no script, nothing fetched; amounts are text with two decimals.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

import jinja2

from mianshen.casework.wording import BASIS, DELIVERY, STATUS, Words, named_place
from mianshen.catalogue import diagnostic
from mianshen.past_runs.finished_run import FinishedRun
from mianshen.past_runs.report import phrases
from mianshen.past_runs.report.bars import Bar, against, bars, stacked
from mianshen.past_runs.report.changes import Change
from mianshen.past_runs.report.lists import KINDS, Lists, Written
from mianshen.past_runs.report.ratios import Ratio
from mianshen.past_runs.report.tables import STATUSES, Counted, Layer, Place, Rows, Tables
from mianshen.places import place_name
from mianshen.program.program import Citation, Entity, Program
from mianshen.program.titles import plural
from mianshen.source import Lang, Message, unlined
from mianshen.templates import templates
from mianshen.values import as_money


@dataclass(frozen=True, slots=True)
class Page:
    program: Program
    run: FinishedRun
    earlier: FinishedRun | None
    tables: Tables
    ratios: tuple[Ratio, ...]
    changes: tuple[Change, ...]
    lists: Lists
    rules: Mapping[str, Any] | None  # what the rules alone change, as a comparison has it
    lang: Lang

    # -- report.json ---------------------------------------------------------------------------

    def content(self) -> dict[str, Any]:
        """Everything the page tells, as data; money is text, a share a text with four decimals."""
        tables = self.tables
        return {
            "as_of": self.run.manifest["as_of"],
            "rulebook": self.run.manifest["rulebook"],
            "records": self.run.summary["records"],
            self._people: tables.people,
            "due": tables.due,
            "benefits": {name: self._plain(name, counted) for name, counted in self._all_benefits().items()},
            "places": [self._place(place) for place in tables.places],
            **{stem: _plain_rows(rows) for stem, rows in tables.rows.items()},
            "ratios": [self._ratio(ratio) for ratio in self.ratios],
            "missing": [
                {"fact": fact.name, "benefit": fact.benefit or None, "count": fact.count} for fact in tables.missing
            ],
            "rejects": [
                {"file": refusal.file, "field": refusal.field or None, "reason": refusal.reason, "count": refusal.count}
                for refusal in tables.refusals
            ],
            "since": None if self.earlier is None else self._since(self.earlier),
            "lists": [
                {"area": item.area or None, "list": item.name, "file": item.path, "rows": item.rows}
                for item in self.lists.written
            ],
            "timings": dict(self.run.timings.get("seconds", {})),
        }  # fmt: skip

    def _place(self, place: Place) -> dict[str, Any]:
        return {
            "area": place.area or None,
            "name": place_name(place.area) or None,
            self._people: place.people,
            "due": place.due,
            "benefits": {name: self._plain(name, counted) for name, counted in place.benefits.items()},
            **{stem: _plain_rows(rows) for stem, rows in place.rows.items()},
        }

    @property
    def _people(self) -> str:
        """What people are called together in the run's files."""
        return plural(self.program.entry)

    def _all_benefits(self) -> dict[str, Counted]:
        return self.tables.benefits | self.tables.above

    def _plain(self, name: str, counted: Counted) -> dict[str, Any]:
        benefit = self.program.benefits[name]
        content: dict[str, Any] = {
            plural(benefit.entity): counted.statuses,
            "amount": None if counted.amount is None else as_money(counted.amount),
        }
        if self.program.is_planned(benefit):
            content["planned"] = True
        return content if benefit.amount is None else {**content, "without_amount": counted.open}

    def _ratio(self, ratio: Ratio) -> dict[str, Any]:
        target = None if ratio.target is None else ratio.target.value
        return {
            "province": ratio.province,
            "scheme": ratio.scheme,
            "claims": ratio.claims,
            "in_scope_cost": as_money(ratio.cost),
            "insurance": as_money(ratio.insurance),
            "assistance": as_money(ratio.assistance),
            "share": _share(ratio.share),
            "share_with_assistance": _share(ratio.with_assistance),
            "target": _share(target) if isinstance(target, Decimal) else None,
        }

    def _since(self, earlier: FinishedRun) -> dict[str, Any]:
        return {
            "as_of": earlier.manifest["as_of"],
            "rulebook": earlier.manifest["rulebook"],
            "other_rulebook": not earlier.decided_by(self.program),
            "changes": [
                {
                    "benefit": change.benefit,
                    "change": change.kind,
                    self._people: change.residents,
                    "difference": None if change.difference is None else as_money(change.difference),
                    "without_amount": change.open,
                }
                for change in self.changes
            ],
            "rules": None if self.rules is None else {
                name: self.rules[name] for name in ("benefits", "fund", "people", "causes")
            },
        }  # fmt: skip

    def _other_rules(self) -> str:
        """A sentence where the earlier run was decided by another rulebook, else nothing."""
        if self.earlier is None or self.earlier.decided_by(self.program):
            return ""
        return self._say(diagnostic("E578.other_rules_since", unlined("")).what)

    # -- report.html ---------------------------------------------------------------------------

    def html(self) -> str:
        """The page, self-contained."""
        return _template().render(
            lang=self.lang,
            labels=phrases.labels(self.lang, self.program),
            run=self.run,
            earlier=self.earlier,
            other_rules=self._other_rules(),
            rulebook=self._say(self.program.title),
            tables=self.tables,
            statuses=[(status, self._say(STATUS[status])) for status in STATUSES],
            records=self._records(),
            amount=_money(self._amount_due()),
            amount_open=self._open(self._all_benefits().values()),
            people=self._say(self.program.entities[self.program.entry].title),
            kinds=self._kinds(),
            benefits=self._benefits(),
            planned=self._planned(),
            provinces=self._provinces(),
            ratios=self._ratios(),
            of_stays=Ratio.of_stays(self.program),
            missing=self._missing(),
            refusals=self._refusals(),
            changes=self._changes(),
            rules=None if self.rules is None else self._rules_alone(self.rules),
            lists=self._lists(),
            timings=self._timings(),
            plots=self._plots(),
        )

    def _say(self, message: Message) -> str:
        return message.in_(self.lang)

    def _benefit_title(self, name: str) -> str:
        benefit = self.program.benefits.get(name)
        return name if benefit is None else self.lists.benefit_title(benefit)

    def _amount_due(self) -> Decimal:
        return sum((counted.amount or Decimal(0) for counted in self._all_benefits().values()), Decimal(0))

    def _open(self, counted: Iterable[Counted]) -> str:
        """What sums leave out, in words; empty where they leave out nothing."""
        return self._left_out(sum(item.open for item in counted))

    def _left_out(self, rows: int) -> str:
        return self._say(phrases.LEFT_OUT).format(count=f"{rows:,}") if rows else ""

    def _records(self) -> list[tuple[str, dict[str, int]]]:
        return [
            (
                self._say(self.program.entities[entity].title) if entity in self.program.entities else entity,
                counts,
            )
            for entity, counts in self.run.summary["records"].items()
        ]

    def _benefits(self) -> list[dict[str, Any]]:
        return [
            {
                "title": self._benefit_title(name),
                "delivery": self._say(DELIVERY[self.program.benefits[name].delivery]),
                "counts": [counted.statuses[status] for status in STATUSES],
                "amount": _money(counted.amount),
                "open": self._open([counted]),
            }
            for name, counted in self._in_force().items()
        ]

    def _in_force(self) -> dict[str, Counted]:
        """What was counted of the benefits that are not only planned."""
        benefits = self.program.benefits
        return {n: c for n, c in self._all_benefits().items() if not self.program.is_planned(benefits[n])}

    def _planned(self) -> list[str]:
        """The benefits that are only planned."""
        return [
            self._benefit_title(b.name) for b in self.program.benefits.values() if self.program.is_planned(b)
        ]

    def _provinces(self) -> list[dict[str, Any]]:
        """Provinces with their prefectures; of each benefit only what somebody has an answer to."""
        provinces = []
        for province, group in groupby(self.tables.places, key=lambda place: place.area[:2]):
            places = list(group)
            provinces.append(
                {
                    "area": self._area(province),
                    "people": sum(place.people for place in places),
                    "due": sum(place.due for place in places),
                    "amount": _money(_amount(places)),
                    "open": self._open(counted for place in places for counted in place.benefits.values()),
                    "kinds": self._counts_below(places),
                    "prefectures": [self._prefecture(place) for place in places],
                }
            )
        return provinces

    def _area(self, digits: str) -> str:
        return self._say(named_place(digits) if digits else phrases.UNKNOWN_AREA)

    def _prefecture(self, place: Place) -> dict[str, Any]:
        rows = [
            (
                self._benefit_title(name),
                [counted.statuses[s] for s in STATUSES],
                _money(counted.amount),
                self._open([counted]),
            )
            for name, counted in place.benefits.items()
            if any(counted.statuses[status] for status in STATUSES if status != "not_modelled")
        ]
        return {
            "area": self._area(place.area),
            "people": place.people,
            "due": place.due,
            "amount": _money(_amount([place])),
            "open": self._open(place.benefits.values()),
            "kinds": self._counts_below([place]),
            "rows": rows,
        }  # fmt: skip

    def _counts_below(self, places: list[Place]) -> list[tuple[str, int]]:
        """The rows of each kind in places, by the kind's title."""
        return [
            (
                self._say(entity.title),
                sum(sum(p.rows[stem].statuses.values()) for p in places if stem in p.rows),
            )
            for stem, entity in self._entities().items()
        ]

    def _entities(self) -> dict[str, Entity]:
        """The kinds of rows below people that are counted, by what they are called together."""
        return {
            plural(e.name): e for e in self.program.entities.values() if plural(e.name) in self.tables.rows
        }

    def _kinds(self) -> list[dict[str, Any]]:
        """Each kind of rows below people: statuses, sums and what they leave out, bars."""
        return [
            {
                "title": self._say(entity.title),
                "statuses": [
                    (self._say(STATUS[status]), count)
                    for status, count in self.tables.rows[stem].statuses.items()
                ],
                "layers": [
                    (title, _money(layer.amount), self._left_out(layer.open))
                    for title, layer in self._layers(stem, entity)
                ],
                "plot": bars([(t, _money(la.amount), la.amount) for t, la in self._layers(stem, entity)]),
            }
            for stem, entity in self._entities().items()
        ]

    def _layers(self, stem: str, entity: Entity) -> list[tuple[str, Layer]]:
        layers = self.tables.rows[stem].layers
        return [
            (self._say(self.program.decision(entity.name, name).title), layer)
            for name, layer in layers.items()
        ]

    def _ratios(self) -> list[dict[str, str]]:
        words = Words(self.program)
        ratios = []
        for ratio in self.ratios:
            target = None if ratio.target is None else ratio.target.value
            source = "" if ratio.target is None else self._say(words.citation(ratio.target.citation))
            basis = "" if ratio.target is None else self._say(BASIS[ratio.target.basis])
            ratios.append(
                {
                    "province": self._area(ratio.province),
                    "scheme": self._scheme(ratio.scheme),
                    "claims": f"{ratio.claims:,}",
                    "cost": _money(ratio.cost),
                    "share": _percent(ratio.share),
                    "assisted": _percent(ratio.with_assistance),
                    "target": _percent(target) if isinstance(target, Decimal) else "",
                    "source": " · ".join(filter(None, (source, basis))),
                }
            )
        return ratios

    def _scheme(self, code: str) -> str:
        for codes in self.program.codes.values():
            if codes.name == "insurance_scheme" and code in codes.values:
                return self._say(codes.values[code])
        return code

    def _missing(self) -> list[tuple[str, str, int, int]]:
        """Missing facts: title, name, answers about benefits and claims that wait; most first."""
        numbers: dict[str, list[int]] = {}
        for fact in self.tables.missing:
            counts = numbers.setdefault(fact.name, [0, 0])
            counts[0 if fact.benefit else 1] += fact.count
        ordered = sorted(numbers.items(), key=lambda item: (-sum(item[1]), item[0]))
        return [
            (self._missing_title(name), name, of_benefits, of_claims)
            for name, (of_benefits, of_claims) in ordered
        ]

    def _missing_title(self, name: str) -> str:
        entity = name.removeprefix("rejected ")
        if entity != name and entity in self.program.entities:
            title = self._say(self.program.entities[entity].title)
            return self._say(phrases.REJECTED).format(title=title)
        return self.lists.fact(name) or name

    def _refusals(self) -> list[tuple[str, str, str, str, int]]:
        """Rejects: file, field, reason in words and by name, count."""
        return [
            (refusal.file, refusal.field, self._reason(refusal.reason), refusal.reason, refusal.count)
            for refusal in self.tables.refusals
        ]

    def _reason(self, reason: str) -> str:
        known = phrases.REASONS.get(reason)
        return "" if known is None else self._say(known)

    def _changes(self) -> list[tuple[str, str, str, str, str]]:
        return [
            (
                self._benefit_title(change.benefit),
                self._say(KINDS[change.kind]),
                f"{change.residents:,}",
                _money(change.difference),
                self._left_out(change.open),
            )
            for change in self.changes
        ]

    def _rules_alone(self, rules: Mapping[str, Any]) -> dict[str, Any]:
        """What the rules alone change: benefits that change, the fund, the changes of rules behind them."""
        benefits = [
            (n["title"][self.lang], f"{n['gained']:,}", f"{n['lost']:,}", _of_text(n["difference"]), n["left_out"])
            for n in rules["benefits"].values()
            if n["gained"] or n["lost"] or n["rows"] or (n["difference"] or "0.00") != "0.00"
        ]  # fmt: skip
        causes = [
            (n["title"][self.lang], self._clause(n["clause"]), n["people"]["changed"], _of_text(n["people"].get("difference")))
            for n in rules["causes"]
            if n["people"].get("changed")
        ]  # fmt: skip
        paid = _of_text(rules["people"].get("difference"))
        return {"benefits": benefits, "causes": causes, "paid": paid, "people": rules["people"]}

    def _clause(self, written: str) -> str:
        """A clause as a comparison has it, its document by title."""
        source, _, clause = written.partition(" ")
        if source not in self.program.sources:
            return written
        return self._say(Words(self.program).citation(Citation(source, clause)))

    def _lists(self) -> list[dict[str, Any]]:
        """The lists by name: rows in all, and a link for each area."""
        by_name: dict[str, list[Written]] = {}
        for item in self.lists.written:
            by_name.setdefault(item.name, []).append(item)
        return [
            {
                "title": self.lists.title(name),
                "rows": sum(file.rows for file in files),
                "files": [(self._area(file.area), file.path, file.rows) for file in files],
            }
            for name, files in by_name.items()
        ]

    def _timings(self) -> list[tuple[str, str]]:
        return [
            (self._say(phrases.STAGES[name]) if name in phrases.STAGES else name, seconds)
            for name, seconds in self.run.timings.get("seconds", {}).items()
        ]

    # -- plots ---------------------------------------------------------------------------------

    def _plots(self) -> dict[str, tuple[Bar, ...]]:
        benefits = self._in_force()
        amounts = [
            (self._benefit_title(name), _money(counted.amount), counted.amount or Decimal(0))
            for name, counted in benefits.items() if counted.amount
        ]  # fmt: skip
        missing = [(title, f"{a + b:,}", a + b) for title, _, a, b in self._missing()[:15]]
        return {
            "statuses": tuple(self._stack(name, counted) for name, counted in benefits.items()),
            "amounts": bars(amounts),
            "missing": bars(missing, "undetermined"),
            "ratios": tuple(self._against(ratio) for ratio in self.ratios if ratio.share is not None),
        }

    def _stack(self, name: str, counted: Counted) -> Bar:
        parts = [(status, counted.statuses[status]) for status in STATUSES]
        return stacked(self._benefit_title(name), f"{counted.statuses['eligible']:,}", parts)

    def _against(self, ratio: Ratio) -> Bar:
        target = None if ratio.target is None else ratio.target.value
        share = ratio.share or Decimal(0)
        label = f"{self._area(ratio.province)} {self._scheme(ratio.scheme)}"
        return against(
            label,
            _percent(share),
            share,
            target if isinstance(target, Decimal) else None,
        )


@cache
def _template() -> jinja2.Template:
    return templates(Path(__file__).parent).get_template("report.html")


def _amount(places: Iterable[Place]) -> Decimal | None:
    amounts = [
        benefit.amount
        for place in places
        for benefit in place.benefits.values()
        if benefit.amount is not None
    ]
    return sum(amounts, Decimal(0)) if amounts else None


def _plain_rows(rows: Rows) -> dict[str, Any]:
    return {
        "status": rows.statuses,
        "amounts": {name: as_money(layer.amount) for name, layer in rows.layers.items()},
        "undetermined": {name: layer.open for name, layer in rows.layers.items()},
    }


def _money(amount: Decimal | None) -> str:
    return "" if amount is None else f"{amount:,.2f}"


def _of_text(amount: str | None) -> str:
    return _money(None if amount is None else Decimal(amount))


def _share(share: Decimal | None) -> str | None:
    return None if share is None else str(share.quantize(Decimal("0.0001"), ROUND_HALF_UP))


def _percent(share: Decimal | None) -> str:
    return "" if share is None else f"{(share * 100).quantize(Decimal('0.1'), ROUND_HALF_UP)}%"
