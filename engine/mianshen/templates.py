"""Templates of HTML pages.

In: the folder of a room's templates. Out: an environment that escapes what it is given and writes numbers and names.
Invariants: a name that a page was not given is an error, never an empty place.
"""

from __future__ import annotations

from pathlib import Path

import jinja2
from markupsafe import Markup, escape


def templates(folder: Path) -> jinja2.Environment:
    """The templates of a folder; filters of a room are added to it by the room."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": lambda number: f"{number:,}", "breakable": breakable}
    return environment


def breakable(name: str) -> Markup:
    """A name that is broken over lines behind an underscore."""
    return Markup("_<wbr>").join(map(escape, name.split("_")))
