"""The page that holds a notice against its record without a network, and decides the record again.

In: a program. Out: the page. It holds the compiled program as WebAssembly, which imports nothing and reads the memory that
`decide.js` fills; where nothing here makes WebAssembly, a page that compares digests and says so.
"""

from __future__ import annotations

import json
from base64 import b64encode
from gzip import compress
from pathlib import Path
from typing import Final

from mianshen.cache import cache_folder
from mianshen.casework.notice.digest import text_of
from mianshen.native.figures import figure_table
from mianshen.native.layout import Column, Layout, Unsupported, is_text, scale_of
from mianshen.native.library import webassembly
from mianshen.native.translation_unit import Unit
from mianshen.program.core import AsOf, Boolean, Code, Date, Listing, Numeric, Type
from mianshen.program.program import Entity, Key, Program

FOLDER: Final = Path(__file__).parent
PAGE: Final = "verify.html"
CALLED: Final = ("malloc", "children_of", "persons_of", "read_rows", "decide_places", "sets_new")


def offline_page(program: Program) -> tuple[str, bool]:
    """The page, and whether it decides; it does not where the extra `compiler` is not installed."""
    try:
        content: dict[str, object] | None = _program(program, cache_folder())
    except Unsupported:
        content = None
    named = {name: benefit.title for name, benefit in program.benefits.items()}
    named |= {name: entity.title for name, entity in program.entities.items()}
    named |= {f"{d.entity} {d.name}": d.title for d in program.decisions}
    named |= {f"{entity} {name}": fact.title for (entity, name), fact in program.facts.items()}
    titles = {name: [title.zh, title.en] for name, title in named.items()}
    data = json.dumps({"program": content, "titles": titles}, ensure_ascii=False, separators=(",", ":"))
    page = (FOLDER / PAGE).read_text("utf-8")
    page = page.replace("/* decide.js */", (FOLDER / "decide.js").read_text("utf-8"))
    return page.replace("/* data */null", data.replace("</", "<\\/")), content is not None


def _program(program: Program, folder: Path | None) -> dict[str, object]:
    """Everything a page needs to decide a record. Raises Unsupported: no compiler that makes WebAssembly."""
    layout = Layout(program)
    with_outcome = [e.name for e in program.entities.values() if e.outcome is not None]
    outcomes = tuple(d.key for d in program.decisions if d.entity in with_outcome)
    unit = Unit(layout, outcomes, tuple(program.benefits.values()))
    packed = [e.name for e in unit.order if unit.rows.is_packed(e)]
    moved = [f"{what}_{name}" for name in packed for what in ("size_in", "size_out", "pack", "unpack")]
    begins, figures = figure_table(layout)
    return {
        "digest": program.digest,
        "module": _text(compress(webassembly(unit, (*CALLED, *moved), folder), mtime=0)),
        "figures": _text(figures.tobytes()),
        "begins": begins.tolist(),
        "entities": [_entity(entity, unit) for entity in unit.order],
        "path": unit.rows.path,
        "otherRoots": [entity.name for entity in unit.rows.other_roots],
        "texts": layout.texts,
        "lists": layout.lists,
        "listed": layout.listed,
        "written": [(w.entity, w.name, w.part, w.bytes) for w in unit.written],
        "shown": {e: {name: _decided((e, name), program) for of, name in outcomes if of == e} for e in with_outcome},
        "benefits": {
            b.name: {"entity": b.entity, "amount": b.amount and _decided((b.entity, b.amount), program)}
            for b in program.benefits.values()
        },
    }  # fmt: skip


def _text(content: bytes) -> str:
    return b64encode(content).decode()


def _entity(entity: Entity, unit: Unit) -> dict[str, object]:
    return {
        "name": entity.name, "key": entity.key, "parent": entity.parent, "date": entity.date,
        "validFrom": entity.valid_from, "reverses": entity.reverses, "packed": unit.rows.is_packed(entity),
        "joint": entity.name in unit.layout.joint,
        "facts": [_fact(column, unit.layout.program) for column in unit.layout.facts[entity.name]],
    }  # fmt: skip


def _fact(column: Column, program: Program) -> dict[str, object]:
    absent = column.fact.when_absent
    assumed = "as_of" if isinstance(absent, AsOf) else None if absent is None else text_of(absent)
    type_ = _type(column.fact.type, program) | {"money": column.fact.written == "money"}
    return {"name": column.name, "type": type_, "bits": column.bits, "assumed": assumed}


def _decided(key: Key, program: Program) -> dict[str, object]:
    """How the value of a decision is written."""
    decision = program.decision(*key)
    return _type(decision.type, program) | {"money": decision.written == "money"}


def _type(type_: Type, program: Program) -> dict[str, object]:
    """How a value of a type is written: its kind, decimals, codes."""
    match type_:
        case Boolean():
            return {"kind": "boolean"}
        case Date():
            return {"kind": "date"}
        case Numeric():
            return {"kind": "number", "scale": scale_of(type_)}
        case Code(codes=name):
            return {
                "kind": "code",
                "codes": [[code, title.zh, title.en] for code, title in program.codes[name].values.items()],
            }
        case Listing():
            return {"kind": "list"}
        case _:
            return {"kind": "text" if is_text(type_) else "area"}
