"""The receipt of a batch: what went in, what came out, by which rules; and, apart, how long it took.

In: a finished output folder. Out: the content of `manifest.json` and `timings.json`. The manifest
holds nothing that differs between two runs on the same inputs.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from mianshen.ingest.inputs import Input
from mianshen.places import PLACE_LIST_VERSION
from mianshen.program.program import Program
from mianshen.version import __version__


def digest_of_file(path: Path) -> str:
    """`sha256:` and the digest of a file's bytes."""
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def manifest(
    program: Program,
    as_of: dt.date,
    inputs: Mapping[str, Input],
    read: Mapping[Path, str],
    outputs: Mapping[str, str],
    records: dict[str, Any],
) -> dict[str, Any]:
    """Digests of rulebook, inputs (`read`, by path) and outputs (by name), versions, counts, the day."""
    return {
        "as_of": as_of.isoformat(),
        "rulebook": {
            "name": program.name,
            "digest": f"sha256:{program.digest}",
            "overlays": list(program.overlays),
            "entry": program.entry,
        },
        "inputs": {
            entity: [
                {"file": part.name, "digest": read[part.path]}
                | ({} if part.numbered else {"encoding": part.text.encoding})
                for part in source.parts
            ]
            for entity, source in sorted(inputs.items())
        },
        "outputs": dict(outputs),
        "records": records,
        "versions": {
            "mianshen": __version__,
            "places": PLACE_LIST_VERSION,
            "duckdb": duckdb.__version__,
            "pyarrow": pa.__version__,
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
            entity: [part.address for part in source.parts] for entity, source in sorted(inputs.items())
        },
        "host": {"cores": os.cpu_count(), "python": platform.python_version(), "machine": platform.machine()},
    }
