"""The rulebook travels with the package, whether it runs from a checkout, a wheel or a source archive."""

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from mianshen import shipped
from mianshen.shipped import shipped_rulebook

ROOT = Path(__file__).parents[2]
RULES = {
    file.relative_to(ROOT / "rules").as_posix() for file in (ROOT / "rules").rglob("*") if file.is_file()
}


def _build(target: str, source: Path, folder: Path) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(folder)]
    subprocess.run(command, cwd=source, check=True, capture_output=True)
    [built] = folder.iterdir()
    return built


def _rules_in(wheel: Path) -> set[str]:
    prefix = "mianshen/_rules/"
    with zipfile.ZipFile(wheel) as archive:
        return {name.removeprefix(prefix) for name in archive.namelist() if name.startswith(prefix)}


def test_in_a_checkout_it_is_the_checkout_s_own() -> None:
    assert shipped_rulebook() == ROOT / "rules"


def test_a_wheel_carries_both_packages_and_every_rule(tmp_path: Path) -> None:
    wheel = _build("wheel", ROOT, tmp_path / "wheel")
    assert _rules_in(wheel) == RULES
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {"mianshen/py.typed", "mianshen/population/population.sql", "mianshen_cli/main.py"} <= names
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {"mianshen", "mianshen_cli"}


def test_an_installed_wheel_finds_its_own_rules(tmp_path: Path) -> None:
    with zipfile.ZipFile(_build("wheel", ROOT, tmp_path / "wheel")) as archive:
        archive.extractall(tmp_path / "site")
    code = "from mianshen.shipped import shipped_rulebook; print(shipped_rulebook())"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    command = [sys.executable, "-c", code]
    ran = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert Path(ran.stdout.strip()) == tmp_path / "site" / "mianshen" / "_rules"


def test_a_wheel_built_from_the_source_archive_carries_every_rule_too(tmp_path: Path) -> None:
    archive = _build("sdist", ROOT, tmp_path / "sdist")
    with tarfile.open(archive) as packed:
        packed.extractall(tmp_path / "source", filter="data")
    [source] = (tmp_path / "source").iterdir()
    assert _rules_in(_build("wheel", source, tmp_path / "wheel")) == RULES


def test_a_package_without_its_rules_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shipped, "__file__", str(tmp_path / "mianshen" / "shipped.py"))
    with pytest.raises(FileNotFoundError, match="install mianshen again"):
        shipped_rulebook()
