"""An overlay applied to a rulebook.

In: the draft of a rulebook, the tree of an overlay file. Out: the draft, changed; the mistakes.
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
from mianshen.document.merge import Draft, FilePart, whole_file
from mianshen.document.overlay_parts import PartChanges
from mianshen.document.validate import MAPPING, NAME, fit, kind
from mianshen.document.yaml_tree import Mapping, Node, Scalar, Sequence
from mianshen.source import Diagnostic, Message, Span

KEYS = ("overlay", "remove", "switch_on", "replace", "set", "extend")
_SWITCHED = ("provisions", "tables")
_NAMES = Message("名称或名称列表", "a name or a list of names")

Absent: TypeAlias = Callable[[Span, str, Iterable[str]], Diagnostic]


def apply_overlay(draft: Draft, root: Node) -> None:
    """Change the draft as the overlay at `root` says."""
    if (whole := whole_file(draft, root)) is None:
        return
    if (entry := whole.entry("overlay")) is None:
        draft.mistakes.append(diagnostic("E146.not_an_overlay", whole.source.span(0, 0)))
        return
    header, faults = fit(overlay_model.OverlayHeader, entry[1], entry[0].span)
    draft.mistakes += faults
    if header is not None:
        if header.name in (applied.name for applied in draft.overlays):
            draft.mistakes.append(
                diagnostic("E145.applied_twice", entry[0].span, name=diagnostics.shown(header.name))
            )
            return
        draft.overlays.append(header)
    part = FilePart(draft, whole, overlay=True)
    if header is not None:
        own = {name: getattr(header, name) for name in ("source", "clause", "basis")}
        given = {name: value for name, value in own.items() if value is not None}
        part.filling = replace(part.filling, given=given | part.filling.given)
    changes = PartChanges(draft, part, "" if header is None else header.name)
    _remove(draft, whole, changes)
    _replace(draft, part, changes)
    changes.replace_rows()
    part.add(KEYS)
    changes.set_values()
    changes.extend()
    _switch_on(draft, whole)


def _remove(draft: Draft, root: Mapping, changes: PartChanges) -> None:
    for section, node in _sections(draft, root, "remove", tuple(overlay_model.Removal.model_fields)):
        for name in _names(draft, node):
            if _exists(draft, section.text, name, diagnostics.nothing_to_remove):
                path = (section.text, name.text)
                changes.change(path, name.span, None)
                for inner in [origin for origin in draft.origins if origin[: len(path)] == path]:
                    draft.origins.pop(inner)
                draft.entries.pop(path, None)
                draft.broken.discard(path)


def _replace(draft: Draft, part: FilePart, changes: PartChanges) -> None:
    for section, node in _sections(
        draft, part.root, "replace", tuple(overlay_model.Replacement.model_fields)
    ):
        if section.text == "rows":
            continue  # parts of entries: `PartChanges`
        for name, entry in part.named((section.text,), section, node):
            if not _exists(draft, section.text, name, diagnostics.nothing_to_replace):
                continue
            path = (section.text, name.text)
            before, first = draft.entries.get(path), draft.origins[path].at
            for inner in [origin for origin in draft.origins if origin[:2] == path and len(origin) > 2]:
                draft.origins.pop(inner)
            part.fit_entry(section.text, name, entry)
            after = draft.entries.get(path)
            changes.change(path, name.span, after)
            if isinstance(before, model.Parameter) and isinstance(after, model.Parameter):
                starts = {value.from_ for value in after.values}
                dropped = sorted(value.from_ for value in before.values if value.from_ not in starts)
                if dropped:
                    day = dropped[0].isoformat()
                    draft.mistakes.append(
                        diagnostic(
                            "E149.drops_history",
                            name.span,
                            also=((first, Message("原来的取值", "the values there were")),),
                            name=diagnostics.shown(name.text),
                            day=day,
                        )
                    )


def _switch_on(draft: Draft, root: Mapping) -> None:
    node = root.get("switch_on")
    for name in _names(draft, node) if node is not None else ():
        paths = [(section, name.text) for section in _SWITCHED]
        planned = [path for path in paths if _is_planned(draft, path)]
        for path in planned:
            draft.entries[path] = draft.entries[path].model_copy(update={"status": "in_force"})
        if not planned and not any(draft.is_broken(*path) for path in paths):
            known = (entry for section in _SWITCHED for entry in draft.names(section))
            waiting = [
                part for part in known if any(_is_planned(draft, (section, part)) for section in _SWITCHED)
            ]
            draft.mistakes.append(diagnostics.nothing_to_switch_on(name.span, name.text, waiting))


def _is_planned(draft: Draft, path: tuple[str, str]) -> bool:
    entry = draft.entries.get(path)
    return entry is not None and entry.status == "planned"


def _exists(draft: Draft, section: str, name: Scalar, absent: Absent) -> bool:
    if (section, name.text) in draft.origins:
        return True
    if not draft.is_broken(section, name.text):
        draft.mistakes.append(absent(name.span, name.text, draft.names(section)))
    return False


def _sections(draft: Draft, root: Mapping, key: str, known: tuple[str, ...]) -> Iterator[tuple[Scalar, Node]]:
    """The sections under `remove:` or `replace:`."""
    node = root.get(key)
    if node is None or (isinstance(node, Scalar) and node.null):
        return
    if not isinstance(node, Mapping):
        draft.mistakes.append(diagnostics.wrong_kind(node.span, MAPPING, kind(node)))
        return
    for section, inner in node.entries:
        if section.text in known:
            yield section, inner
        else:
            draft.mistakes.append(diagnostics.unknown_key(section.span, section.text, known))


def _names(draft: Draft, node: Node) -> Iterator[Scalar]:
    """One name or a list of them."""
    items = node.items if isinstance(node, Sequence) else (node,)
    for item in items:
        if not isinstance(item, Scalar) or item.null:
            draft.mistakes.append(diagnostics.wrong_kind(item.span, _NAMES, kind(item)))
        elif not NAME.fullmatch(item.text):
            draft.mistakes.append(diagnostics.bad_name(item.span, item.text))
        else:
            yield item
