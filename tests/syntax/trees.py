"""Trees the parser can give, for hypothesis to draw from."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, get_args

from hypothesis import strategies as st

from mianshen.syntax import KEYWORDS
from mianshen.syntax.tree import (
    Between,
    Binary,
    BinaryOp,
    Boolean,
    Cell,
    CompareOp,
    CompareTest,
    Expr,
    Filter,
    Function,
    If,
    In,
    IsKnown,
    ListOf,
    Name,
    Negate,
    Not,
    Number,
    Path,
    Quantified,
    RangeTest,
    String,
    Test,
)

_WORDS = ["days", "x", "total_cost", "inside", "notes", "order", "if_any", "总费用", "自付_2", "不in"]

words = st.one_of(
    st.sampled_from(_WORDS),
    st.from_regex(r"[a-z][a-z0-9_]{0,4}", fullmatch=True),
    st.from_regex(r"[\u4e00-\u9fff][\u4e00-\u9fffa-z0-9_]{0,3}", fullmatch=True),
).filter(lambda word: word not in KEYWORDS | {"null"})

function_names = st.one_of(
    st.sampled_from(
        ["round half up", "age on", "days between", "working days between", "year to date", "min", "f"]
    ),
    words.filter(lambda word: word not in {"date", "duration"}),
)


@st.composite
def numbers(draw: st.DrawFn) -> Decimal:
    scale = draw(st.integers(0, 38))
    whole = draw(st.integers(0, 10 ** draw(st.integers(0, 38)) - 1))
    return Decimal(f"{whole}E-{scale}")


leaves: st.SearchStrategy[Expr] = st.one_of(
    st.builds(Number, numbers()),
    st.builds(String, st.text(max_size=8)),
    st.builds(Boolean, st.booleans()),
    st.builds(Name, words),
    st.builds(Name, words),
    st.builds(
        Function, st.sampled_from(["date", "duration"]), st.builds(String, st.text()).map(lambda s: (s,))
    ),
)


def _tests(inside: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Test, ...]]:
    one = st.one_of(
        st.builds(CompareTest, st.just("="), inside),
        st.builds(CompareTest, st.sampled_from(get_args(CompareOp)), inside),
        st.builds(RangeTest, inside, inside, st.booleans(), st.booleans()),
    )
    return st.lists(one, min_size=1, max_size=3).map(tuple)


def _larger(inside: st.SearchStrategy[Any]) -> st.SearchStrategy[Expr]:
    several = st.lists(inside, max_size=3).map(tuple)
    return st.one_of(
        st.builds(Path, inside, words),
        st.builds(Filter, inside, inside),
        st.builds(Negate, inside),
        st.builds(Not, inside),
        st.builds(Binary, st.sampled_from(get_args(BinaryOp)), inside, inside),
        st.builds(Between, inside, inside, inside),
        st.builds(In, inside, _tests(inside)),
        st.builds(IsKnown, inside, st.booleans()),
        st.builds(If, inside, inside, inside),
        st.builds(Quantified, st.sampled_from(["some", "every"]), words, inside, inside),
        st.builds(Function, function_names, several),
        st.builds(ListOf, several),
    )


expressions: st.SearchStrategy[Expr] = st.recursive(leaves, _larger, max_leaves=20)

cells: st.SearchStrategy[Cell] = st.one_of(
    st.just(Cell(())),
    st.builds(Cell, _tests(expressions), st.booleans()),
)
