"""What pip needs in order to install what uv would.

In: `pyproject.toml`, `uv.lock`, and a folder named on the command line. Out, in that folder: a file of
requirements for each dependency group (`dev.txt`, `full.txt`), and `pins.txt`, every locked version.
"""

import sys
import tomllib
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main(folder: Path) -> None:
    """Writes the files."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    lock = tomllib.loads((ROOT / "uv.lock").read_text("utf-8"))
    versions = defaultdict(set)
    for package in lock["package"]:
        if "registry" in package["source"]:
            versions[package["name"]].add(package["version"])
    pins = [f"{name}=={found.pop()}" for name, found in sorted(versions.items()) if len(found) == 1]
    for group, requirements in project["dependency-groups"].items():
        (folder / f"{group}.txt").write_text("\n".join(requirements) + "\n", "utf-8")
    (folder / "pins.txt").write_text("\n".join(pins) + "\n", "utf-8")


main(Path(sys.argv[1]))
