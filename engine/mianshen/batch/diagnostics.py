"""What can be wrong with a batch's folder, engine and results: one constructor a mistake, its code never reused."""

from __future__ import annotations

from collections.abc import Iterable

from mianshen.catalogue import diagnostic
from mianshen.document.diagnostics import shown
from mianshen.source import Diagnostic, Message, Span, nearest, unlined

Words = tuple[str, str]  # Chinese, English


def cannot_write(folder: str, why: str) -> Diagnostic:
    return diagnostic("E506.cannot_write", unlined(folder), why=why)


def foreign_folder(folder: str) -> Diagnostic:
    return diagnostic("E507.foreign_folder", unlined(folder))


def inputs_inside(folder: str, file: str) -> Diagnostic:
    return diagnostic("E517.inputs_inside", unlined(folder), file=file)


def no_memory(folder: str) -> Diagnostic:
    return diagnostic("E518.no_memory", unlined(folder))


def no_such_entity(rulebook: str, entity: str) -> Diagnostic:
    return diagnostic("E520.no_such_entity", unlined(rulebook), entity=entity)


def bad_record(file: str) -> Diagnostic:
    return diagnostic("E530.bad_record", unlined(file))


def unaccounted(folder: str, entity: str, read: int, counted: int) -> Diagnostic:
    return diagnostic("E531.unaccounted", unlined(folder), entity=entity, read=read, counted=counted)


def no_spark(why: str) -> Diagnostic:
    fix = {
        "pyspark": ("请安装 mianshen[spark]", "Install mianshen[spark]"),
        "java": (
            "请安装 Java 17 或更高版本，并设置 JAVA_HOME",
            "Install Java 17 or later, and set JAVA_HOME",
        ),
    }.get(why, ("请检查 --master 和 Spark 的配置", "Check --master and Spark's configuration"))
    return diagnostic("E590.no_spark", unlined("--engine"), fix=fix, why=why)


def not_compiled(why: str) -> Diagnostic:
    return diagnostic("E540.not_compiled", unlined("--engine"), why=why)


def not_resumable(folder: str) -> Diagnostic:
    return diagnostic("E541.not_resumable", unlined(folder))


def too_wide(dialect: str) -> Diagnostic:
    return diagnostic("E592.too_wide", unlined("--engine"), dialect=dialect)


def no_such_wish(option: str, name: str, near: str | None) -> Diagnostic:
    fix = (
        ("mianshen show 列出全部名称", "mianshen show lists every name")
        if near is None
        else (f"也许想写 {near}", f"Perhaps {near} is meant")
    )
    return diagnostic("E593.no_such_wish", unlined(option), fix=fix, name=shown(name))


# -- a run file --------------------------------------------------------------------------------


def unknown_option(span: Span, name: str, known: Iterable[str]) -> Diagnostic:
    close = nearest(name, list(known))
    fix = Message("看 mianshen batch --help", "See mianshen batch --help")
    if close:
        fix = Message(f"也许想写 {close}", f"Perhaps {close} is meant")
    return diagnostic("E756.unknown_option", span, fix=fix, name=name)
