"""An overlay applied to a rulebook.

In: the merge of a rulebook, the tree of an overlay file. Out: the merge, changed; the mistakes.
Invariants: removes, then replaces, then adds, then sets values, extends and switches on; each must find what it
names; a name that may stand in a part that could not be read is let through. Where two overlays change the same, the
later holds and a warning tells.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import TypeAlias

from mianshen.catalogue import diagnostic
from mianshen.document import diagnostics, model, overlay_model
from mianshen.document.merge import FilePart, RulebookMerge, whole_file
from mianshen.document.overlay_parts import PartChanges
from mianshen.document.validate import MAPPING, NAME, fit, kind
from mianshen.document.yaml_tree import Mapping, Node, Scalar, Sequence
from mianshen.source import Diagnostic, Message, Span

KEYS = ("overlay", "remove", "switch_on", "replace", "set", "extend")
_SWITCHED = ("provisions", "tables")
_NAMES = Message("名称或名称列表", "a name or a list of names")

Absent: TypeAlias = Callable[[Span, str, Iterable[str]], Diagnostic]


def apply_overlay(merge: RulebookMerge, root: Node) -> None:
    """Change the merge as the overlay at `root` says."""
    if (whole := whole_file(merge, root)) is None:
        return
    if (entry := whole.entry("overlay")) is None:
        merge.diagnostics.append(diagnostic("E146.not_an_overlay", whole.source.span(0, 0)))
        return
    header, faults = fit(overlay_model.OverlayHeader, entry[1], entry[0].span)
    merge.diagnostics += faults
    if header is not None:
        if header.name in (applied.name for applied in merge.overlays):
            merge.diagnostics.append(
                diagnostic("E145.applied_twice", entry[0].span, name=diagnostics.shown(header.name))
            )
            return
        merge.overlays.append(header)
    part = FilePart(merge, whole, overlay=True)
    if header is not None:
        own = {name: getattr(header, name) for name in ("source", "clause", "basis")}
        stated = {name: value for name, value in own.items() if value is not None}
        part.filling = replace(part.filling, given=stated | part.filling.given)
    changes = PartChanges(merge, part, "" if header is None else header.name)
    _remove(merge, whole, changes)
    _replace(merge, part, changes)
    changes.replace_rows()
    part.add(KEYS)
    changes.set_values()
    changes.extend()
    _switch_on(merge, whole)


def _remove(merge: RulebookMerge, root: Mapping, changes: PartChanges) -> None:
    for section, node in _sections(merge, root, "remove", tuple(overlay_model.Removal.model_fields)):
        for name in _names(merge, node):
            if _exists(merge, section.text, name, diagnostics.nothing_to_remove):
                path = (section.text, name.text)
                changes.change(path, name.span, None)
                merge.origins.drop_parts(path)
                merge.origins.pop(path)
                merge.entries.pop(path, None)
                merge.broken.discard(path)


def _replace(merge: RulebookMerge, part: FilePart, changes: PartChanges) -> None:
    for section, node in _sections(
        merge, part.root, "replace", tuple(overlay_model.Replacement.model_fields)
    ):
        if section.text == "rows":
            continue  # parts of entries: `PartChanges`
        for name, entry in part.named((section.text,), section, node):
            if not _exists(merge, section.text, name, diagnostics.nothing_to_replace):
                continue
            path = (section.text, name.text)
            before, first = merge.entries.get(path), merge.origins[path].at
            merge.origins.drop_parts(path)
            part.fit_entry(section.text, name, entry)
            after = merge.entries.get(path)
            changes.change(path, name.span, after)
            if isinstance(before, model.Parameter) and isinstance(after, model.Parameter):
                starts = {value.from_ for value in after.values}
                dropped = sorted(value.from_ for value in before.values if value.from_ not in starts)
                if dropped:
                    day = dropped[0].isoformat()
                    merge.diagnostics.append(
                        diagnostic(
                            "E149.drops_history",
                            name.span,
                            also=((first, Message("原来的取值", "the values there were")),),
                            name=diagnostics.shown(name.text),
                            day=day,
                        )
                    )


def _switch_on(merge: RulebookMerge, root: Mapping) -> None:
    node = root.get("switch_on")
    for name in _names(merge, node) if node is not None else ():
        paths = [(section, name.text) for section in _SWITCHED]
        planned = [path for path in paths if _is_planned(merge, path)]
        for path in planned:
            merge.entries[path] = merge.entries[path].model_copy(update={"status": "in_force"})
        if not planned and not any(merge.is_broken(*path) for path in paths):
            known = (entry for section in _SWITCHED for entry in merge.names(section))
            waiting = [
                part for part in known if any(_is_planned(merge, (section, part)) for section in _SWITCHED)
            ]
            merge.diagnostics.append(diagnostics.nothing_to_switch_on(name.span, name.text, waiting))


def _is_planned(merge: RulebookMerge, path: tuple[str, str]) -> bool:
    entry = merge.entries.get(path)
    return entry is not None and entry.status == "planned"


def _exists(merge: RulebookMerge, section: str, name: Scalar, absent: Absent) -> bool:
    if (section, name.text) in merge.origins:
        return True
    if not merge.is_broken(section, name.text):
        merge.diagnostics.append(absent(name.span, name.text, merge.names(section)))
    return False


def _sections(
    merge: RulebookMerge, root: Mapping, key: str, known: tuple[str, ...]
) -> Iterator[tuple[Scalar, Node]]:
    """The sections under `remove:` or `replace:`."""
    node = root.get(key)
    if node is None or (isinstance(node, Scalar) and node.null):
        return
    if not isinstance(node, Mapping):
        merge.diagnostics.append(diagnostics.wrong_kind(node.span, MAPPING, kind(node)))
        return
    for section, inner in node.entries:
        if section.text in known:
            yield section, inner
        else:
            merge.diagnostics.append(diagnostics.unknown_key(section.span, section.text, known))


def _names(merge: RulebookMerge, node: Node) -> Iterator[Scalar]:
    """One name or a list of them."""
    items = node.items if isinstance(node, Sequence) else (node,)
    for item in items:
        if not isinstance(item, Scalar) or item.null:
            merge.diagnostics.append(diagnostics.wrong_kind(item.span, _NAMES, kind(item)))
        elif not NAME.fullmatch(item.text):
            merge.diagnostics.append(diagnostics.bad_name(item.span, item.text))
        else:
            yield item
