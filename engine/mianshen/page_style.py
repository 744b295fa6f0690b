"""The style sheet of every page with navigation: those of the server, those of the docs.

In: nothing. Out: CSS.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

STYLE: Final = Path(__file__).with_suffix(".css").read_text("utf-8")
