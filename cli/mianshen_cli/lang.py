"""Which of its two languages the product speaks.

In: the words on the command line, the environment. Out: `zh` or `en`.
Invariant: `--lang` wins wherever it stands on the line; otherwise the locale decides, and a locale that
is not Chinese gives English.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from mianshen.source import Lang

LANGUAGES: tuple[Lang, ...] = ("zh", "en")
_LOCALES = ("LC_ALL", "LC_MESSAGES", "LANG")  # the first that is set counts


def language(words: Sequence[str], environment: Mapping[str, str]) -> Lang:
    """The language for this call; a `--lang` with neither language is left for the parser to refuse."""
    language = _asked(words)
    for known in LANGUAGES:
        if language == known:
            return known
    locale = next((environment[name] for name in _LOCALES if environment.get(name)), "")
    return "zh" if locale.lower().startswith("zh") else "en"


def _asked(words: Sequence[str]) -> str | None:
    """What follows the last `--lang`, if any."""
    result = None
    for word, following in pairwise([*words, ""]):
        if word == "--":
            break
        if word == "--lang":
            result = following
        elif word.startswith("--lang="):
            result = word.removeprefix("--lang=")
    return result
