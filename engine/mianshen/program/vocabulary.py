"""The vocabulary and the figures: types, facts, codes, dated series, as the program wants them.

In: the document's models. Out: `Fact`, `CodeList`, `Parameter`, `Names`; mistakes in a list.
"""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from mianshen.program import literals, mistakes
from mianshen.program.core import Boolean, Code, Date, Listing, Numeric, String, Type
from mianshen.program.names import ParameterName
from mianshen.program.program import Brackets, Citation, CodeList, Dated, Fact, Parameter
from mianshen.source import Diagnostic, Message, Span

if TYPE_CHECKING:
    from mianshen.document import Document
    from mianshen.document.model import Fact as FactModel
    from mianshen.document.model import Parameter as ParameterModel
    from mianshen.document.model import ParameterValue, Title

MONEY: Final = Numeric(2, Decimal("-9999999999999999.99"), Decimal("9999999999999999.99"))
WRITTEN: Final[dict[str, Type]] = {
    "text": String(),
    "boolean": Boolean(),
    "integer": Numeric(0, Decimal(-(10**15)), Decimal(10**15)),
    "number": Numeric(6, Decimal(-(10**18)), Decimal(10**18)),
    "money": MONEY,
    "rate": Numeric(6, Decimal(-(10**6)), Decimal(10**6)),
    "date": Date(),
    "area": String(area=True),
}
_CODE: Final = re.compile(r"(list of )?code ([a-z0-9_\u4e00-\u9fff]+)")


def message(title: Title) -> Message:
    return Message(zh=title.zh, en=title.en)


class Vocabulary:
    """Reads the parts of a document that name things; `found` gathers mistakes."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.found: list[Diagnostic] = []
        self.codes = {name: self._code_list(name) for name in document.codes}

    def _code_list(self, name: str) -> CodeList:
        model = self.document.codes[name]
        values = {code: message(title) for code, title in model.values.items()}
        spellings: dict[str, str] = {}
        for code, title in values.items():
            for spelling in (code, title.zh, title.en, *model.values[code].also):
                spellings.setdefault(spelling, code)
        return CodeList(name, message(model.title), values, spellings)

    def type_of(self, written: str, span: Span) -> Type | None:
        """The type a vocabulary line names."""
        if written in WRITTEN:
            return WRITTEN[written]
        match = _CODE.fullmatch(written)
        if match:
            if match[2] in self.codes:
                code = Code(match[2])
                return Listing(code) if match[1] else code
            if not self.document.is_broken("codes", match[2]):
                self.found.append(mistakes.unknown_reference(span, ("code list", "代码表"), match[2], self.codes))
            return None
        self.found.append(mistakes.bad_type(span, written, [*WRITTEN, "code NAME", "list of code NAME"]))
        return None

    def literal(self, text: str, type_: Type, path: tuple[str | int, ...], words: tuple[str, str]) -> object | None:
        value = literals.read(text, type_, self.codes)
        if value is None:
            span = self.document.span(*path)
            if isinstance(type_, Code):
                codes = self.codes[type_.codes]
                self.found.append(mistakes.unknown_code(span, text, type_.codes, codes.values))
            else:
                self.found.append(mistakes.bad_literal(span, text, words))
        return value

    def fact(self, entity: str, name: str, model: FactModel) -> Fact | None:
        path = ("facts", entity, name)
        type_ = self.type_of(model.type, self.document.span(*path, "type"))
        if type_ is None:
            return None
        low = high = None
        if isinstance(type_, Numeric):
            if model.type == "money":
                type_ = Numeric(2, Decimal("-99999999999999.99"), Decimal("99999999999999.99"))
            limits = [self.bound(text, type_, (*path, side)) for side, text in (("min", model.min), ("max", model.max))]
            low, high = limits
            type_ = Numeric(type_.scale, type_.low if low is None else low, type_.high if high is None else high)
        absent = None
        if model.when_absent is not None:
            absent = self.literal(model.when_absent, type_, (*path, "when_absent"), _words(model.type))
        assert absent is None or isinstance(absent, Decimal | bool | str | dt.date)
        return Fact(
            entity, name, type_, model.type, message(model.title), model.required,
            absent, low, high, model.immutable, model.personal,
        )  # fmt: skip

    def bound(self, text: str | None, type_: Numeric, path: tuple[str, ...]) -> Decimal | None:
        if text is None:
            return None
        value = self.literal(text, type_, path, ("a number", "数值"))
        return value if isinstance(value, Decimal) else None

    # -- figures -----------------------------------------------------------------------------

    def parameter(self, name: str, model: ParameterModel) -> tuple[Parameter, ParameterName] | None:
        path = ("parameters", name)
        special = model.type in ("scale", "month_day")
        type_ = String() if special else self.type_of(model.type, self.document.span(*path, "type"))
        if type_ is None:
            return None
        series = [self.dated(name, index, value, model, type_) for index, value in enumerate(model.values)]
        known = [dated for dated in series if dated is not None]
        if len(known) < len(series):
            return None
        if not known:
            self.found.append(mistakes.bad_series(self.document.span(*path), (f"parameter {name!r} has no values", f"参数 {name} 没有值")))
            return None
        ordered = self.in_order(name, known)
        shown = self.as_name(name, model.type, type_, ordered)
        if shown is None:
            return None
        return Parameter(name, shown.type or type_, model.type, message(model.title), ordered, self.document.span(*path)), shown

    def dated(self, name: str, index: int, value: ParameterValue, model: ParameterModel, type_: Type) -> Dated | None:
        path = ("parameters", name, "values", index)
        basis = value.basis or model.basis or ("missing" if value.value is None else None)
        citation = Citation(value.source or model.source, value.clause or model.clause)
        figure: object = None
        if basis is None:
            return self._stop(path, ("the value has no basis", "该值没有依据"), ("Write basis: cited, provisional or missing", "请写 basis: cited、provisional 或 missing"))
        if (value.value is None) != (basis == "missing"):
            return self._stop(path, ("a missing figure has no value, and every other has one", "缺失的数字没有值，其余必须有值"), ("Correct basis or value", "请更正 basis 或 value"))
        if citation.source is not None and citation.source not in self.document.sources and not self.document.is_broken("sources", citation.source):
            self.found.append(mistakes.unknown_reference(self.document.span(*path, "source"), ("source", "来源"), citation.source, self.document.sources))
        if basis == "cited" and (citation.source is None or citation.clause is None):
            return self._stop(path, ("a cited figure names its source and clause", "有依据的数字须注明来源和条款"), ("Add source and clause", "请补充 source 和 clause"))
        if value.value is not None:
            figure = self.figure(value.value, model.type, type_, (*path, "value"))
            if figure is None:
                return None
        assert figure is None or isinstance(figure, Decimal | str | bool | dt.date | tuple)
        return Dated(value.from_, value.until, figure, basis, citation, value.review_by, value.note)

    def figure(self, written: object, kind: str, type_: Type, path: tuple[str | int, ...]) -> object | None:
        span = self.document.span(*path)
        if kind == "scale":
            if isinstance(written, str):
                self.found.append(mistakes.bad_literal(span, written, ("a list of {over, rate} brackets", "{over, rate} 的列表")))
                return None
            return self.brackets(written, path)
        if not isinstance(written, str):
            self.found.append(mistakes.bad_literal(span, "[…]", _words(kind)))
            return None
        if kind == "month_day":
            if re.fullmatch(r"(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])", written):
                return written
            self.found.append(mistakes.bad_literal(span, written, ("a month and day such as 07-01", "月-日，如 07-01")))
            return None
        return self.literal(written, type_, path, _words(kind))

    def brackets(self, written: object, path: tuple[str | int, ...]) -> Brackets | None:
        found: list[tuple[Decimal, Decimal]] = []
        assert isinstance(written, tuple)
        for index, bracket in enumerate(written):
            over = self.literal(bracket.over, WRITTEN["money"], (*path, index, "over"), ("money", "金额"))
            rate = self.literal(bracket.rate, WRITTEN["rate"], (*path, index, "rate"), ("a rate", "比例"))
            if not isinstance(over, Decimal) or not isinstance(rate, Decimal):
                return None
            found.append((over, rate))
        if not found or [o for o, _ in found] != sorted({o for o, _ in found}) or found[0][0] < 0:
            return self._stop(path, ("brackets rise from zero or more, each once", "分段须从零或以上递增且不重复"), ("Order the brackets by 'over'", "请按 over 递增排列"))
        return tuple(found)

    def in_order(self, name: str, series: list[Dated]) -> tuple[Dated, ...]:
        """The series by date, each value ending where the next begins."""
        ordered = sorted(series, key=lambda d: d.start)
        closed: list[Dated] = []
        for index, dated in enumerate(ordered):
            following = ordered[index + 1] if index + 1 < len(ordered) else None
            end = dated.end
            if end is not None and end < dated.start:
                self._series(name, f"a value ends on {end} before it begins", f"有一个值在 {end} 结束，早于其开始")
            if following is not None:
                if following.start == dated.start:
                    self._series(name, f"two values begin on {dated.start}", f"有两个值同在 {dated.start} 开始")
                elif end is not None and end >= following.start:
                    self._series(name, f"two values hold on {following.start}", f"{following.start} 有两个值")
                end = end or following.start - dt.timedelta(days=1)
            closed.append(Dated(dated.start, end, dated.value, dated.basis, dated.citation, dated.review_by, dated.note))
        return tuple(closed)

    def _series(self, name: str, en: str, zh: str) -> None:
        self.found.append(mistakes.bad_series(self.document.span("parameters", name), (f"parameter {name!r}: {en}", f"参数 {name}：{zh}")))

    def as_name(self, name: str, kind: str, type_: Type, series: tuple[Dated, ...]) -> ParameterName | None:
        figures = [d.value for d in series if d.value is not None]
        if kind == "month_day":
            if len(figures) != 1 or len(series) != 1:
                self._series(name, "a month and day has exactly one value", "月-日参数只能有一个值")
                return None
            month, day = str(figures[0]).split("-")
            return ParameterName(None, month_day=(int(month), int(day)))
        if kind == "scale":
            rates = [rate for f in figures if isinstance(f, tuple) for _, rate in f]
            return ParameterName(None, scale_rates=Numeric(_decimals(rates), min(rates, default=Decimal(0)), max(rates, default=Decimal(0))))
        if isinstance(type_, Numeric):
            numbers = [f for f in figures if isinstance(f, Decimal)]
            if numbers:
                return ParameterName(Numeric(_decimals(numbers), min(numbers), max(numbers)))
        return ParameterName(type_)

    def _stop(self, path: tuple[str | int, ...], what: tuple[str, str], fix: tuple[str, str]) -> None:
        self.found.append(mistakes.misplaced(self.document.span(*path), what, fix))


def _decimals(numbers: list[Decimal]) -> int:
    """The decimals the numbers need, trailing zeros aside."""
    needed = 0
    for number in numbers:
        exponent = number.normalize().as_tuple().exponent
        assert isinstance(exponent, int)
        needed = max(needed, -exponent)
    return needed


def _words(kind: str) -> tuple[str, str]:
    return {
        "money": ("an amount of yuan with at most two decimals", "至多两位小数的金额（元）"),
        "rate": ("a rate such as 0.75 or 75%", "比例，如 0.75 或 75%"),
        "integer": ("a whole number", "整数"),
        "date": ("a date such as 2026-01-31", "日期，如 2026-01-31"),
        "boolean": ("true or false", "true 或 false"),
        "area": ("an area code of 2, 4, 6, 9 or 12 digits", "2、4、6、9 或 12 位行政区划代码"),
    }.get(kind, (f"a value of type {kind}", f"{kind} 类型的值"))
