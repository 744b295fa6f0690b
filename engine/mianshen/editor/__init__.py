"""What an editor asks while a rulebook is written, over the language server protocol.

In: texts as they are typed. Out: mistakes from the linter, completions, what a name is, where it is defined and used.
Invariant: the linter and the catalogue answer; nothing about the language of rules is decided here.
"""

from mianshen.editor.names import Occurrence, Symbol
from mianshen.editor.workspace import Workspace

__all__ = ["Occurrence", "Symbol", "Workspace"]
