"""``make bench-engine``: data points per second of the engine, beside its peers on the same bars.

Peers live in an environment of their own (``.venv-peers``, made at the first run): nautilus_trader
needs numpy 2.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.bars import last_day, write_csv, write_lean_folder

PEERS = ("backtesting==0.6.6", "nautilus_trader==1.221.0", "bt==1.4.1")
PEER_SCRIPTS = (
    ("backtesting_py.py", "backtesting.py 0.6.6"),
    ("nautilus.py", "nautilus_trader 1.221.0"),
    ("bt_py.py", "bt 1.4.1"),
)
#: whole-process seconds of LEAN itself on a 2-core machine, on an EMA cross over as many minute
#: bars
LEAN_SECONDS = {98_100: 4.8, 488_640: 9.0, 977_280: 12.1}
LEAN_GOLDEN_04 = 8.0


@dataclass(frozen=True, slots=True)
class Run:
    """Seconds of a whole process, wall and processor, and how many data points it had."""

    wall: float
    cpu: float
    points: int


def run_engine(path: Path, data: Path, *more: str) -> Run:
    """Run an algorithm in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "engine", "run", str(path), "--data", str(data)]
        command += ["--output", folder, "--object-store", folder + "/store", *more]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        started = time.perf_counter()
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        wall = time.perf_counter() - started
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    found = re.search(r"([\d,]+) data points in", done.stdout)
    return Run(wall, cpu, int(found[1].replace(",", "")) if found else 0)


def peers_python() -> Path:
    """Return the python of the peers' environment, made when it is missing."""
    folder = Path(os.environ.get("PEERS", ROOT / ".venv-peers"))
    python = folder / "bin" / "python"
    if not python.exists():
        print(f"== Creating {folder.name} with {', '.join(PEERS)}", flush=True)
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *PEERS], check=True)
    return python


def run_peer(script: str, csv: Path) -> float | None:
    """Return the processor seconds of a peer's loop, or None when it cannot run here."""
    done = subprocess.run(
        [str(peers_python()), str(ROOT / "benchmarks" / "peers" / script), str(csv)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        print(done.stderr.splitlines()[-1] if done.stderr else "failed", flush=True)
        return None
    return float(done.stdout.split()[-1])


def show(what: str, run: Run, lean: float | None, start: Run) -> None:
    """Print a row; the rate is that of the run without what a start takes."""
    theirs = "" if lean is None else f"{lean:.1f}"
    ratio = "" if lean is None else f"{run.cpu / lean:.2f}"
    speed = (run.points - start.points) / (run.cpu - start.cpu) if run is not start else 0.0
    print(
        f"{what:44} {run.wall:8.2f} {run.cpu:8.2f} {theirs:>8} {ratio:>6} {speed:12,.0f}",
        flush=True,
    )


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument(
        "--data", type=Path, default=Path(os.environ.get("LEAN_DATA", "../shared/lean-data"))
    )
    options.add_argument("--bars", type=int, nargs="*", default=sorted(LEAN_SECONDS))
    options.add_argument("--no-peers", action="store_true")
    options.add_argument("--golden", type=Path, default=ROOT / "tests" / "golden" / "lean_runs")
    chosen = options.parse_args()
    print(
        "wall, CPU: seconds of whole processes, equal on an idle machine; LEAN: its wall seconds\n"
        "on two idle cores; ratio: CPU to LEAN; points/s: data points per CPU second without the\n"
        "start; peers: their loop alone, without reading the bars\n"
    )
    print(f"{'what':44} {'wall':>8} {'CPU':>8} {'LEAN':>8} {'ratio':>6} {'points/s':>12}")
    row_1 = ROOT / "tests" / "engine" / "parity" / "algorithms" / "row_01.py"
    day = ("--start", "2013-10-07", "--end", "2013-10-07")
    start = min((run_engine(row_1, chosen.data, *day) for _ in range(5)), key=lambda r: r.cpu)
    show("start-up (row 1, one day only)", start, None, start)
    show("row 1 (SPY, five days of minute bars)", run_engine(row_1, chosen.data), None, start)
    if (ROOT / "main.py").is_file():
        years = ("--start", "1999-01-01", "--end", "2021-03-31")
        run = run_engine(ROOT / "main.py", chosen.data, *years)
        show("main.py, seven symbols daily 1999-2021", run, LEAN_GOLDEN_04, start)
    golden = chosen.golden / "04_seven_framework.py"
    if golden.is_file():
        run = run_engine(golden, chosen.data)
        show("golden 04, seven symbols daily 1999-2021", run, LEAN_GOLDEN_04, start)
    for count in chosen.bars:
        with tempfile.TemporaryDirectory() as folder:
            total = write_lean_folder(chosen.data, Path(folder) / "data", count)
            span = ("--start", "2003-01-01", "--end", f"{last_day(chosen.data, count):%Y-%m-%d}")
            run = run_engine(ROOT / "benchmarks" / "ema_cross.py", Path(folder) / "data", *span)
        show(f"EMA cross, {total:,} minute bars", run, LEAN_SECONDS.get(count), start)
    if chosen.no_peers:
        return
    with tempfile.TemporaryDirectory() as folder:
        csv = Path(folder) / "bars.csv"
        total = write_csv(chosen.data, csv, min(chosen.bars, default=98_100))
        for script, name in PEER_SCRIPTS:
            cpu = run_peer(script, csv)
            if cpu:
                what = f"{name}, {total:,} minute bars"
                print(f"{what:44} {'':8} {cpu:8.2f} {'':8} {'':6} {total / cpu:12,.0f}")
    print("\nbt cannot trade on indicators: pandas computes when to hold, bt rebalances to that")


if __name__ == "__main__":
    main()
