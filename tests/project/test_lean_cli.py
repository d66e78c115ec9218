"""The `lean` package's own code on a copy of the repository; only Docker and the web are replaced.

It decides what a user of `lean backtest .` meets: which files are mounted where, what configuration
LEAN gets, what the cloud is sent. `lean_driver.py` runs it in a process of its own.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from operations.cloud.rules import LARGEST_FILE
from operations.cloud.stage import adopt_cloud_id, stage

ROOT = Path(__file__).resolve().parents[2]
DRIVER = Path(__file__).with_name("lean_driver.py")
NOT_COPIED = (
    ".git", ".venv", ".build", "data", "backtests", "optimizations", "live", "storage",
)  # fmt: skip
NAME = "QMP Overrider"

COMMANDS: dict[str, list[str]] = {
    "backtest": ["backtest", "."],
    "backtest with a parameter": ["backtest", "main.py", "--parameter", "leverage", "0.5"],
    "live": [
        "live", "deploy", ".", "--brokerage", "Paper Trading",
        "--data-provider-live", "Paper Trading", "--live-cash-balance", "USD:100000",
    ],
    "optimize": [
        "optimize", ".", "--strategy", "Grid Search", "--target", "Sharpe Ratio",
        "--target-direction", "max", "--parameter", "volatility-target", "0.05", "0.15", "0.05",
    ],
    "research": ["research", "."],
}  # fmt: skip


def drive(folder: Path, home: Path, commands: list[list[str]]) -> list[dict[str, Any]]:
    """Run `lean` commands in ``folder`` with a home of its own and return what they did."""
    asked, answered = home / "commands.json", home / "results.json"
    asked.write_text(json.dumps(commands))
    environment = {**os.environ, "HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, str(DRIVER), str(answered), str(asked)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    results: list[dict[str, Any]] = json.loads(answered.read_text())
    return results


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository, with an empty data folder where a user has a prepared one."""
    folder = tmp_path_factory.mktemp("checkout") / "qmp-overrider"

    def ignored(directory: str, names: list[str]) -> set[str]:
        if Path(directory) == ROOT:
            return {name for name in names if name in NOT_COPIED}
        return {name for name in names if name.startswith(".") or name == "__pycache__"}

    shutil.copytree(ROOT, folder, ignore=ignored)
    (folder / "data").mkdir()
    return folder


@pytest.fixture(scope="module")
def results(copy: Path, home: Path) -> dict[str, dict[str, Any]]:
    done = drive(copy, home, list(COMMANDS.values()))
    return dict(zip(COMMANDS, done, strict=True))


@pytest.mark.parametrize("command", COMMANDS)
def test_the_command_reaches_docker(command: str, results: dict[str, dict[str, Any]]) -> None:
    result = results[command]
    assert result["error"] is None
    assert result["exit_code"] == 0, result["output"]
    assert len(result["runs"]) == 1


@pytest.mark.parametrize("command", COMMANDS)
def test_the_repository_and_its_data_are_mounted(
    command: str, results: dict[str, dict[str, Any]], copy: Path
) -> None:
    volumes = results[command]["runs"][0]["volumes"]
    assert volumes[str(copy)] == "/LeanCLI"
    assert volumes[str(copy / "data")] == "/Lean/Data"
    assert volumes[str(copy / "storage")] == "/Storage"


def test_lean_gets_our_algorithm_and_the_parameters_of_the_project(
    results: dict[str, dict[str, Any]],
) -> None:
    configuration = results["backtest"]["runs"][0]["configuration"]
    project = json.loads((ROOT / "config.json").read_text())
    assert configuration["algorithm-location"] == "/LeanCLI/main.py"
    assert configuration["algorithm-language"] == "Python"
    assert configuration["environment"] == "backtesting"
    assert configuration["parameters"] == project["parameters"]
    assert (
        "BacktestingResultHandler" in configuration["environments"]["backtesting"]["result-handler"]
    )


def test_a_parameter_on_the_command_line_replaces_all_of_them(
    results: dict[str, dict[str, Any]],
) -> None:
    configuration = results["backtest with a parameter"]["runs"][0]["configuration"]
    assert configuration["parameters"] == {"leverage": "0.5"}


def test_live_trading_runs_on_the_paper_brokerage_with_the_given_cash(
    results: dict[str, dict[str, Any]],
) -> None:
    configuration = results["live"]["runs"][0]["configuration"]
    environment = configuration["environments"][configuration["environment"]]
    assert environment["live-mode"] is True
    assert environment["live-mode-brokerage"] == "PaperBrokerage"
    assert configuration["live-cash-balance"] == [{"currency": "USD", "amount": 100000.0}]


def test_the_optimizer_gets_the_grid(results: dict[str, dict[str, Any]], copy: Path) -> None:
    run = results["optimize"]["runs"][0]
    assert any("Optimizer.Launcher" in command for command in run["commands"])
    (path,) = [Path(source) for source in run["mounts"] if source.endswith("optimizer-config.json")]
    grid = json.loads(path.read_text())
    assert path.is_relative_to(copy / "optimizations")
    assert grid["parameters"] == [
        {"name": "volatility-target", "min": 0.05, "max": 0.15, "step": 0.05}
    ]


def test_the_notebooks_see_the_repository(results: dict[str, dict[str, Any]], copy: Path) -> None:
    mounts = results["research"]["runs"][0]["mounts"]
    assert mounts[str(copy)].endswith("/Notebooks")


def test_running_lean_changes_nothing_in_the_project_files_but_a_date(
    results: dict[str, dict[str, Any]], copy: Path
) -> None:
    assert (copy / "config.json").read_bytes() == (ROOT / "config.json").read_bytes()
    before = json.loads((ROOT / "lean.json").read_text())
    after = json.loads((copy / "lean.json").read_text())
    assert after.pop("file-database-last-update") != ""
    before.pop("file-database-last-update")
    assert after == before


def test_the_staged_bundle_and_nothing_else_is_pushed(copy: Path, home: Path) -> None:
    bundle = stage(copy, NAME)
    (result,) = drive(bundle.workspace, home, [["cloud", "push", "--project", NAME]])
    assert result["error"] is None
    assert result["exit_code"] == 0, result["output"]
    ((name, *_),) = result["created"]
    assert name == NAME
    pushed = {
        file["name"]: file["content"]
        for call in result["updated"]
        for file in call["kwargs"].get("files", [])
    }
    assert set(pushed) == set(bundle.files)
    assert "main.py" in pushed
    assert {path.split("/")[0] for path in pushed} <= {
        "main.py",
        "algorithm",
        "protection",
        "research",
    }
    assert all(0 < len(content.encode()) <= LARGEST_FILE for content in pushed.values())
    assert adopt_cloud_id(copy, NAME) == "4711"
    assert json.loads((copy / "config.json").read_text())["cloud-id"] == 4711
