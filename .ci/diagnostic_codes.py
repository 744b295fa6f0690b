"""The page of all diagnostic codes, read off the constructors that make them.

In: every module of engine and cli. Out: `engine/mianshen/codes.tsv` (code, what is wrong in Chinese and English, what
to do in Chinese and English) and `engine/CODES.md`. Run it after adding a code; a test holds the files to it.
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOOK = ("请核对这条记录的事实", "Look at what this row says")
CODE = re.compile(r"E[0-9]{3}")


def text_of(node: ast.expr | None, known: dict[str, ast.expr]) -> str:
    """A text as it is written, with `…` where a value comes in; of a choice, the first."""
    match node:
        case ast.Constant(value=str(value)):
            return value
        case ast.JoinedStr(values=values):
            return "".join(
                text_of(part, {}) if isinstance(part, ast.Constant) else blank(part) for part in values
            )
        case ast.IfExp(body=body):
            return text_of(body, known)
        case ast.BinOp(op=ast.Add(), left=left, right=right):
            return text_of(left, known) + text_of(right, known)
        case ast.Name(id=name) if name in known:
            return text_of(known[name], {k: v for k, v in known.items() if k != name})
        case _:
            return "…"


def blank(part: ast.expr) -> str:
    """What stands where a value comes in: its name where it has one."""
    match part:
        case ast.FormattedValue(value=ast.Name(id=name)):
            return f"<{name.rstrip('_')}>"
        case ast.FormattedValue(value=ast.Call(args=[ast.Name(id=name), *_])):
            return f"<{name.rstrip('_')}>"
        case _:
            return "…"


def pair_of(node: ast.expr | None, known: dict[str, ast.expr]) -> tuple[str, str]:
    """The Chinese and the English text of a `Message`, or of a pair of texts."""
    match node:
        case ast.Tuple(elts=[zh, en]) | ast.Call(func=ast.Name(id="Message"), args=[zh, en]):
            return text_of(zh, known), text_of(en, known)
        case ast.IfExp(body=body):
            return pair_of(body, known)
        case ast.Name(id=name) if name in known:
            return pair_of(known[name], {k: v for k, v in known.items() if k != name})
        case ast.Call(
            args=[*_, ast.Constant() | ast.JoinedStr() as zh, ast.Constant() | ast.JoinedStr() as en]
        ):
            return f"… {text_of(zh, known)}", f"… {text_of(en, known)}"  # a helper that begins the sentence
        case _:
            return "…", "…"


def codes_in(tree: ast.Module) -> Iterator[tuple[str, str, str, str, str]]:
    """The codes that a module's functions give out, with their texts."""
    shared = assigned(tree.body)
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef):
            continue
        known = shared | assigned(list(ast.walk(function)))
        for call in ast.walk(function):
            match call:
                case ast.Call(args=[ast.Constant(value=str(code)), _, what, fix, *_]) if CODE.fullmatch(code):
                    yield code, *pair_of(what, known), *pair_of(fix, known)


def assigned(statements: list[ast.stmt] | list[ast.AST]) -> dict[str, ast.expr]:
    """Names and the expressions assigned to them, one name at a time or two at once."""
    known: dict[str, ast.expr] = {}
    for statement in statements:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                known[name] = value
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                known[name] = value
            case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)):
                known |= {n.id: v for n, v in zip(names, values, strict=False) if isinstance(n, ast.Name)}
    return known


def all_codes() -> list[tuple[str, str, str, str, str]]:
    """Every code once, in order; of several texts the one that says most."""
    rows: dict[str, tuple[str, str, str, str, str]] = {}
    for folder in ("engine/mianshen", "cli/mianshen_cli"):
        for file in sorted((ROOT / folder).rglob("*.py")):
            for row in codes_in(ast.parse(file.read_text("utf-8"))):
                if row[0] not in rows or rows[row[0]][1] == "…":
                    rows[row[0]] = row
    reasons = ast.parse((ROOT / "engine/mianshen/records/diagnostics.py").read_text("utf-8"))
    for code, reason in ast.literal_eval(
        assigned(reasons.body)["REASONS"]
    ).items():  # told by the interpreter
        rows.setdefault(code, (code, reason, reason, *LOOK))
    return [rows[code] for code in sorted(rows)]


def main() -> int:
    """Writes both files; with `--check`, tells whether they are up to date."""
    rows = all_codes()
    table = "".join("\t".join(" ".join(cell.split()) for cell in row) + "\n" for row in rows)
    head = "# Diagnostic codes\n\nMade by `.ci/diagnostic_codes.py`; `mianshen explain CODE` shows one. … stands for a value.\n\n"
    lines = ["| code | 问题 | 怎么办 | what is wrong | what to do |", "|---|---|---|---|---|"]
    for code, zh, en, fix_zh, fix_en in rows:
        cells = (code, zh, fix_zh, en, fix_en)
        lines.append("| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells) + " |")
    files = {"engine/mianshen/codes.tsv": table, "engine/CODES.md": head + "\n".join(lines) + "\n"}
    stale = [
        name
        for name, text in files.items()
        if not (ROOT / name).exists() or (ROOT / name).read_text("utf-8") != text
    ]
    if "--check" in sys.argv:
        return 1 if stale else 0
    for name, text in files.items():
        (ROOT / name).write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
