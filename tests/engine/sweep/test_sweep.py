"""Sweeps: the same as single runs, resumable, and no run takes another with it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from engine import run_many
from engine.cli import main
from engine.run import run_backtest
from engine.types.errors import EngineError

ROOT = Path(__file__).resolve().parents[3]
DATA = Path(os.environ.get("LEAN_DATA", ROOT / "../shared/lean-data"))

ALGORITHM = """from AlgorithmImports import *
import os, signal

class Swept(QCAlgorithm):
    def initialize(self):
        self.set_start_date(2013, 10, 7); self.set_end_date(2013, 10, 11); self.set_cash(100000)
        self.weight = float(self.get_parameter("weight"))
        self.after = int(self.get_parameter("after", 5))
        if self.weight == 0.66:
            raise ValueError("no such weight")
        if self.weight == 0.99:
            os.kill(os.getpid(), signal.SIGKILL)
        self.spy = self.add_equity("SPY", Resolution.HOUR).symbol
        self.bars = 0
    def on_data(self, data):
        self.bars += 1
        if self.bars == self.after:
            self.set_holdings(self.spy, self.weight)
"""
#: what tells of the machine, not of the algorithm
CLOCKS = ("engine_seconds", "seconds")


@pytest.fixture
def algorithm(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "main.py").write_text(ALGORITHM)
    return folder


def plain(content: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(content, default=float))
    return {key: value for key, value in found.items() if key not in CLOCKS}


def test_each_run_is_the_same_as_a_single_one(algorithm: Path, tmp_path: Path) -> None:
    grid = {"weight": [0.25, 0.5], "after": [3, 9]}

    runs = run_many(algorithm, DATA, grid, jobs=2, output=tmp_path / "out")

    assert [run.parameters for run in runs] == [
        {"weight": weight, "after": after} for weight in ("0.25", "0.5") for after in ("3", "9")
    ]
    assert len({run.statistics["OrderListHash"] for run in runs}) == 4
    for run in runs:
        single = run_backtest(
            algorithm, DATA, parameters=run.parameters, object_store=tmp_path / "store"
        )
        assert plain(run.content) == plain(single.content)


def test_a_failed_run_and_a_dead_process_lose_no_other(algorithm: Path) -> None:
    runs = run_many(algorithm, DATA, {"weight": [0.25, 0.66, 0.99, 0.5]}, jobs=2)

    assert [run.status for run in runs] == ["Completed", "RuntimeError", "Failed", "Completed"]
    assert "no such weight" in runs[1].error
    assert "died" in runs[2].error


def test_a_script_needs_no_guard_around_a_sweep(algorithm: Path, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "from engine import run_many\n"
        f"runs = run_many({str(algorithm)!r}, {str(DATA)!r}, {{'weight': [0.25, 0.5]}}, jobs=2)\n"
        "print([run.status for run in runs])\n"
    )

    done = subprocess.run(
        [sys.executable, str(script)], cwd=ROOT, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip

    assert done.stdout == "['Completed', 'Completed']\n", done.stderr


def test_a_second_sweep_finds_what_is_done_and_new_code_is_computed(
    algorithm: Path, tmp_path: Path
) -> None:
    sets = [{"weight": 0.25}, {"weight": 0.5}]
    output = tmp_path / "out"
    first = run_many(algorithm, DATA, sets[:1], jobs=1, output=output)
    second = run_many(algorithm, DATA, sets, jobs=1, output=output)
    (output / "runs" / f"{second[1].key}.json").write_text('{"half": ')
    third = run_many(algorithm, DATA, sets, jobs=1, output=output)
    (algorithm / "main.py").write_text(ALGORITHM.replace("get_parameter", "get_parameter", 1) + "#")
    fourth = run_many(algorithm, DATA, sets[:1], jobs=1, output=output)

    assert [run.resumed for run in first] == [False]
    assert [run.resumed for run in second] == [True, False]
    assert [run.resumed for run in third] == [True, False]
    assert [run.resumed for run in fourth] == [False]
    assert plain(third[1].content) == plain(run_many(algorithm, DATA, sets, jobs=1)[1].content)


def test_a_killed_sweep_goes_on_where_it_was(algorithm: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    weights = ",".join(f"0.{n:02d}" for n in range(10, 30))
    command = [
        sys.executable, "-m", "engine", "sweep", str(algorithm), "--data", str(DATA),
        "--grid", f"weight={weights}", "--jobs", "1", "--output", str(output), "--quiet",
    ]  # fmt: skip
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while len(list((output / "runs").glob("*.json"))) < 3 and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = len(list((output / "runs").glob("*.json")))

    assert main([*command[3:-1], "--quiet"]) == 0
    table = json.loads((output / "sweep.json").read_text())
    again = run_many(algorithm, DATA, {"weight": weights.split(",")}, jobs=1, output=output)

    assert 3 <= done < 20
    assert len(table) == 20
    assert all(row["status"] == "Completed" for row in table)
    assert all(run.resumed for run in again)


def test_a_local_ray_gives_the_same_results_and_loses_none(algorithm: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray")
    sets = [{"weight": weight} for weight in (0.25, 0.66, 0.99, 0.5)]

    here = run_many(algorithm, DATA, sets, jobs=1)
    there = run_many(algorithm, DATA, sets, cluster="local", output=tmp_path / "out")
    again = run_many(algorithm, DATA, sets, jobs=1, output=tmp_path / "out")

    assert [run.status for run in there] == ["Completed", "RuntimeError", "Failed", "Completed"]
    assert [plain(run.content) for run in there] == [plain(run.content) for run in here]
    assert [run.statistics for run in there] == [run.statistics for run in here]
    assert [run.resumed for run in again] == [True, True, False, True]


def test_without_ray_a_cluster_is_refused_with_what_to_do(
    algorithm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)

    with pytest.raises(EngineError, match="pip install ray"):
        run_many(algorithm, DATA, {"weight": [0.5]}, cluster="ray://nowhere:10001")


@pytest.mark.parametrize("grid", [{"weight": []}, {"weight": "0.5"}])
def test_a_grid_without_a_list_of_values_is_refused(algorithm: Path, grid: Any) -> None:
    with pytest.raises(EngineError, match="expected a list of values for weight"):
        run_many(algorithm, DATA, grid)
