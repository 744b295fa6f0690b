"""The docs of the law: a static, searchable site in both languages of everything a rulebook says.

In: a program, its cases, the texts of its documents. Out: a folder of pages, made by `write_docs`.
Invariant: the catalogue, the coverage and the cases' readers answer; nothing about the rules is decided here.
"""

from mianshen.docs.site import write_docs
from mianshen.docs.subject import Subject, subject_of

__all__ = ["Subject", "subject_of", "write_docs"]
