"""Where the shipped rulebook is.

In: nothing. Out: the folder with its files: inside the installed package, or the checkout's `rules/`.
Imports nothing of ours.
"""

from __future__ import annotations

from pathlib import Path


def shipped_rulebook() -> Path:
    """The folder of the rulebook that came with this installation.

    Raises FileNotFoundError where the package was copied without it.
    """
    package = Path(__file__).resolve().parent
    installed = package / "_rules"
    if installed.is_dir():
        return installed
    checkout = package.parent.parent / "rules"
    if package.parent.name == "engine" and checkout.is_dir():
        return checkout
    raise FileNotFoundError(f"{installed}: the shipped rulebook is missing; install mianshen again")


def shipped_cases() -> Path | None:
    """The folder of cases beside the shipped rulebook, in a checkout; None where the rulebook came alone."""
    cases = shipped_rulebook().parent / "cases"
    return cases if cases.is_dir() else None
