"""The rulebook as written: YAML files in, merged pydantic models and the place of everything out.

Invariants: knows YAML and positions, nothing of meaning; all mistakes of all files are reported
together. What is asked for is imported when it is asked for: `read_tree` and `digest_of` come
without pydantic.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mianshen.document.digest import digest_of
    from mianshen.document.document import Document
    from mianshen.document.load import read
    from mianshen.document.schema import overlay_schema, rulebook_schema
    from mianshen.document.yaml_tree import Mapping, Node, Scalar, Sequence, read_tree

__all__ = [
    "Document",
    "Mapping",
    "Node",
    "Scalar",
    "Sequence",
    "digest_of",
    "overlay_schema",
    "read",
    "read_tree",
    "rulebook_schema",
]

_ROOMS = {
    "Document": "document",
    "digest_of": "digest",
    "overlay_schema": "schema",
    "read": "load",
    "rulebook_schema": "schema",
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_ROOMS.get(name, 'yaml_tree')}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
