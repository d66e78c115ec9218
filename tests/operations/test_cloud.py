"""Staged bundles: what travels, and every rule that is checked before it does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from operations.cloud.rules import LARGEST_FILE, violations
from operations.cloud.stage import adopt_cloud_id, stage
from operations.errors import BundleError, FolderError

MAIN = '"""The algorithm."""\nfrom AlgorithmImports import *\n\n\nclass A(QCAlgorithm):\n    pass\n'


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A minimal repository."""
    (tmp_path / "main.py").write_text(MAIN)
    (tmp_path / "config.json").write_text(json.dumps({"parameters": {}, "local-id": 7}, indent=4))
    (tmp_path / "lean.json").write_text(json.dumps({"data-folder": "data"}, indent=4))
    for name in ("algorithm", "protection", "engine", "tests"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text('"""A room."""\n')
    (tmp_path / "protection" / "__pycache__").mkdir()
    (tmp_path / "protection" / "__pycache__" / "x.pyc").write_bytes(b"")
    return tmp_path


def test_only_what_the_cloud_needs_travels(root: Path) -> None:
    bundle = stage(root, "My Project")
    assert bundle.files == ("algorithm/__init__.py", "main.py", "protection/__init__.py")
    assert bundle.workspace == root / ".build"
    assert json.loads((root / ".build/lean.json").read_text())["data-folder"] == "../data"


def test_notebooks_travel_where_there_are_some(root: Path) -> None:
    (root / "research").mkdir()
    cells = [{"cell_type": "code", "source": ["%matplotlib inline\n", "import numpy\n"]}]
    (root / "research" / "start.ipynb").write_text(json.dumps({"cells": cells}))
    assert "research/start.ipynb" in stage(root, "P").files


def test_staging_again_replaces_the_bundle(root: Path) -> None:
    stage(root, "P")
    (root / ".build/P/left_over.py").write_text("x = 1\n")
    assert stage(root, "P").files == ("algorithm/__init__.py", "main.py", "protection/__init__.py")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "protection/big.py",
            "#" * (LARGEST_FILE + 1),
            "expected at most 32,000 bytes, was 32,001",
        ),
        ("protection/empty.py", "", "expected a docstring, was an empty file"),
        ("protection/table.csv", "a,b\n", "would not be pushed"),
        ("protection/report/a.py", '"""A."""\n', "protection/report: expected no folder"),
        ("algorithm/Live/a.py", '"""A."""\n', "algorithm/Live: expected no folder"),
        ("protection/net.py", "import requests\n", "line 1: expected an import of the cloud's"),
        (
            "protection/leak.py",
            "def f():\n    import engine\n",
            "line 2: expected an import of the",
        ),
        ("protection/ops.py", "from operations.files import sha256\n", "was operations"),
        ("protection/new.py", "def f[T](x: T) -> T: ...\n", "expected Python 3.11"),
        ("protection/config.json", "{}", "expected one config.json"),
        ("main.py", '"""None."""\n', "expected one QCAlgorithm class, was none"),
        ("main.py", MAIN + "\n\nclass B(QCAlgorithm):\n    pass\n", "was ['A', 'B']"),
    ],
)
def test_a_bundle_that_breaks_a_rule_is_refused(
    root: Path, name: str, content: str, message: str
) -> None:
    (root / name).parent.mkdir(exist_ok=True)
    (root / name).write_text(content)
    with pytest.raises(BundleError) as refused:
        stage(root, "P")
    assert message in str(refused.value)
    assert not (root / ".build/P").exists()


def test_a_refused_bundle_leaves_the_earlier_one(root: Path) -> None:
    stage(root, "P")
    (root / "main.py").write_text("broken(\n")
    with pytest.raises(BundleError):
        stage(root, "P")
    assert (root / ".build/P/main.py").read_text() == MAIN
    assert [path.name for path in sorted((root / ".build").iterdir())] == ["P", "lean.json"]


@pytest.mark.parametrize("name", ["../evil", ".", "", "a/b", ".hidden"])
def test_a_name_that_is_no_project_name_is_refused(root: Path, name: str) -> None:
    with pytest.raises(BundleError, match="expected a project name"):
        stage(root, name)


def test_a_folder_that_is_not_the_repository_is_named(tmp_path: Path) -> None:
    with pytest.raises(FolderError, match=r"was without main\.py, config\.json"):
        stage(tmp_path, "P")


def test_the_cloud_id_comes_home(root: Path) -> None:
    with pytest.raises(FolderError, match="stage it first"):
        adopt_cloud_id(root, "P")
    folder = stage(root, "P").folder
    with pytest.raises(FolderError, match="push the bundle first"):
        adopt_cloud_id(root, "P")
    pushed = {"parameters": {}, "local-id": 7, "cloud-id": 42, "organization-id": "ab"}
    (folder / "config.json").write_text(json.dumps(pushed))
    assert adopt_cloud_id(root, "P") == "42"
    assert json.loads((root / "config.json").read_text()) == pushed
    assert json.loads((stage(root, "P").folder / "config.json").read_text())["cloud-id"] == 42


def test_the_clean_bundle_has_no_violations(root: Path) -> None:
    assert violations(stage(root, "P").folder) == []
