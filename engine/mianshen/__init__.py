"""Mianshen decides who is due which medical-insurance benefit, how much, and under which clause.

In: a rulebook written as data, and records. Out: decisions with their reasons.
Importing this package imports nothing else; take what you need from its rooms.
"""

__version__ = "0.1.0"
