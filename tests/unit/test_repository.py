"""What holds for the repository as a whole."""

import ast
import importlib
import pkgutil
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from tests.prerequisites import missing

ROOT = Path(__file__).parents[2]
PORTIONS = ("chaincode", "client", "lake", "network", "cli")
TEXT = {".py", ".md", ".toml", ".yaml", ".yml", ".json", ".sh", ".mjs", ".cff", ""}


def tracked() -> list[Path]:
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listing.returncode:
        missing("git", "not a checkout: there is no list of tracked files")
    return [ROOT / name for name in listing.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


def subpackages() -> list[str]:
    return sorted(
        f"gridledger.{child.name}"
        for portion in PORTIONS
        for child in (ROOT / portion / "gridledger").glob("*")
        if (child / "__init__.py").is_file()
    )


def test_namespace_package_has_no_init() -> None:
    assert [str(p) for portion in PORTIONS for p in (ROOT / portion).glob("gridledger/__init__.py")] == []


@pytest.mark.parametrize("name", subpackages())
def test_subpackage_has_sorted_public_names(name: str) -> None:
    package = importlib.import_module(name)
    names = list(package.__all__)
    assert names == sorted(names)
    assert [n for n in names if not hasattr(package, n)] == []
    assert (Path(package.__path__[0]) / "py.typed").is_file()


@pytest.mark.parametrize("name", subpackages())
def test_modules_state_what_is_public(name: str) -> None:
    package = importlib.import_module(name)
    for info in pkgutil.walk_packages(package.__path__, f"{name}."):
        if info.name.rsplit(".", 1)[-1].startswith("_"):
            continue
        source = Path(importlib.util.find_spec(info.name).origin)  # type: ignore[union-attr, arg-type]
        tree = ast.parse(source.read_text())
        targets = [
            target
            for node in tree.body
            if isinstance(node, ast.Assign | ast.AnnAssign)
            for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        ]
        exported = [target for target in targets if isinstance(target, ast.Name) and target.id == "__all__"]
        assert exported, f"{info.name} has no __all__"


def test_tools_check_every_subpackage() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    assert sorted(settings["mypy"]["packages"]) == subpackages()
    assert sorted(settings["importlinter"]["root_packages"]) == subpackages()


def test_modules_stay_short() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in tracked()
        if path.suffix == ".py"
        and path.relative_to(ROOT).parts[0] != "tests"
        and (lines := len(path.read_text().splitlines())) > 400
    }
    assert long == {}


def test_lock_and_documents_name_no_host_and_no_machine() -> None:
    registry = re.compile(r"pypi\.org|pythonhosted|registry\.npmjs|proxy\.golang|repo1?\.maven")
    machine = re.compile(r"(?:^|[^A-Za-z0-9._-])/(?:work|root|farm)/[A-Za-z]")
    nickname = re.compile(r"\bseed 00\d")  # sources are cited by their public names
    found = []
    for path in tracked():
        if path.suffix not in TEXT and path.name not in {"Makefile", "requirements.lock"}:
            continue
        if "data" in path.parts or path == Path(__file__):
            continue
        text = path.read_text(errors="replace")
        searched = (registry.search(text), machine.search(text), nickname.search(text))
        found += [f"{path.relative_to(ROOT)}: {m[0]}" for m in searched if m]
    assert found == []


def test_readme_names_the_two_commands_on_its_first_screen() -> None:
    first_screen = "\n".join((ROOT / "README.md").read_text().splitlines()[:24])
    assert "make demo" in first_screen
    assert "make test" in first_screen
