"""kill -9 of a run of main.py, and restart: what was in force is in force, nothing half is read."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from protection.assembly import MIGRATIONS, STATE_KEY, STATE_KIND, STATE_VERSION
from protection.circuit_breakers.kill_switch import lock_text
from protection.contracts import HostClock
from protection.contracts.errors import RecoverState
from protection.contracts.stores import FileStateStore, StateJournal
from protection.system import ProtectionSystem

ROOT = Path(__file__).resolve().parents[2]
ROUNDS = 20


def _start(data: Path, folder: Path, end: str) -> subprocess.Popen[str]:
    given = ["state=keep", "start=2008-06-01", f"end={end}", "universe=SPY,AAPL,BAC"]
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "engine", "run", str(ROOT / "main.py"), "--quiet"),
            *("--data", str(data), "--output", str(folder / "out")),
            *("--object-store", str(folder / "store")),
            *(part for pair in given for part in ("--parameter", pair)),
        ],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _state(folder: Path) -> Path:
    return folder / "store" / "protection" / "state-backtest"


def _journal(folder: Path) -> StateJournal:
    store = FileStateStore(_state(folder))
    return StateJournal(store, STATE_KEY, STATE_KIND, STATE_VERSION, MIGRATIONS)


def _stamp(folder: Path) -> tuple[int, ...]:
    """Changes whenever something was stored."""
    paths = [_state(folder) / name for name in ("protection.state", "protection.journal")]
    return tuple(path.stat().st_mtime_ns for path in paths if path.exists())


def _peak(folder: Path) -> float:
    try:
        held = _journal(folder).load()
    except RecoverState:  # read between the snapshot and the log that it begins anew
        return 0.0
    return 0.0 if held is None else float(held["account"]["lifetime"])


def _restarted(folder: Path) -> ProtectionSystem:
    return ProtectionSystem(clock=HostClock(), store=FileStateStore(_state(folder)))


def _open(system: ProtectionSystem) -> set[tuple[str, str]]:
    board: dict[str, Any] = system.snapshot()["board"]["portfolio"]
    return {(name, held["state"]) for name, held in board.items() if held["state"] != "closed"}


def _finish(data: Path, folder: Path, end: str) -> dict[str, Any]:
    process = _start(data, folder, end)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 0, said
    result: dict[str, Any] = json.loads((folder / "out" / "result.json").read_text())
    return result


def test_twenty_kills_at_random_moments_of_a_run_lose_nothing(
    lean_data: Path, tmp_path: Path
) -> None:
    draw = random.Random(20081015)
    peak, stored, opened = 0.0, 0, 0
    for _ in range(ROUNDS):
        process = _start(lean_data, tmp_path, "2009-03-31")
        before = _stamp(tmp_path)
        until = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < until:
            # the first run lives until there is a peak to lose, however slow the machine is
            if _stamp(tmp_path) != before and (peak or _peak(tmp_path)):
                break
            time.sleep(0.005)
        time.sleep(draw.uniform(0.0, 0.6))
        process.kill()
        process.communicate()
        system = _restarted(tmp_path)
        assert not system._board.has_fault("state"), "half-written state was read"
        assert not system.killed
        account = system.snapshot()["account"]
        assert account["lifetime"] >= peak
        peak = account["lifetime"]
        held = _journal(tmp_path).load()
        assert held is not None
        assert account["lifetime"] == held["account"]["lifetime"]
        known = {
            (name, entry["state"])
            for name, entry in held["board"]["portfolio"].items()
            if entry["state"] != "closed"
        }
        assert _open(system) == known
        opened += bool(known)
        stored += _stamp(tmp_path) != before
    assert stored >= ROUNDS // 2, "most runs were killed before they had stored anything"
    assert peak > 0


def test_a_lock_stands_over_runs_until_it_is_cleared_by_name(
    lean_data: Path, tmp_path: Path
) -> None:
    free = _finish(lean_data, tmp_path, "2008-08-29")
    assert free["order_events"], "the free run must trade, or the lock would prove nothing"

    store = FileStateStore(_state(tmp_path))
    lock = lock_text("Ada", "drill", datetime(2008, 6, 2, tzinfo=UTC))
    store.write("trading.lock", lock)
    for _ in range(2):
        held = _finish(lean_data, tmp_path, "2008-08-29")
        assert [e for e in held["order_events"] if e["fillQuantity"]] == []
        assert "drill" in " ".join(held["log"])
    assert _restarted(tmp_path).killed

    system = _restarted(tmp_path)
    system.resume("Grace", "drill over")
    assert not _restarted(tmp_path).killed
    assert store.read("trading.lock") is not None, "the history of the lock stays"
