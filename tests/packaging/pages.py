"""The README and the guides of one language as one text, in the order in which they are read."""

from pathlib import Path

from mianshen.source import Lang

ROOT = Path(__file__).parents[2]
GUIDES = ("caseworker", "policy", "operator", "developer")


def manual(lang: Lang) -> str:
    """The short page, then the guides of each kind of user."""
    ending = ".md" if lang == "en" else ".zh-CN.md"
    files = [ROOT / f"README{ending}", *(ROOT / "cli/guides" / f"{name}{ending}" for name in GUIDES)]
    return "\n".join(file.read_text("utf-8") for file in files)
