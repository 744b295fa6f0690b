"""What can be wrong with a file of records: one constructor a mistake, its code never reused."""

from __future__ import annotations

from collections.abc import Iterable

from mianshen.document.diagnostics import listed, shown
from mianshen.source import Diagnostic, Message, Span

Words = tuple[str, str]  # Chinese, English


def _mistake(code: str, span: Span, what: Words, fix: Words) -> Diagnostic:
    return Diagnostic(code, span, Message(*what), Message(*fix))


def cannot_read(span: Span, en: str, zh: str) -> Diagnostic:
    return _mistake(
        "E501",
        span,
        (f"文件无法读取：{zh}", f"the file cannot be read: {en}"),
        ("请检查路径和文件格式", "Check the path and the format"),
    )


def no_header(span: Span, key: str, better: int | None = None) -> Diagnostic:
    """`better`: a later line that has the names of columns."""
    titles = (
        f"列名在第 {better} 行：请删去前面的标题行，或在映射里写 title_lines: {(better or 1) - 1}",
        f"Line {better} has them: remove the title above, or write title_lines: {(better or 1) - 1} in a mapping",
    )
    return _mistake(
        "E542",
        span,
        ("第一行没有任何已知的列名", "no cell of the first line is a column's name"),
        titles
        if better is not None
        else (
            f"请在第一行写列名，如 {key}；或用 --mapping 对照列名",
            f"Begin the file with a line of column names, such as {key}, or name the columns with --mapping",
        ),
    )


def unknown_column(span: Span, name: str | None, number: int, near: str | None) -> Diagnostic:
    """`name` is None where the cell may be somebody's data."""
    zh, en = (f"第 {number} 列", f"no. {number}") if name is None else (shown(name), shown(name))
    fix = (
        (
            "请删除该列，在 --mapping 的 ignore 里略过它，或在词汇表中声明",
            "Remove the column, name it under ignore in a --mapping, or declare it in the vocabulary",
        )
        if near is None
        else (f"也许想写 {near}", f"Perhaps {near} is meant")
    )
    return _mistake("E502", span, (f"未知的列 {zh}", f"unknown column {en}"), fix)


def doubled_column(span: Span, name: str | None) -> Diagnostic:
    """`name` is None where the cell may be somebody's data."""
    named = "" if name is None else f" {shown(name)}"
    return _mistake(
        "E503",
        span,
        (f"列{named} 出现两次（不分大小写）", f"the column{named} stands twice, in upper or lower case"),
        ("请只保留一列", "Keep one of them"),
    )


def missing_column(span: Span, name: str) -> Diagnostic:
    return _mistake(
        "E504",
        span,
        (f"缺少必需的列 {name}", f"the required column {name} is missing"),
        ("请补充该列", "Add the column"),
    )


def wrong_column(span: Span, name: str, found: str, wanted: Message) -> Diagnostic:
    return _mistake(
        "E505",
        span,
        (
            f"列 {name} 的类型为 {found}，无法从中精确读取",
            f"the column {name} is {found}, from which it cannot be read exactly",
        ),
        (f"请改为 {wanted.zh}", f"Write it as {wanted.en}"),
    )


def not_utf8(span: Span) -> Diagnostic:
    return _mistake(
        "E508",
        span,
        ("文件不是 UTF-8 编码", "the file is not UTF-8"),
        ("请用 --encoding 写明编码，或另存为 UTF-8", "Say what it is with --encoding, or save it as UTF-8"),
    )


def no_such_encoding(written: str, known: Iterable[str], entities: Iterable[str]) -> Diagnostic:
    owners = list(entities)
    return _mistake(
        "E580",
        Span("--encoding", 1, 1),
        (f"没有 {shown(written)} 这样的编码", f"there is no encoding such as {shown(written)}"),
        (
            f"可写 {'、'.join(known)}，或如 {owners[0]}s=gb18030",
            f"It takes {', '.join(known)}, or one input's alone, such as {owners[0]}s=gb18030",
        ),
    )


def rather_utf_8(span: Span) -> Diagnostic:
    return _mistake(
        "E589",
        span,
        (
            "文件说是 GB18030，而按 UTF-8 读出的是通顺的汉字",
            "the file is said to be GB18030, and is Chinese text in UTF-8",
        ),
        (
            "--encoding 只对一种输入时请写明，如 claims=gb18030",
            "Say --encoding of the input that needs it alone, such as claims=gb18030",
        ),
    )


def doubtful(span: Span, read: str, meant: str) -> Diagnostic:
    """A file that is UTF-8 as it stands, and would be plain Chinese in GB18030."""
    return _mistake(
        "E581",
        span,
        (
            f"文件按 UTF-8 读出“{read}”这类字符，按 GB18030 则是“{meant}”，编码可能有误",
            f"read as UTF-8 the file has characters such as {read}, which in GB18030 would be {meant}",
        ),
        (
            "请用 --encoding 写明这个文件的编码，如 claims=gb18030",
            "Say with --encoding what this file is in, such as claims=gb18030",
        ),
    )


def ragged(span: Span, wanted: int, found: int) -> Diagnostic:
    """A line with fewer cells than the header (`found`), or with more."""
    zh, en = (f"只有 {found} 列", str(found)) if found < wanted else ("有更多列", "more")
    return _mistake(
        "E509",
        span,
        (f"表头有 {wanted} 列，而这一行{zh}", f"the header has {wanted} columns, and this line has {en}"),
        (
            "请补齐或删去多余的单元格，含逗号的单元格要加引号",
            "Give the line as many cells, and quote a cell that holds a comma",
        ),
    )


def bad_quotes(span: Span) -> Diagnostic:
    return _mistake(
        "E510",
        span,
        ("引号没有成对，或引号后还有文字", "a quotation mark is not closed, or text follows a closed one"),
        ('单元格内的引号请写成两个（""）', 'Write a quotation mark inside a cell twice ("")'),
    )


def mixed_endings(span: Span) -> Diagnostic:
    return _mistake(
        "E511",
        span,
        ("各行的换行符不一致", "this line does not end like the first one"),
        (
            "请统一用 LF 或 CRLF 换行，单元格内的换行要加引号",
            "End every line the same way, LF or CRLF, and quote a cell that holds a line break",
        ),
    )


def bad_csv(span: Span) -> Diagnostic:
    return _mistake(
        "E512",
        span,
        ("不是规范的 CSV", "this is not well-formed CSV"),
        ("请重新导出为 CSV 或 Parquet", "Export it again, as CSV or Parquet"),
    )


def bad_parquet(span: Span) -> Diagnostic:
    return _mistake(
        "E513",
        span,
        ("不是完好的 Parquet 文件", "this is not an intact Parquet file"),
        ("请重新导出", "Export it again"),
    )


def packed(span: Span, kind: str) -> Diagnostic:
    return _mistake(
        "E514",
        span,
        (f"文件是压缩包（{kind}）", f"the file is packed ({kind})"),
        ("请先解压；可直接读取 .csv.gz 和 .xlsx", "Unpack it; .csv.gz and .xlsx are read as they are"),
    )


def other_separator(span: Span, separator: str) -> Diagnostic:
    return _mistake(
        "E515",
        span,
        (f"列以 {separator} 分隔", f"the columns are separated by {separator}"),
        ("请改用英文逗号或制表符分隔", "Separate them by commas or tabs"),
    )


def no_sheet(span: Span, sheet: str, sheets: Iterable[str]) -> Diagnostic:
    zh, en = listed(list(sheets))
    return _mistake(
        "E582",
        span,
        (f"工作簿中没有 {shown(sheet)} 这张表", f"the workbook has no sheet {shown(sheet)}"),
        (f"可用的有：{zh}", f"It has: {en}"),
    )


def bad_workbook(span: Span) -> Diagnostic:
    return _mistake(
        "E583",
        span,
        ("不是完好的工作簿，或设有打开密码", "this is not an intact workbook, or it asks for a password"),
        (
            "请重新保存，去掉密码，或另存为 CSV（UTF-8）",
            "Save it again without a password, or as CSV (UTF-8)",
        ),
    )


def encrypted(span: Span) -> Diagnostic:
    return _mistake(
        "E584",
        span,
        ("文件已加密", "the file is encrypted"),
        ("请解密后再读", "Take the password off and name the file again"),
    )


def oversized(span: Span) -> Diagnostic:
    return _mistake(
        "E585",
        span,
        ("解压后过大，可能已损坏", "it unpacks to far more than a workbook holds"),
        ("请另存为 CSV 或 Parquet", "Save it as CSV or Parquet"),
    )


def bad_json_line(span: Span) -> Diagnostic:
    return _mistake(
        "E586",
        span,
        ("这一行不是 JSON 对象，或其中有嵌套", "this line is no JSON object of single values and lists"),
        (
            "每行写一个对象，值为文本、数值、true、false、null 或其列表",
            "Write one object a line, its values texts, numbers, true, false, null or lists",
        ),
    )


def nameless_column(span: Span, number: int) -> Diagnostic:
    return _mistake(
        "E516",
        span,
        (f"第 {number} 列没有列名", f"column {number} has no name"),
        ("请命名或删除该列", "Name it or remove it"),
    )


def named_twice(file: str) -> Diagnostic:
    return _mistake(
        "E522",
        Span(file, 1, 1),
        ("同一个文件给出了两次", "the file is named twice"),
        ("请只写一次，否则每条记录都会重复", "Name it once, or every record of it is there twice"),
    )


def nothing_matches(pattern: str) -> Diagnostic:
    return _mistake(
        "E523",
        Span(pattern, 1, 1),
        ("没有与之匹配的文件", "no file matches it"),
        ("请检查路径，并给通配符加引号", "Check the path, and quote a pattern for the shell"),
    )


def not_records(folder: str, file: str) -> Diagnostic:
    return _mistake(
        "E524",
        Span(folder, 1, 1),
        (
            f"文件夹中的 {shown(file)} 不是可读的表",
            f"{shown(file)} in the folder is no table that can be read",
        ),
        (
            "请移走，或逐个列出文件（.csv、.tsv、.csv.gz、.parquet、.xlsx、.jsonl）",
            "Move it away, or name the files one by one (.csv, .tsv, .csv.gz, .parquet, .xlsx, .jsonl)",
        ),
    )


def empty_folder(folder: str) -> Diagnostic:
    return _mistake(
        "E525",
        Span(folder, 1, 1),
        ("文件夹中没有记录文件", "the folder holds no file of records"),
        ("请检查路径", "Check the path"),
    )


def undecodable(span: Span, encoding: str) -> Diagnostic:
    return _mistake(
        "E526",
        span,
        (f"此处的字节不是 {encoding} 编码", f"the bytes here are not {encoding}"),
        ("请检查 --encoding，或重新导出该文件", "Check --encoding, or export the file again"),
    )


def bad_gzip(span: Span) -> Diagnostic:
    return _mistake(
        "E527",
        span,
        ("压缩文件不完整或已损坏（gzip）", "this is not an intact gzip file"),
        ("请重新压缩或重新导出", "Pack or export it again"),
    )


def no_extra(address: str, extra: str) -> Diagnostic:
    return _mistake(
        "E587",
        Span(address, 1, 1),
        (f"读写它需要附加组件 {extra}，尚未安装", f"this needs the extra {extra}, which is not installed"),
        (f"请安装：pip install 'mianshen[{extra}]'", f"Install it: pip install 'mianshen[{extra}]'"),
    )


def view_reads_files(address: str) -> Diagnostic:
    return _mistake(
        "E588",
        Span(address, 1, 1),
        ("这个视图读取了数据库之外的文件", "this view reads files beside its database"),
        ("请先把它存成表，再给出该表", "Make a table of it, and name that table"),
    )


def no_table(address: str, table: str) -> Diagnostic:
    return _mistake(
        "E536",
        Span(address, 1, 1),
        (f"数据库中没有 {shown(table)} 这张表", f"the database has no table {shown(table)}"),
        ("请检查 ?table= 后的名称", "Check the name after ?table="),
    )


def bad_database(address: str) -> Diagnostic:
    return _mistake(
        "E537",
        Span(address, 1, 1),
        (
            "数据库无法读写，或正被其他程序占用",
            "the database cannot be read or written, or another program holds it",
        ),
        ("请检查文件，并关闭占用它的程序", "Check the file, and close what holds it"),
    )
