"""What can be wrong with a formula or cell as text: one named constructor for each mistake.

In: the place and the words around it. Out: `Diagnostic` E2xx, in both languages.
Invariant: a code has one meaning and, once given out, keeps it.
"""

from __future__ import annotations

from mianshen.source import Diagnostic, Message, Span


def _mistake(code: str, span: Span, what: tuple[str, str], fix: tuple[str, str]) -> Diagnostic:
    return Diagnostic(code, span, Message(*what), Message(*fix))


def empty(span: Span, *, cell: bool) -> Diagnostic:
    if cell:
        fix = ("任意值请写 `-`", "Write `-` for any value")
    else:
        fix = ("请写出公式，或删去这一项", "Write a formula, or leave the entry out")
    return _mistake("E201", span, ("这里是空的", "Nothing is written here"), fix)


def unexpected(span: Span, word: str) -> Diagnostic:
    return _mistake(
        "E202",
        span,
        (f"这里不应出现 `{word}`", f"`{word}` is not expected here"),
        ("请检查它前面的内容，必要时加括号", "Check what stands before it, and add brackets if needed"),
    )


def value_missing_before(span: Span, word: str) -> Diagnostic:
    return _mistake(
        "E203",
        span,
        (f"`{word}` 之前缺少一个值", f"A value is missing before `{word}`"),
        (f"请补上这个值，或删去 `{word}`", f"Write the value, or remove `{word}`"),
    )


def value_missing_after(span: Span, word: str) -> Diagnostic:
    return _mistake(
        "E203",
        span,
        (
            f"公式在 `{word}` 之后中断，缺少一个值",
            f"The formula stops after `{word}`, where a value is missing",
        ),
        (f"请补上这个值，或删去 `{word}`", f"Write the value, or remove `{word}`"),
    )


def operator_missing(span: Span, left: str, right: str) -> Diagnostic:
    return _mistake(
        "E204",
        span,
        (f"`{left}` 与 `{right}` 之间缺少运算符", f"An operator is missing between `{left}` and `{right}`"),
        ("请写出 `+`、`*`、`and` 等运算符", "Write one, such as `+`, `*` or `and`"),
    )


def full_width(span: Span, written: str, ascii_: str) -> Diagnostic:
    """A character that looks like one of the language's; `ascii_` is the one to write, if any."""
    shown = written if written.isprintable() else f"U+{ord(written[0]):04X}"
    fix = {"": ("请删去", "Remove it"), " ": ("请改为半角空格", "Write a plain space")}
    return _mistake(
        "E205",
        span,
        (f"`{shown}` 不是半角字符", f"`{shown}` is not an ASCII character"),
        fix.get(ascii_, (f"请改为半角 `{ascii_}`", f"Write `{ascii_}`")),
    )


def unknown_character(span: Span, written: str) -> Diagnostic:
    shown = written if written.isprintable() else ascii(written)[1:-1]
    return _mistake(
        "E206",
        span,
        (f"公式中不能使用 `{shown}`", f"`{shown}` has no meaning in a formula"),
        ("请删去；如属文字，请放在双引号内", "Remove it, or put text in double quotes"),
    )


def comment(span: Span) -> Diagnostic:
    return _mistake(
        "E206",
        span,
        ("公式中不能写注释", "A formula holds no comments"),
        (
            "请把注释移到公式之外，写在 YAML 的 `#` 之后",
            "Move the comment out of the formula, after a `#` of YAML",
        ),
    )


def currency_sign(span: Span, written: str) -> Diagnostic:
    return _mistake(
        "E206",
        span,
        (f"金额不写货币符号 `{written}`", f"Money is written without `{written}`"),
        ("请只写数字，例如 `1200.00`", "Write the number only, such as `1200.00`"),
    )


def unclosed_text(span: Span) -> Diagnostic:
    return _mistake(
        "E207",
        span,
        ("文字的引号没有结束", "The text is never closed"),
        ('请在同一行内补上 `"`', 'Add the closing `"` on the same line'),
    )


def single_quotes(span: Span, inside: str) -> Diagnostic:
    return _mistake(
        "E208",
        span,
        ("文字不能用单引号", "Text does not stand in single quotes"),
        (f'请改为双引号：`"{inside}"`', f'Write `"{inside}"`'),
    )


def bad_escape(span: Span, written: str) -> Diagnostic:
    return _mistake(
        "E209",
        span,
        (f"文字中的 `{written}` 没有含义", f"`{written}` has no meaning inside text"),
        (
            r"只能使用 `\"`、`\\`、`\n`、`\r`、`\t`、`\uXXXX`；反斜杠本身写作 `\\`",
            r"Use `\"`, `\\`, `\n`, `\r`, `\t` or `\uXXXX`; a backslash itself is `\\`",
        ),
    )


def wrong_operator(span: Span, written: str, right: str) -> Diagnostic:
    return _mistake(
        "E210",
        span,
        (f"没有 `{written}` 这个运算符", f"There is no operator `{written}`"),
        (f"请写 `{right}`", f"Write `{right}`"),
    )


def thousands(span: Span, written: str) -> Diagnostic:
    plain = written.replace(",", "")
    return _mistake(
        "E211",
        span,
        (f"数字 `{written}` 中不能有千分位逗号", f"The number `{written}` holds commas"),
        (
            f"请写 `{plain}`；如果是几个值，请在逗号后加空格",
            f"Write `{plain}`, or a space after each comma if these are several values",
        ),
    )


def number_too_long(span: Span, limit: int) -> Diagnostic:
    return _mistake(
        "E212",
        span,
        (f"数字超过 {limit} 位", f"The number has more than {limit} digits"),
        ("请写较短的数字", "Write a shorter number"),
    )


def number_spelling(span: Span, written: str, right: str) -> Diagnostic:
    return _mistake(
        "E213",
        span,
        (f"数字不能写成 `{written}`", f"A number is not written `{written}`"),
        (f"请写 `{right}`", f"Write `{right}`"),
    )


def leading_zero(span: Span, written: str, right: str) -> Diagnostic:
    return _mistake(
        "E213",
        span,
        (f"数字 `{written}` 以零开头", f"The number `{written}` begins with a zero"),
        (
            f'请写 `{right}`；如果是代码，请写 `"{written}"`',
            f'Write `{right}`, or `"{written}"` if it is a code',
        ),
    )


def unit_after_number(span: Span, number: str, unit: str) -> Diagnostic:
    return _mistake(
        "E213",
        span,
        (f"数字 `{number}` 之后不写单位 `{unit}`", f"The number `{number}` is followed by the unit `{unit}`"),
        (
            "请只写数字，金额以元为单位，例如 `50000`",
            "Write the number alone, in yuan if it is money, such as `50000`",
        ),
    )


def lone_percent(span: Span) -> Diagnostic:
    return _mistake(
        "E213",
        span,
        ("`%` 只能紧跟在数字之后", "`%` stands only directly after a number"),
        ("请写成 `75%`；没有取余运算", "Write it as in `75%`; there is no remainder operator"),
    )


def unclosed_bracket(span: Span, opening: str, closing: str) -> Diagnostic:
    return _mistake(
        "E214",
        span,
        (f"`{opening}` 没有对应的 `{closing}`", f"`{opening}` is never closed"),
        (f"请补上 `{closing}`", f"Add the `{closing}`"),
    )


def unopened_bracket(span: Span, closing: str) -> Diagnostic:
    return _mistake(
        "E214",
        span,
        (f"`{closing}` 没有对应的左括号", f"`{closing}` closes nothing"),
        (f"请删去 `{closing}`，或补上左括号", f"Remove the `{closing}`, or add the bracket it closes"),
    )


def mismatched_bracket(span: Span, opening: str, closing: str, right: str, opened: Span) -> Diagnostic:
    return Diagnostic(
        "E214",
        span,
        Message(f"`{opening}` 不能由 `{closing}` 结束", f"`{opening}` is closed by `{closing}`"),
        Message(f"请写 `{right}`", f"Write `{right}`"),
        ((opened, Message("左括号在这里", "the bracket is opened here")),),
    )


def keyword_as_name(span: Span, word: str) -> Diagnostic:
    return _mistake(
        "E215",
        span,
        (f"`{word}` 是语言的关键字，不能作名称", f"`{word}` is a word of the language and cannot be a name"),
        ("请改用别的名称", "Choose another name"),
    )


def keyword_for_value(span: Span, word: str) -> Diagnostic:
    return _mistake(
        "E215",
        span,
        (
            f"`{word}` 是语言的关键字，它之前缺少一个值",
            f"`{word}` is a word of the language, and a value is missing before it",
        ),
        ("请补上这个值；如果它是名称，请改名", "Write the value; if it is meant as a name, choose another"),
    )


def name_missing(span: Span, after: str) -> Diagnostic:
    return _mistake(
        "E216",
        span,
        (f"`{after}` 之后缺少名称", f"A name is missing after `{after}`"),
        ("请写出名称", "Write the name"),
    )


def name_spelling(span: Span, written: str, right: str) -> Diagnostic:
    return _mistake(
        "E216",
        span,
        (f"名称不能写成 `{written}`", f"A name is not written `{written}`"),
        (
            f"请写 `{right}`：英文名称用小写字母、数字和下划线，以字母开头",
            f"Write `{right}`: names are lower case letters, digits and underscores, a letter first",
        ),
    )


def keyword_spelling(span: Span, written: str, right: str) -> Diagnostic:
    return _mistake(
        "E216",
        span,
        (f"`{written}` 应当小写", f"`{written}` is not written in capitals"),
        (f"请写 `{right}`", f"Write `{right}`"),
    )


def mixed_name(span: Span, written: str) -> Diagnostic:
    return _mistake(
        "E216",
        span,
        (
            f"名称 `{written}` 以字母开头，却含有汉字",
            f"The name `{written}` begins with a letter and goes on in Chinese",
        ),
        ("请以汉字开头，或全用字母", "Begin it with the Chinese part, or use letters only"),
    )


def spaced_name(span: Span, words: str, joined: str) -> Diagnostic:
    return _mistake(
        "E216",
        span,
        (f"名称 `{words}` 中不能有空格", f"A name holds no spaces: `{words}`"),
        (
            f"请写 `{joined}`，或在两个名称之间写运算符",
            f"Write `{joined}`, or an operator between the two names",
        ),
    )


def brackets_for_function(span: Span, function: str) -> Diagnostic:
    return _mistake(
        "E217",
        span,
        (f"函数 `{function}` 之后缺少括号", f"The function `{function}` lacks its brackets"),
        (f"请写 `{function}(…)`", f"Write `{function}(…)`"),
    )


def call_after_dot(span: Span, function: str) -> Diagnostic:
    return _mistake(
        "E217",
        span,
        (f"函数 `{function}` 不能写在 `.` 之后", f"The function `{function}` does not stand after `.`"),
        (
            f"请写 `{function}(…)`，把值放在括号内",
            f"Write `{function}(…)` with the value inside the brackets",
        ),
    )


def not_without_brackets(span: Span) -> Diagnostic:
    return _mistake(
        "E217",
        span,
        ("`not` 之后缺少括号", "`not` lacks its brackets"),
        ("请写 `not(…)`", "Write `not(…)`"),
    )


def not_inside(span: Span) -> Diagnostic:
    return _mistake(
        "E217",
        span,
        ("`not` 不能写在值之后", "`not` does not stand after a value"),
        (
            "请写 `not(x in (…))`，把整个条件放在括号内",
            "Write `not(x in (…))`, with the whole condition inside",
        ),
    )


def quoted_argument(span: Span, function: str) -> Diagnostic:
    example = "2026-01-31" if function == "date" else "P12M"
    return _mistake(
        "E218",
        span,
        (f"`{function}` 只接受一段双引号内的文字", f"`{function}` takes one text in double quotes"),
        (f'请写成 `{function}("{example}")`', f'Write it as in `{function}("{example}")`'),
    )


def chained_comparison(span: Span, word: str) -> Diagnostic:
    return _mistake(
        "E219",
        span,
        (f"比较不能连写：`{word}`", f"Comparisons do not chain: a second one begins at `{word}`"),
        (
            "请用 `and` 连接两个比较，或写 `x in [a..b]`，或加括号",
            "Join two comparisons with `and`, write `x in [a..b]`, or add brackets",
        ),
    )


def half_comparison(span: Span, word: str) -> Diagnostic:
    return _mistake(
        "E219",
        span,
        (f"`{word}` 左边没有要比较的值", f"`{word}` has nothing on its left to compare"),
        (
            "请重复左边的值（`x > 5 and x < 10`），或写区间 `(5..10)`",
            "Repeat the value (`x > 5 and x < 10`), or write a range: `(5..10)`",
        ),
    )


def joined_tests(span: Span, word: str) -> Diagnostic:
    return _mistake(
        "E219",
        span,
        (f"`{word}` 不能连接测试", f"`{word}` does not join tests"),
        (
            "满足其一用逗号分隔；同时有上下限写区间，例如 `[5..10)`",
            "Separate alternatives by commas; for two bounds write a range such as `[5..10)`",
        ),
    )


def chained_power(span: Span) -> Diagnostic:
    return _mistake(
        "E219",
        span,
        ("`**` 不能连写", "Powers do not chain"),
        ("请加括号：`a ** (b ** c)`", "Add brackets, as in `a ** (b ** c)`"),
    )


def needs_brackets(span: Span, word: str) -> Diagnostic:
    return _mistake(
        "E220",
        span,
        (f"`{word}` 在另一个运算之内须加括号", f"`{word}` inside another operation needs brackets"),
        (f"请写 `({word} …)`", f"Write `({word} …)`"),
    )


def part_missing(span: Span, word: str, part: str) -> Diagnostic:
    return _mistake(
        "E221",
        span,
        (f"`{word}` 缺少 `{part}`", f"`{word}` lacks its `{part}`"),
        (f"请补上 `{part} …`", f"Add `{part} …`"),
    )


def part_alone(span: Span, part: str, word: str) -> Diagnostic:
    return _mistake(
        "E221",
        span,
        (f"`{part}` 之前没有 `{word}`", f"`{part}` has no `{word}` before it"),
        (f"请补上 `{word}`，或删去 `{part}`", f"Add the `{word}`, or remove `{part}`"),
    )


def known_or_unknown(span: Span) -> Diagnostic:
    return _mistake(
        "E222",
        span,
        ("询问值是否已知的写法不对", "Whether a value is known is asked in two ways only"),
        ("请写 `x is known` 或 `x is unknown`", "Write `x is known` or `x is unknown`"),
    )


def no_null(span: Span) -> Diagnostic:
    return _mistake(
        "E222",
        span,
        ("没有 `null` 这个值", "There is no value `null`"),
        ("缺失的事实用 `x is unknown` 询问", "Ask for a missing fact with `x is unknown`"),
    )


def range_out_of_place(span: Span) -> Diagnostic:
    return _mistake(
        "E223",
        span,
        (
            "区间只能写在 `in` 之后或单元格中，并带括号",
            "A range stands only after `in` or in a cell, in brackets",
        ),
        ("请写成 `x in [a..b]` 或 `x in [a..b)`", "Write it as in `x in [a..b]` or `x in [a..b)`"),
    )


def comma_out_of_place(span: Span) -> Diagnostic:
    return _mistake(
        "E224",
        span,
        ("这里的 `,` 没有分隔任何内容", "`,` separates nothing here"),
        (
            "逗号只用在函数、`[a, b]`、`in (a, b)` 中，以及单元格的括号之外",
            "Commas stand in functions, in `[a, b]`, in `in (a, b)` and, outside brackets, in cells",
        ),
    )


def too_deep(span: Span, limit: int) -> Diagnostic:
    return _mistake(
        "E225",
        span,
        (f"公式嵌套超过 {limit} 层", f"The formula is nested more than {limit} deep"),
        ("请拆成几个决定", "Split it into several decisions"),
    )


def too_long(span: Span, limit: int) -> Diagnostic:
    return _mistake(
        "E225",
        span,
        (f"公式超过 {limit} 个字符", f"The formula has more than {limit} characters"),
        ("请拆成几个决定", "Split it into several decisions"),
    )
