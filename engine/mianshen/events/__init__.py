"""Life events: what happens to people, what it makes due, once."""

from mianshen.events.deciding import Answer, Decider
from mianshen.events.happening import Event, people_of
from mianshen.events.items import KINDS, Item
from mianshen.events.journal import Journal, opened
from mianshen.events.network import durable_rules
from mianshen.events.watching import Counts, Refusal, Watcher

__all__ = [
    "KINDS",
    "Answer",
    "Counts",
    "Decider",
    "Event",
    "Item",
    "Journal",
    "Refusal",
    "Watcher",
    "durable_rules",
    "opened",
    "people_of",
]
