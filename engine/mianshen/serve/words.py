"""The words of the pages, in both languages.

In: a language. Out: texts by name, for templates: `t.save`. Invariant: a name that is not here is an error, not a blank.
"""

from __future__ import annotations

from types import SimpleNamespace

from mianshen.source import Lang
from mianshen.wording import wording


class Texts(SimpleNamespace):
    """Texts in one language by name; `fill` puts values in."""

    def fill(self, name: str, **values: object) -> str:
        text: str = getattr(self, name)
        return text.format(**values)


def texts(lang: Lang) -> Texts:
    """All words in one language."""
    return Texts(**wording.labels("serve", lang))
