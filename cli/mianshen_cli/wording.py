"""What commands say: the texts of `wording.tsv`.

A key is `batch` for what the command does, `batch.--out` for an option, `notice.<file>` for an argument, `batch.done`
for a sentence. Invariant: every line of the table is used by the module that its key begins with.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from mianshen.wording import Wording

wording: Final = Wording(Path(__file__).with_suffix(".tsv"))
