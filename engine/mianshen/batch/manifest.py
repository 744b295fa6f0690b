"""The receipt of a batch: what went in, what came out, by which rules; and, apart, how long it took.

In: a finished output folder. Out: the content of `manifest.json` and `timings.json`. The manifest
holds nothing that differs between two runs on the same inputs.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import platform
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import duckdb

from mianshen.ingest.inputs import Input, parts_of
from mianshen.places import PLACE_LIST_VERSION
from mianshen.program.program import Program
from mianshen.version import __version__

RECEIPT: Final = "manifest.json"
TIMINGS: Final = "timings.json"


def digest_of_file(path: Path) -> str:
    """`sha256:` and the digest of a file's bytes."""
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def _digests(paths: Iterable[Path]) -> dict[Path, str]:
    listed = list(paths)
    with ThreadPoolExecutor() as pool:
        return dict(zip(listed, pool.map(digest_of_file, listed), strict=True))


def manifest(
    program: Program,
    as_of: dt.date,
    inputs: dict[str, Input],
    folder: Path,
    outputs: Iterable[str],
    records: dict[str, Any],
    engine: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Digests of rulebook, inputs and outputs, versions, counts, the day.

    `outputs` that were not written are left out. `engine`: versions of what decided, beside DuckDB's.
    """
    named = [folder / name for name in outputs if (folder / name).exists()]
    digests = _digests([*(each.path for each in parts_of(inputs)), *named])
    return {
        "as_of": as_of.isoformat(),
        "rulebook": {
            "name": program.name,
            "digest": f"sha256:{program.digest}",
            "overlays": list(program.overlays),
        },
        "inputs": {
            entity: [
                {"file": each.name, "digest": digests[each.path], "encoding": each.text.encoding}
                if not each.numbered
                else {"file": each.name, "digest": digests[each.path]}
                for each in source.parts
            ]
            for entity, source in sorted(inputs.items())
        },
        "outputs": {path.name: digests[path] for path in named},
        "records": records,
        "versions": {
            "mianshen": __version__,
            "duckdb": duckdb.__version__,
            "sqlglot": version("sqlglot"),
            "places": PLACE_LIST_VERSION,
            **(engine or {}),
        },
    }


def timings_file(
    seconds: dict[str, float], counts: dict[str, int], inputs: dict[str, Input]
) -> dict[str, Any]:
    """Seconds by stage (text, so that no reader takes them for money), where inputs lay, the host's facts."""
    return {
        "seconds": {name: f"{value:.3f}" for name, value in seconds.items()},
        "records": counts,
        "inputs": {
            entity: [each.named or str(each.path.absolute()) for each in source.parts]
            for entity, source in sorted(inputs.items())
        },
        "host": {"cores": os.cpu_count(), "python": platform.python_version(), "machine": platform.machine()},
    }
