"""Rules that LEAN, its command line and its cloud put on the repository itself."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from operations.cloud.rules import FORBIDDEN_FOLDERS, LARGEST_FILE, PUSHED

ROOT = Path(__file__).resolve().parents[2]
UNTRACKED = {
    ".git", ".venv", ".build", "data", "backtests", "optimizations", "live", "storage",
    "build", "dist",
}  # fmt: skip
HEAVY = {"torch", "torch_geometric", "statsmodels", "sklearn", "hmmlearn", "matplotlib"}


def walk() -> list[Path]:
    """Return every file and folder of the repository, without what runs produce."""
    found = []
    for folder, names, files in os.walk(ROOT):
        inside = Path(folder)
        names[:] = [
            name
            for name in names
            if not (inside == ROOT and name in UNTRACKED)
            and not (name.startswith(".") and name != ".ci")
            and name != "__pycache__"
            and not name.endswith(".egg-info")
        ]
        found += [inside / name for name in [*names, *files]]
    return found


PATHS = walk()
SOURCES = [path for path in PATHS if path.is_file() and path.suffix == ".py"]


def relative(paths: list[Path]) -> list[str]:
    return sorted(path.relative_to(ROOT).as_posix() for path in paths)


def test_no_source_is_larger_than_the_cloud_accepts() -> None:
    large = [p for p in PATHS if p.suffix in PUSHED and p.stat().st_size > LARGEST_FILE]
    assert relative(large) == []


def test_no_folder_has_a_name_that_lean_skips() -> None:
    skipped = [p for p in PATHS if p.is_dir() and p.name.lower() in FORBIDDEN_FOLDERS]
    assert relative(skipped) == []


def test_there_is_one_config_json_because_lean_takes_each_for_a_project() -> None:
    assert relative([p for p in PATHS if p.name == "config.json"]) == ["config.json"]


def test_there_is_no_requirements_txt_because_lean_would_install_it_into_its_image() -> None:
    assert relative([p for p in PATHS if p.name == "requirements.txt"]) == []


def test_no_module_in_the_root_shadows_a_module_of_lean() -> None:
    assert [path.name for path in ROOT.glob("*.py")] == ["main.py"]


def test_every_package_says_what_it_is() -> None:
    empty = [
        path
        for path in SOURCES
        if path.name == "__init__.py" and not ast.get_docstring(ast.parse(path.read_text("utf-8")))
    ]
    assert relative(empty) == []


def test_the_project_file_is_strict_json_with_string_parameters() -> None:
    config = json.loads((ROOT / "config.json").read_text(encoding="utf-8"))
    assert config["algorithm-language"] == "Python"
    assert isinstance(config["local-id"], int)
    assert all(isinstance(v, str) for pair in config["parameters"].items() for v in pair)


def test_the_workspace_file_is_as_the_command_line_writes_it() -> None:
    text = (ROOT / "lean.json").read_text(encoding="utf-8")
    config = json.loads(text)
    assert text.rstrip("\n") == json.dumps(config, indent=4)
    assert config["data-folder"] == "data"
    assert config["organization-id"] is not None
    assert {"id", "data-provider", "file-database-last-update"} <= set(config)


def test_no_secret_is_in_the_workspace_file() -> None:
    config = json.loads((ROOT / "lean.json").read_text(encoding="utf-8"))
    secret = re.compile(r"password|secret|token|api-key|user-name|account", re.IGNORECASE)
    assert [key for key, value in config.items() if secret.search(key) and value] == []


@pytest.mark.parametrize("package", ["protection", "algorithm"])
def test_heavy_libraries_are_imported_inside_functions(package: str) -> None:
    offenders = []
    for path in (ROOT / package).rglob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            heavy = sorted({name.split(".")[0] for name in names} & HEAVY)
            offenders += [f"{path.relative_to(ROOT)}: {name}" for name in heavy]
    assert offenders == []


def test_importing_protection_is_quick_and_light() -> None:
    code = (
        "import sys, time; start = time.process_time(); import protection; "
        "took = time.process_time() - start; "
        f"print(took, *({HEAVY!r} & set(sys.modules)))"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout.split()
        for _ in range(2)
    ]
    assert [heavy for _, *heavy in runs] == [[], []]
    assert min(float(took) for took, *_ in runs) < 0.5


def test_the_star_import_of_lean_stays_in_main_and_algorithm() -> None:
    star = re.compile(r"^from AlgorithmImports import \*", re.MULTILINE)
    allowed = ("main.py", "algorithm/", "tests/", "benchmarks/", "research/")
    found = relative([path for path in SOURCES if star.search(path.read_text(encoding="utf-8"))])
    assert [name for name in found if not name.startswith(allowed)] == []


def test_every_make_target_of_the_readme_exists() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    makefiles = [ROOT / "Makefile", *ROOT.glob("mk/*.mk")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in makefiles)
    targets = set(re.findall(r"^([a-z][a-z-]*):", text, re.MULTILINE))
    named = set(re.findall(r"^\s*make ([a-z][a-z-]*)", readme, re.MULTILINE))
    named |= set(re.findall(r"`make ([a-z][a-z-]*)", readme))
    assert named
    assert named - targets == set()
