"""Puts the rulebook into the wheel.

In: hatchling's call for a wheel. Out: `rules/` mapped to `mianshen/_rules`, in standard builds only:
an editable install reads the checkout's own folder.
"""

from __future__ import annotations

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class RulebookHook(BuildHookInterface):  # type: ignore[type-arg]  # hatchling's own parameter is private
    """Adds the rulebook to a standard wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called before a build; `version` is `standard` or `editable`."""
        if version == "standard":
            build_data["force_include"]["rules"] = "mianshen/_rules"
