"""Mappings: what a file says of the columns of somebody else's export, and the facts that come of it.

`model` holds what a mapping says, `reading` reads it from YAML, `sql` and `files` apply it, `persons` keeps of several
rows of a person those that count. Invariants: every conversion is exact; nothing here knows what the facts mean.
"""
