"""Every mistake the document room can find, one named function each.

In: the place and the words involved. Out: a `Diagnostic` in both languages.
Invariants: codes E101 to E149; each has one meaning and is never reused. E101-E119 a file as text
and as YAML, E120-E139 its shape, E140-E149 what files and overlays say together.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from mianshen.source import Diagnostic, Message, Span, is_key, nearest

Also = tuple[tuple[Span, Message], ...]


def _mistake(
    code: str, span: Span, what: tuple[str, str], fix: tuple[str, str], also: Also = ()
) -> Diagnostic:
    return Diagnostic(code, span, Message(*what), Message(*fix), also)


def shown(text: str) -> str:
    """A piece of the user's text, short and on one line."""
    line = " ".join(text.split())
    return line if len(line) <= 40 else line[:37] + "..."


def listed(names: Iterable[str], most: int = 20) -> tuple[str, str]:
    """Names as a Chinese and an English list, cut when long."""
    names = list(names)
    more = ("等", ", …") if len(names) > most else ("", "")
    return "、".join(names[:most]) + more[0], ", ".join(names[:most]) + more[1]


def _suggest(name: str, known: Iterable[str], zh: str, en: str) -> tuple[str, str]:
    """`Perhaps x is meant`, or the names there are; `zh` and `en` introduce the list."""
    known = list(known)
    if close := nearest(name, known):
        return f"也许想写 {close}", f"Perhaps {close} is meant"
    if not known:
        return "删去它", "Delete it"
    list_zh, list_en = listed(known)
    return f"{zh}：{list_zh}", f"{en}: {list_en}"


# A file as text


def cannot_read(file: str, error: Exception) -> Diagnostic:
    if isinstance(error, FileNotFoundError):
        why = ("没有这个文件或文件夹", "there is no such file or folder")
    elif isinstance(error, PermissionError):
        why = ("没有读取权限", "reading it is not permitted")
    elif isinstance(error, IsADirectoryError):
        why = ("这是文件夹，不是文件", "it is a folder, not a file")
    else:
        reason = getattr(error, "strerror", None) or str(error)
        why = (reason, reason)
    return _mistake(
        "E101",
        Span(file, 1, 1),
        (f"无法读取：{why[0]}", f"cannot be read: {why[1]}"),
        ("检查路径与权限", "Check the path and its permissions"),
    )


def not_utf8(span: Span, content: bytes) -> Diagnostic:
    what = ("从这里起不是 UTF-8 编码", "from here on the file is not UTF-8")
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        what = ("文件是 UTF-16 编码", "the file is UTF-16")
    return _mistake("E102", span, what, ("将文件另存为 UTF-8", "Save the file as UTF-8"))


def refused_character(span: Span, char: str) -> Diagnostic:
    name = f"U+{ord(char):04X}"
    return _mistake(
        "E103",
        span,
        (f"不允许出现不可见字符 {name}", f"the invisible character {name} is not allowed"),
        (
            f"删去它，或在双引号内写作 {_escaped(char)}",
            f"Delete it, or write {_escaped(char)} inside double quotes",
        ),
    )


def _escaped(char: str) -> str:
    return f"\\x{ord(char):02x}" if ord(char) < 0x100 else f"\\u{ord(char):04x}"


def no_files(folder: str) -> Diagnostic:
    return _mistake(
        "E104",
        Span(folder, 1, 1),
        ("文件夹中没有 *.yaml 文件", "the folder holds no *.yaml file"),
        ("给出规则库所在的文件夹", "Name the folder that holds the rulebook"),
    )


def wrong_ending(file: str) -> Diagnostic:
    return _mistake(
        "E105",
        Span(file, 1, 1),
        ("以 .yml 结尾的文件不会被读取", "a file that ends in .yml is not read"),
        ("改名为 .yaml", "Rename it to .yaml"),
    )


# A file as YAML


def syntax(span: Span, what: Message, fix: Message, also: Also = ()) -> Diagnostic:
    """Not YAML, in a way `what` tells."""
    return Diagnostic("E106", span, what, fix, also)


def tab(span: Span) -> Diagnostic:
    return _mistake(
        "E107",
        span,
        ("缩进用了制表符", "a tab is used as indentation"),
        ("改用空格", "Use spaces"),
    )


def full_width(span: Span, char: str, ascii_char: str) -> Diagnostic:
    return _mistake(
        "E108",
        span,
        (f"这里用了全角的 {char}", f"the full-width {char} has no meaning here"),
        (f"改用半角 {ascii_char}", f"Write {ascii_char}"),
    )


def bad_escape(span: Span) -> Diagnostic:
    return _mistake(
        "E109",
        span,
        ("双引号内的反斜杠转义无效", "this backslash escape is not valid inside double quotes"),
        ("反斜杠写作 \\\\，或改用单引号", "Write the backslash as \\\\, or use single quotes"),
    )


def unclosed_quote(span: Span) -> Diagnostic:
    return _mistake(
        "E110",
        span,
        ("引号没有闭合", "this quote is never closed"),
        ("补上结尾的引号", "Add the closing quote"),
    )


def doubled_key(span: Span, key: str, first: Span) -> Diagnostic:
    """A key that may be somebody's data is not repeated."""
    zh, en = (shown(key), shown(key)) if is_key(key, ()) else ("这一项", "this key")
    return _mistake(
        "E111",
        span,
        (f"{zh} 写了两次", f"{en} is written twice"),
        ("保留一个，或改名", "Keep one, or rename one"),
        ((first, Message("第一次在这里", "first written here")),),
    )


def unknown_alias(span: Span, name: str, known: Iterable[str]) -> Diagnostic:
    zh, en = _suggest(name, known, "已有的锚点", "The anchors so far are")
    if not list(known):
        zh, en = "以 * 开头的文字要加引号", "Put text that begins with * in quotes"
    return _mistake("E112", span, (f"没有锚点 &{name}", f"there is no anchor &{name}"), (zh, en))


def alias_cycle(span: Span, name: str) -> Diagnostic:
    return _mistake(
        "E113",
        span,
        (f"*{name} 引用了它自己所在的内容", f"*{name} refers to what it stands in"),
        ("写出内容本身", "Write the content out"),
    )


def aliases_explode(span: Span, most: int) -> Diagnostic:
    return _mistake(
        "E114",
        span,
        (f"引用（*）展开后超过 {most} 项", f"the aliases stand for more than {most} items once written out"),
        ("少用引用", "Use fewer aliases"),
    )


def too_deep(span: Span, most: int) -> Diagnostic:
    return _mistake(
        "E115",
        span,
        (f"嵌套超过 {most} 层", f"nested more than {most} levels deep"),
        ("减少嵌套", "Nest less"),
    )


def merge_key(span: Span) -> Diagnostic:
    return _mistake(
        "E116",
        span,
        ("不支持合并键 <<", "the merge key << is not supported"),
        ("写出各项，或使用 defaults", "Write the entries out, or use defaults"),
    )


def tag(span: Span) -> Diagnostic:
    return _mistake(
        "E117",
        span,
        ("不支持 YAML 标签（!）", "YAML tags (!) are not supported"),
        ("删去标签；以 ! 开头的文字要加引号", "Delete it; put text that begins with ! in quotes"),
    )


def several_documents(span: Span) -> Diagnostic:
    return _mistake(
        "E118",
        span,
        ("一个文件只能有一份 YAML 文档", "a file holds one YAML document only"),
        ("删去 ---，或拆成两个文件", "Delete the ---, or split the file"),
    )


def bad_key(span: Span) -> Diagnostic:
    return _mistake(
        "E119",
        span,
        ("键必须是一段不为空的文字", "a key must be a piece of text, and not empty"),
        ("把键写成 `名称:`", "Write the key as `name:`"),
    )


# The shape of a file


def wrong_kind(span: Span, expected: Message, found: Message) -> Diagnostic:
    return _mistake(
        "E120",
        span,
        (
            f"这里应是{expected.zh}，而写的是{found.zh}",
            f"{expected.en} is expected here, and {found.en} is written",
        ),
        (f"写成{expected.zh}", f"Write {expected.en}"),
    )


def unknown_key(span: Span, key: str, known: Iterable[str]) -> Diagnostic:
    fix = _suggest(key, known, "可用的键", "The keys here are")
    key = shown(key)
    return _mistake("E121", span, (f"没有 {key} 这个键", f"there is no key {key} here"), fix)


def missing_key(span: Span, key: str, example: str) -> Diagnostic:
    """`example` is a value the key may have, or empty."""
    such_zh, such_en = (f"，例如 {key}: {example}", f", such as {key}: {example}") if example else ("", "")
    return _mistake(
        "E122",
        span,
        (f"缺少 {key}", f"{key} is missing"),
        (f"补上它{such_zh}", f"Add it{such_en}"),
    )


def empty_value(span: Span, key: str) -> Diagnostic:
    of = f" {shown(key)} " if key else ""
    return _mistake(
        "E123",
        span,
        (f"{of}没有写值".strip(), f"{shown(key) or 'the item'} has no value"),
        ("写上值，或删去这一行", "Give it a value, or delete the line"),
    )


def bad_name(span: Span, name: str) -> Diagnostic:
    better = _snake_case(name)
    such_zh, such_en = (f"，例如 {better}", f", such as {better}") if better else ("", "")
    return _mistake(
        "E124",
        span,
        (f"{shown(name)} 不能作名称", f"{shown(name)} is not a name"),
        (
            f"名称以小写字母或汉字开头，其后用小写字母、数字、下划线（以汉字开头的还可用汉字）{such_zh}",
            f"Begin with a lower-case or Chinese letter; go on with those, digits and underscores{such_en}",
        ),
    )


def _snake_case(name: str) -> str:
    """`totalCost`, `total-cost` as `total_cost`; empty when that gives no name."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[\s-]+", "_", name.strip()).lower()
    return words if re.fullmatch("[a-z][a-z0-9_]{0,39}", words) else ""


def not_one_of(span: Span, written: str, allowed: Iterable[str]) -> Diagnostic:
    fix = _suggest(written, allowed, "可写", "Write one of")
    return _mistake("E125", span, (f"不能写 {shown(written)}", f"{shown(written)} is not allowed here"), fix)


def not_a_day(span: Span, written: str) -> Diagnostic:
    return _mistake(
        "E126",
        span,
        (f"{shown(written)} 不是日期", f"{shown(written)} is not a date"),
        ("写成 年-月-日，例如 2026-01-31", "Write year-month-day, such as 2026-01-31"),
    )


def not_a_flag(span: Span, written: str) -> Diagnostic:
    meant = {"yes": "true", "on": "true", "1": "true", "y": "true", "t": "true", "是": "true"}
    meant |= {"no": "false", "off": "false", "0": "false", "n": "false", "f": "false", "否": "false"}
    word = written.strip().lower()
    answer = word if word in ("true", "false") else meant.get(word)
    return _mistake(
        "E127",
        span,
        (f"{shown(written)} 不是真假值", f"{shown(written)} is not true or false"),
        (f"写 {answer}", f"Write {answer}") if answer else ("写 true 或 false", "Write true or false"),
    )


def not_an_area(span: Span, written: str) -> Diagnostic:
    return _mistake(
        "E128",
        span,
        (f"{shown(written)} 不是行政区划代码", f"{shown(written)} is not an area code"),
        (
            "写 GB/T 2260 的两位、四位或六位数字，例如 31 或 310113",
            "Write two, four or six digits of GB/T 2260, such as 31 or 310113",
        ),
    )


def empty_text(span: Span) -> Diagnostic:
    return _mistake(
        "E129",
        span,
        ("文字为空", "the text is empty"),
        ("写上内容，或删去这个键", "Write something, or delete the key"),
    )


def other_shape(span: Span, reason: str) -> Diagnostic:
    """What no other shape mistake covers; `reason` is the validator's own English sentence."""
    return _mistake(
        "E130",
        span,
        (f"写法不符合要求（{reason}）", f"this cannot stand here ({reason})"),
        ("对照规则库的 JSON Schema 修改", "Compare it with the rulebook's JSON Schema"),
    )


def defined_twice(span: Span, name: str, first: Span) -> Diagnostic:
    return _mistake(
        "E131",
        span,
        (f"{shown(name)} 重复定义", f"{shown(name)} is defined twice"),
        ("保留一个，或改名", "Keep one, or rename one"),
        ((first, Message("第一次在这里", "first defined here")),),
    )


# What files and overlays say together


def overlay_among_files(span: Span) -> Diagnostic:
    return _mistake(
        "E140",
        span,
        ("调整文件（overlay）不能混在规则库文件中", "an overlay cannot stand among the files of a rulebook"),
        (
            "移到名为 overlays 的文件夹，使用时再指明",
            "Move it into a folder named overlays, and name it when it is wanted",
        ),
    )


def exists_already(span: Span, name: str, first: Span, *, replaceable: bool) -> Diagnostic:
    fix = ("要替换它，写在 replace 下", "To change it, write it under replace")
    return _mistake(
        "E141",
        span,
        (f"{shown(name)} 已经存在", f"{shown(name)} exists already"),
        fix if replaceable else ("换一个名称", "Give it another name"),
        ((first, Message("已在这里定义", "defined here")),),
    )


def nothing_to_replace(span: Span, name: str, known: Iterable[str]) -> Diagnostic:
    zh, en = _absent(name, known, "要新增它，移到 replace 之外", "To add it, move it out of replace")
    return _mistake(
        "E142", span, (f"没有 {shown(name)} 可替换", f"there is no {shown(name)} to replace"), (zh, en)
    )


def nothing_to_remove(span: Span, name: str, known: Iterable[str]) -> Diagnostic:
    fix = _absent(name, known, "从 remove 中删去它", "Delete it from remove")
    return _mistake("E143", span, (f"没有 {shown(name)} 可移除", f"there is no {shown(name)} to remove"), fix)


def nothing_to_switch_on(span: Span, name: str, planned: Iterable[str]) -> Diagnostic:
    fix = _absent(name, planned, "从 switch_on 中删去它", "Delete it from switch_on")
    return _mistake(
        "E144",
        span,
        (
            f"没有名为 {shown(name)} 的待实施（planned）规定或决策表",
            f"no planned provision or table is named {shown(name)}",
        ),
        fix,
    )


def _absent(name: str, known: Iterable[str], zh: str, en: str) -> tuple[str, str]:
    if close := nearest(name, known):
        return f"也许想写 {close}", f"Perhaps {close} is meant"
    return zh, en


def applied_twice(span: Span, name: str) -> Diagnostic:
    return _mistake(
        "E145",
        span,
        (f"调整 {shown(name)} 用了两次", f"the overlay {shown(name)} is applied twice"),
        ("只指明一次", "Name it once"),
    )


def not_an_overlay(span: Span) -> Diagnostic:
    return _mistake(
        "E146",
        span,
        ("这不是调整文件：缺少 overlay", "this is not an overlay: overlay is missing"),
        (
            "补上 overlay: {name: …, title: …}",
            "Add overlay: {name: ..., title: ...}",
        ),
    )
