"""The environment of a fresh clone: made once, keyed by the pins, refused with a sentence."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture
def bootstrap() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bootstrap", ROOT / "tools" / "bootstrap.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def pins(name: str) -> dict[str, str]:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    found = (re.match(r"([A-Za-z0-9_.-]+)==([^ ;]+)", line) for line in lines)
    return {match[1].lower(): match[2] for match in found if match}


def test_a_backtest_installs_only_the_base_dependencies(bootstrap: ModuleType) -> None:
    assert bootstrap.requirements("run", PROJECT) == PROJECT["dependencies"]
    assert len(PROJECT["dependencies"]) <= 8


def test_the_tests_install_every_extra(bootstrap: ModuleType) -> None:
    assert set(bootstrap.KINDS["dev"]) == set(PROJECT["optional-dependencies"])


def test_every_requirement_is_pinned(bootstrap: ModuleType) -> None:
    names = {
        re.split(r"[^A-Za-z0-9_.-]", one)[0].lower()
        for one in bootstrap.requirements("dev", PROJECT)
    }
    assert names <= set(pins("constraints.txt"))


def test_the_pins_are_those_of_leans_image() -> None:
    lean, ours = pins("constraints-lean.txt"), pins("constraints.txt")
    assert {"numpy", "pandas", "scipy", "numba"} <= set(lean)
    assert {name: ours[name] for name in lean} == lean


def test_a_changed_pin_or_requirement_makes_a_new_environment(bootstrap: ModuleType) -> None:
    one = bootstrap.fingerprint(["a", "b"], "a==1\n")
    assert one == bootstrap.fingerprint(["b", "a"], "a==1\n")
    assert one != bootstrap.fingerprint(["a", "b"], "a==2\n")
    assert one != bootstrap.fingerprint(["a"], "a==1\n")


def test_a_current_environment_costs_no_installation(bootstrap: ModuleType, tmp_path: Path) -> None:
    constraints = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    wanted = bootstrap.requirements("dev", PROJECT)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").write_text("#!/bin/false\n")
    (tmp_path / f".stamp-dev-{bootstrap.fingerprint(wanted, constraints)}").touch()
    for kind in ("run", "dev"):
        command = [sys.executable, "tools/bootstrap.py", "--venv", str(tmp_path), kind]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        assert (done.returncode, done.stdout) == (0, ""), done.stderr


def test_another_python_is_refused_with_what_to_do(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 12, 1))
    monkeypatch.setattr(sys, "argv", ["bootstrap.py", "run"])
    with pytest.raises(SystemExit) as left:
        bootstrap.main()
    assert left.value.code == 2
    assert "expected Python 3.11 (the version LEAN embeds), was 3.12.1" in capsys.readouterr().err


def test_an_environment_without_a_working_interpreter_is_not_whole(
    bootstrap: ModuleType, tmp_path: Path
) -> None:
    broken = tmp_path / "python"
    assert not bootstrap.is_whole(broken)
    broken.write_text("#!/bin/false\n")
    broken.chmod(0o755)
    assert not bootstrap.is_whole(broken)
    assert bootstrap.is_whole(Path(sys.executable))


def test_continuous_integration_runs_make_test_and_nothing_weaker() -> None:
    path = ROOT / ".ci" / "run"
    assert os.access(path, os.X_OK)
    assert path.read_text().splitlines()[-1] == "exec make test"
    recipe = re.search(r"^test: (.*?) ##", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert recipe is not None
    assert recipe[1].split() == ["env-dev", "lint", "types", "imports", "unit"]


def test_no_check_of_make_test_ignores_a_failure() -> None:
    recipes = [line for line in (ROOT / "Makefile").read_text().splitlines() if line[:1] == "\t"]
    assert [line for line in recipes if line.startswith("\t-") or "|| true" in line] == []
