"""The import rules of the house are wired up and can fail."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CONTRACT = """
[importlinter]
root_packages =
    protection
    engine
[importlinter:contract:1]
name = probe
type = forbidden
source_modules = protection
forbidden_modules = engine
"""


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    code = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    return subprocess.run(
        [sys.executable, "-c", code, "--no-cache"], cwd=folder, capture_output=True, text=True
    )


def test_a_forbidden_import_is_refused(tmp_path: Path) -> None:
    for name in ("protection", "engine"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text('"""A room."""\n')
    (tmp_path / ".importlinter").write_text(CONTRACT)
    assert lint(tmp_path).returncode == 0
    (tmp_path / "protection" / "leak.py").write_text("import engine\n")
    assert lint(tmp_path).returncode == 1


def test_the_rooms_of_the_house_keep_their_order() -> None:
    done = lint(ROOT)
    assert done.returncode == 0, done.stdout
