"""What can be wrong with a batch's folder, engine and results: one constructor a mistake, its code never reused."""

from __future__ import annotations

from mianshen.document.diagnostics import shown
from mianshen.source import Diagnostic, Message, Span

Words = tuple[str, str]  # Chinese, English


def _mistake(code: str, span: Span, what: Words, fix: Words) -> Diagnostic:
    return Diagnostic(code, span, Message(*what), Message(*fix))


def cannot_write(folder: str, why: str) -> Diagnostic:
    return _mistake(
        "E506",
        Span(folder, 1, 1),
        (f"无法写入结果：{why}", f"the results cannot be written: {why}"),
        ("请检查文件夹和磁盘空间", "Check the folder and the disk"),
    )


def foreign_folder(folder: str) -> Diagnostic:
    return _mistake(
        "E507",
        Span(folder, 1, 1),
        ("结果文件夹中有不属于批处理结果的内容", "the folder for the results holds what no batch wrote"),
        ("请换一个新文件夹", "Name a new folder"),
    )


def inputs_inside(folder: str, file: str) -> Diagnostic:
    return _mistake(
        "E517",
        Span(folder, 1, 1),
        (
            f"输入文件 {file} 在结果文件夹内，会被替换掉",
            f"the input {file} lies in the folder for the results, which is replaced",
        ),
        ("请换一个结果文件夹", "Name another folder for the results"),
    )


def no_memory(folder: str) -> Diagnostic:
    return _mistake(
        "E518",
        Span(folder, 1, 1),
        ("内存不足", "the memory does not suffice"),
        ("请提高内存上限，或减少线程数", "Allow more memory, or fewer threads"),
    )


def changed(file: str) -> Diagnostic:
    return _mistake(
        "E519",
        Span(file, 1, 1),
        ("文件在读取过程中被改动", "the file changed while it was read"),
        ("请待其写完后重新运行", "Run again once it is complete"),
    )


def no_such_entity(rulebook: str, entity: str) -> Diagnostic:
    return _mistake(
        "E520",
        Span(rulebook, 1, 1),
        (f"规则库没有 {entity} 这类记录", f"the rulebook knows no records of {entity}"),
        ("请去掉这个输入，或换用另一个规则库", "Leave that input out, or name another rulebook"),
    )


def no_outcome(rulebook: str) -> Diagnostic:
    return _mistake(
        "E521",
        Span(rulebook, 1, 1),
        (
            "规则库没有说明下级记录的判定结果（outcome）",
            "the rulebook names no outcome of the records below a person",
        ),
        ("请在词汇表的 entities 中写明 outcome", "Give an outcome to that entity in the vocabulary"),
    )


def in_use(folder: str) -> Diagnostic:
    return _mistake(
        "E528",
        Span(folder, 1, 1),
        ("另一个批处理正在使用这个结果文件夹", "another run is at work on this folder for results"),
        ("请等它结束，或换一个文件夹", "Wait until it is done, or name another folder"),
    )


def rulebook_changed(rulebook: str) -> Diagnostic:
    return _mistake(
        "E529",
        Span(rulebook, 1, 1),
        ("规则库在运行过程中被改动", "the rulebook changed while the run was at work"),
        ("请重新运行", "Run again"),
    )


def bad_record(file: str) -> Diagnostic:
    return _mistake(
        "E530",
        Span(file, 1, 1),
        ("没有完好的记录", "there is no intact record of the run here"),
        (
            "请给出批处理写出的结果文件夹；若文件被改动，请重新运行批处理",
            "Name a folder that `mianshen batch` wrote; if a file of it was changed, run the batch again",
        ),
    )


def unaccounted(folder: str, entity: str, read: int, told: int) -> Diagnostic:
    return _mistake(
        "E531",
        Span(folder, 1, 1),
        (
            f"{entity}：读取 {read} 条，而结果中有 {told} 条",
            f"{entity}: {read} records were read, and the results tell of {told}",
        ),
        ("结果未写出。请报告此错误", "Nothing was written. Please report this"),
    )


def input_moved(file: str) -> Diagnostic:
    return _mistake(
        "E532",
        Span(file, 1, 1),
        ("该次运行的输入文件已不在原处", "the input of that run is no longer there"),
        (
            "请用 --residents、--claims、--households 指明它现在的位置",
            "Say where it is now, by --residents, --claims, --households",
        ),
    )


def input_differs(file: str) -> Diagnostic:
    return _mistake(
        "E533",
        Span(file, 1, 1),
        ("文件与该次运行时读取的不同", "the file is not what that run read"),
        (
            "请给出当时的文件；摘要见 manifest.json",
            "Name the file as it was then; manifest.json has its digest",
        ),
    )


def no_such_person(folder: str) -> Diagnostic:
    return _mistake(
        "E534",
        Span(folder, 1, 1),
        ("该次运行的输入中没有这个人员编号", "no record of that run's input has this number"),
        ("请检查编号", "Check the number"),
    )


def no_spark(why: str) -> Diagnostic:
    fix = {
        "pyspark": ("请安装 mianshen[spark]", "Install mianshen[spark]"),
        "java": (
            "请安装 Java 17 或更高版本，并设置 JAVA_HOME",
            "Install Java 17 or later, and set JAVA_HOME",
        ),
    }.get(why, ("请检查 --master 和 Spark 的配置", "Check --master and Spark's configuration"))
    return _mistake(
        "E590", Span("--engine", 1, 1), (f"Spark 无法启动：{why}", f"Spark does not start: {why}"), fix
    )


def spark_failed(table: str, why: str) -> Diagnostic:
    return _mistake(
        "E591",
        Span("--engine", 1, 1),
        (f"Spark 在生成 {table} 时失败：{why}", f"Spark failed while it made {table}: {why}"),
        (
            "结果文件夹未改动；请查看 Spark 的日志，或改用 --engine duckdb",
            "The folder of results is as it was; see Spark's own log, or use --engine duckdb",
        ),
    )


def not_compiled(why: str) -> Diagnostic:
    return _mistake(
        "E540",
        Span("--engine", 1, 1),
        (f"规则库不能编译（{why}）", f"the rulebook cannot be compiled ({why})"),
        (
            "请安装 C 编译器（cc），并使临时文件夹（TMPDIR）可写；或用 --engine duckdb",
            "Install a C compiler (cc) and see that TMPDIR can be written, or use --engine duckdb",
        ),
    )


def bad_target(address: str) -> Diagnostic:
    return _mistake(
        "E538",
        Span(address, 1, 1),
        ("不是数据库地址", "this is no address of a database"),
        (
            "请写成 duckdb:results.db 或 sqlite:results.sqlite",
            "Write duckdb:results.db or sqlite:results.sqlite",
        ),
    )


def not_resumable(folder: str) -> Diagnostic:
    return _mistake(
        "E541",
        Span(folder, 1, 1),
        (
            "未完成的运行所用的文件、规则或日期与这次不同",
            "the unfinished run read other files, rules or another day",
        ),
        ("请去掉 --resume，从头运行", "Leave out --resume to begin anew"),
    )


def in_turn_only(provision: str) -> Diagnostic:
    """A rulebook with a payment that SQL cannot give."""
    return _mistake(
        "E594",
        Span(provision, 0, 0),
        (
            "这一条的支付要逐笔依次计算（多个限额，或累计自身），不能写成 SQL",
            "what this provision pays is found row by row (several limits, or a total of itself), which SQL cannot say",
        ),
        ("请用 mianshen batch 核定", "Decide with mianshen batch"),
    )


def too_wide(dialect: str) -> Diagnostic:
    return _mistake(
        "E592",
        Span("--engine", 1, 1),
        (
            f"规则库有一个商的位数超过 {dialect} 能精确计算的范围",
            f"a quotient of the rulebook has more digits than {dialect} divides exactly",
        ),
        ("请改用 duckdb", "Use duckdb"),
    )


def no_such_wish(option: str, name: str, near: str | None) -> Diagnostic:
    fix = (
        ("mianshen show 列出全部名称", "mianshen show lists every name")
        if near is None
        else (f"也许想写 {near}", f"Perhaps {near} is meant")
    )
    return _mistake("E593", Span(option, 1, 1), (f"没有 {shown(name)}", f"there is no {shown(name)}"), fix)
