"""What can be wrong when a run is reported on: one constructor a mistake, its code never reused.

Codes E570 to E579.
"""

from __future__ import annotations

from mianshen.source import Diagnostic, Message, Span


def no_run(folder: str, name: str) -> Diagnostic:
    what = Message(
        f"不是批处理的结果文件夹：{name} 不在其中或无法读取",
        f"this is not the folder of a batch: {name} is not in it, or cannot be read",
    )
    return Diagnostic(
        "E570",
        Span(folder, 1, 1),
        what,
        Message("请指明一次批处理的结果文件夹", "Name the folder a batch wrote"),
    )


def input_moved(folder: str, entity: str, file: str) -> Diagnostic:
    what = Message(
        f"这次运行所读的文件 {file} 已不在原处", f"the file {file} that this run read is no longer there"
    )
    fix = Message(f"请用 --{entity}s 指明它现在的位置", f"Say by --{entity}s where it is now")
    return Diagnostic("E571", Span(folder, 1, 1), what, fix)


def input_changed(folder: str, file: str) -> Diagnostic:
    what = Message(
        f"文件 {file} 与这次运行所读的不同（摘要值不符）",
        f"the file {file} is not the one this run read: its digest differs",
    )
    fix = Message("请指明当时的文件，或重新运行批处理", "Name the file as it was, or run the batch again")
    return Diagnostic("E572", Span(folder, 1, 1), what, fix)


def other_rulebook(folder: str, name: str, overlays: tuple[str, ...]) -> Diagnostic:
    with_ = ("", "") if not overlays else (f"（叠加 {'、'.join(overlays)}）", f" with {', '.join(overlays)}")
    what = Message(
        f"这次运行用的是另一版规则库：{name}{with_[0]}",
        f"this run was decided by another rulebook: {name}{with_[1]}",
    )
    fix = Message(
        "请用 --rules 和 --overlay 指明当时的规则库",
        "Name the rulebook it was decided by, with --rules and --overlay",
    )
    return Diagnostic("E573", Span(folder, 1, 1), what, fix)


def foreign_folder(folder: str) -> Diagnostic:
    what = Message("文件夹中有不属于报告的内容", "the folder for the report holds what no report wrote")
    return Diagnostic("E574", Span(folder, 1, 1), what, Message("请换一个新文件夹", "Name a new folder"))


def inside_run(folder: str) -> Diagnostic:
    what = Message("报告不能写进批处理的结果文件夹", "a report is not written into the folder of a batch")
    return Diagnostic("E575", Span(folder, 1, 1), what, Message("请换一个文件夹", "Name another folder"))


def cannot_write(folder: str, why: str) -> Diagnostic:
    what = Message(f"无法写入报告：{why}", f"the report cannot be written: {why}")
    fix = Message("请检查文件夹和磁盘空间", "Check the folder and the disk")
    return Diagnostic("E576", Span(folder, 1, 1), what, fix)


def no_memory(folder: str) -> Diagnostic:
    what = Message("内存不足", "the memory does not suffice")
    return Diagnostic(
        "E577",
        Span(folder, 1, 1),
        what,
        Message("请提高内存上限，或减少线程数", "Allow more memory, or fewer threads"),
    )
