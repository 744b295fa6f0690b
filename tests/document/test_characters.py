"""Every character of a decoded scalar is at the place in the file it came from."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from mianshen.document.characters import decode
from mianshen.document.yaml_tree import Mapping, Node, Scalar, Sequence, read_tree

PIECES = (
    "a", "b", "word", " ", "  ", "\n", "\n  ", "\n    ", "\r\n  ", "\t", "'", "''", '"', "\\", "\\n", "\\\n",
    '\\"', "\\x41", "\\u4e2d", "\\ud83d\\ude00", "#", ":", ": ", "- ", "中", "😀", "|", ">", "+", "2", "&a ",
    "\\ ", "<=", "(",
)  # fmt: skip
BODIES = st.lists(st.sampled_from(PIECES), max_size=14).map("".join)
HEADERS = st.sampled_from(["", "-", "+", "2", "2-", "+1", " # note"])
TAILS = st.sampled_from(["", "\n", "\n\n\n", "\n# note\n"])


@st.composite
def documents(draw: st.DrawFn) -> str:
    body = draw(BODIES)
    indented = body.replace("\n", "\n  ")
    block = f"{draw(HEADERS)}\n{draw(st.sampled_from(['  ', '   ', ' ']))}{indented}{draw(TAILS)}"
    forms = (
        f'k: "{body}"\n',
        f"k: '{body}'\n",
        f"k: |{block}",
        f"k: >{block}",
        f"k: {body}\n",
        f"- [x, {body}]",
    )
    return draw(st.sampled_from(forms))


def scalars(node: Node | None) -> Iterator[Scalar]:
    match node:
        case None:
            return
        case Scalar():
            yield node
        case Sequence(items):
            for item in items:
                yield from scalars(item)
        case Mapping(entries):
            for key, value in entries:
                yield key
                yield from scalars(value)


def character(lines: list[str], line: int, column: int) -> str:
    """The character of a file at a line and column; a line's break counts as one character."""
    text = lines[line - 1]
    return text[column - 1] if column <= len(text) else "\n"


def file_lines(text: str) -> list[str]:
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


@given(documents())
def test_the_decoder_agrees_with_the_yaml_reader(text: str) -> None:
    for scalar in scalars(read_tree(text)[0]):
        value, indexes = decode(text, scalar.start, scalar.end, scalar.style, scalar.text)
        assert value == scalar.text
        assert len(indexes) == len(value) + 1
        assert indexes == sorted(indexes)


@given(documents())
def test_every_character_is_at_its_place_or_at_what_made_it(text: str) -> None:
    lines = file_lines(text)
    for scalar in scalars(read_tree(text)[0]):
        located = scalar.located
        assert len(located.positions) == len(located.value) + 1
        for built, (line, column) in zip(located.value, located.positions, strict=False):
            written = character(lines, line, column)
            folded = built in " \n" and written == "\n"
            escaped = scalar.style == '"' and written == "\\"
            assert written == built or folded or escaped


@given(st.text(alphabet=st.characters(min_codepoint=32, exclude_categories=("Cs", "Cn", "Co", "Zl", "Zp"))))
def test_quoted_text_is_where_it_is_written(text: str) -> None:
    text = text.translate(dict.fromkeys((*range(127, 160), 65279)))
    root, findings = read_tree("k: '" + text.replace("'", "''") + "'\n")
    assert findings == []
    (_, value) = list(scalars(root))
    assert value.text == text
    first_line = ("k: '" + text.replace("'", "''")).replace("\n", "")
    for built, (line, column) in zip(value.text, value.located.positions, strict=False):
        assert (line, first_line[column - 1]) == (1, built)


def located(text: str) -> list[tuple[str, int, int]]:
    (_, value) = list(scalars(read_tree(text)[0]))
    text_ = value.located
    return [(char, *place) for char, place in zip(text_.value, text_.positions, strict=False)]


def test_a_plain_formula() -> None:
    assert located("k: a + b") == [("a", 1, 4), (" ", 1, 5), ("+", 1, 6), (" ", 1, 7), ("b", 1, 8)]


def test_a_plain_formula_on_two_lines() -> None:
    assert located("k: a\n   + b\n")[:3] == [("a", 1, 4), (" ", 1, 5), ("+", 2, 4)]


def test_a_double_quoted_formula_with_escapes() -> None:
    assert located('k: "x\\"中\\u4e2d"') == [("x", 1, 5), ('"', 1, 6), ("中", 1, 8), ("中", 1, 9)]


def test_a_literal_block() -> None:
    assert located("k: |\n  ab\n\n   c\n") == [
        ("a", 2, 3), ("b", 2, 4), ("\n", 2, 5), ("\n", 3, 1), (" ", 4, 3), ("c", 4, 4), ("\n", 4, 5),
    ]  # fmt: skip


def test_a_folded_block() -> None:
    assert located("k: >-\n  a\n  b\n\n  c\n") == [
        ("a", 2, 3), (" ", 2, 4), ("b", 3, 3), ("\n", 4, 1), ("c", 5, 3),
    ]  # fmt: skip


def test_a_block_that_gives_its_indentation() -> None:
    assert located("k: |1\n   a\n")[:3] == [(" ", 2, 2), (" ", 2, 3), ("a", 2, 4)]


def test_the_end_of_a_formula_is_after_its_last_character() -> None:
    (_, value) = list(scalars(read_tree("k: 'ab'")[0]))
    assert value.located.span(2, 2).column == 7
    (_, value) = list(scalars(read_tree("k: |\n  ab\n")[0]))
    assert (value.located.span(3, 3).line, value.located.span(3, 3).column) == (2, 5)
