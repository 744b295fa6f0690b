"""What can be wrong with a file of records: one constructor a mistake, its code never reused."""

from __future__ import annotations

from mianshen.document.diagnostics import shown
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


def no_header(span: Span, key: str) -> Diagnostic:
    return _mistake(
        "E542",
        span,
        ("第一行没有任何已知的列名", "no cell of the first line is a column's name"),
        (
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


def doubled_column(span: Span, name: str) -> Diagnostic:
    return _mistake(
        "E503",
        span,
        (f"列 {name} 出现两次", f"the column {name} stands twice"),
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


def not_utf8(span: Span, encoding: str | None) -> Diagnostic:
    """`encoding`: what it seems to be instead."""
    like = ("", "") if encoding is None else (f"，像是 {encoding}", f"; it looks like {encoding}")
    command = "" if encoding is None else f" (iconv -f {encoding} -t UTF-8)"
    return _mistake(
        "E508",
        span,
        (f"文件不是 UTF-8 编码{like[0]}", f"the file is not UTF-8{like[1]}"),
        (f"请另存为 UTF-8{command}", f"Save it as UTF-8{command}"),
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
        (f"文件是压缩包或工作簿（{kind}）", f"the file is compressed or a workbook ({kind})"),
        ("请解压，或另存为 CSV（UTF-8）", "Unpack it, or save it as CSV (UTF-8)"),
    )


def other_separator(span: Span, separator: str) -> Diagnostic:
    return _mistake(
        "E515",
        span,
        (
            f"列以{'制表符' if separator == chr(9) else f' {separator} '}分隔",
            f"the columns are separated by {'tabs' if separator == chr(9) else separator}",
        ),
        ("请改用英文逗号分隔", "Separate them by commas"),
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
            f"文件夹中的 {shown(file)} 不是 CSV 或 Parquet",
            f"{shown(file)} in the folder is neither CSV nor Parquet",
        ),
        (
            "请移走，或逐个列出文件（.csv、.csv.gz、.parquet）",
            "Move it away, or name the files one by one (.csv, .csv.gz, .parquet)",
        ),
    )


def empty_folder(folder: str) -> Diagnostic:
    return _mistake(
        "E525",
        Span(folder, 1, 1),
        ("文件夹中没有 CSV 或 Parquet 文件", "the folder holds no CSV and no Parquet file"),
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


def no_scanner(address: str, extension: str, version: str) -> Diagnostic:
    return _mistake(
        "E535",
        Span(address, 1, 1),
        (
            f"缺少 DuckDB {version} 的扩展 {extension}，软件包仓库中没有",
            f"DuckDB's extension {extension} for {version} is missing, and no package registry carries it",
        ),
        (
            r"请先导出：psql -c '\copy 表 to 文件.csv csv header'，再给出该文件",
            r"Export the table first, psql -c '\copy TABLE to FILE.csv csv header', and name that file",
        ),
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
