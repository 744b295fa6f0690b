"""Where things stand in the docs, and formulas whose names lead there.

In: a catalogue. Out: paths below a language's folder, HTML.
Invariants: a path depends on names alone; two things never have one path, not even where upper and lower case are one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import quote

from markupsafe import Markup, escape

from mianshen.policy.catalogue import Catalogue, Item
from mianshen.source import Lang

_PLAIN: Final = re.compile(r"[^\w.-]")
_TOKENS: Final = re.compile(r'"[^"]*"|[^\W\d]\w*(?:\.[^\W\d]\w*)*')


class Links:
    """The paths of one rulebook's items, clauses and cases."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self._taken: dict[str, object] = {}
        self.paths = {
            item: self._path(item)
            for item in catalogue.titles
            if item.kind not in ("provision", "fact", "planned")
        }
        for item in catalogue.titles:
            match item.kind:
                case "provision":
                    decision, _ = catalogue.provisions[item.name]
                    page = self.paths[Item("decision", decision.name, decision.entity)]
                    self.paths[item] = f"{page}#{fragment(item.name)}"
                case "fact":
                    self.paths[item] = f"{self.paths[Item('entity', item.entity)]}#{fragment(item.name)}"
                case "planned":
                    self.paths[item] = f"open.html#{fragment(item.name)}"
                case _:
                    pass

    def path(self, folder: str, name: str) -> str:
        """A path of its own for a page of that name."""
        base = f"{folder}/{fragment(name)}"
        path, number = f"{base}.html", 2
        while path.casefold() in self._taken:
            path, number = f"{base}-{number}.html", number + 1
        self._taken[path.casefold()] = path
        return path

    def _path(self, item: Item) -> str:
        return self.path(item.kind, str(item))

    def link(self, item: Item, lang: Lang, up: str, words: str = "") -> Markup:
        """A link to an item by its title; the title alone where the docs have no page of it."""
        title = self.catalogue.titles.get(item)
        text = words or (str(item) if title is None else title.in_(lang))
        path = self.paths.get(item)
        if path is None:
            return escape(text)
        return Markup('<a href="{}" title="{}">{}</a>').format(href(up, path), str(item), text)

    def formula(self, text: str, names: Mapping[str, Item], lang: Lang, up: str) -> Markup:
        """A formula in which every name of the mapping leads to its page, titled in words."""
        parts: list[Markup] = []
        passed = 0
        for token in _TOKENS.finditer(text):
            item = names.get(token[0]) or names.get(token[0].rpartition(".")[2])
            if item is None or token[0].startswith('"') or item not in self.paths:
                continue
            title = self.catalogue.titles[item].in_(lang)
            anchor = Markup('<a href="{}" title="{}">{}</a>').format(
                href(up, self.paths[item]), title, token[0]
            )
            parts += [escape(text[passed : token.start()]), anchor]
            passed = token.end()
        return Markup("").join([*parts, escape(text[passed:])])

    def names(self, read: Iterable[Item], home: str) -> dict[str, Item]:
        """How a formula at an entity may name what it reads; its own things before others of that name."""
        named: dict[str, Item] = {}
        for item in sorted(read, key=lambda item: item.entity == home):
            named[str(item)] = named[item.name] = item
            named.setdefault(
                item.name.partition("__")[0], item
            )  # a figure with keys is called by its own name
        for function in self.catalogue.of_kind("function"):
            named.setdefault(function.name, function)
        return named


def fragment(name: str) -> str:
    """A name as it may stand in a file's name or be a place of a page."""
    return _PLAIN.sub(lambda match: f"={ord(match[0]):x}", name)


def href(up: str, path: str) -> str:
    """A path as a link from a page so many folders down: what is no ASCII is escaped."""
    page, hash_, place = path.partition("#")
    return up + quote(page) + hash_ + quote(place)
