"""``make bench-engine``: data points per second of the engine, beside its peers on the same bars.

Peers live in an environment of their own (``.venv-peers``, made at the first run): nautilus_trader
needs numpy 2.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.bars import last_day, write_csv, write_lean_folder

PEERS = ("backtesting==0.6.6", "nautilus_trader==1.221.0")
#: whole-process seconds of LEAN itself on a 2-core machine, on an EMA cross over as many minute
#: bars
LEAN_SECONDS = {98_100: 4.8, 488_640: 9.0, 977_280: 12.1}
LEAN_GOLDEN_04 = 8.0


def run_engine(path: Path, data: Path, *more: str) -> tuple[float, str]:
    """Run an algorithm in a process of its own; return wall seconds and its last lines."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "engine", "run", str(path), "--data", str(data)]
        command += ["--output", folder, "--object-store", folder + "/store", *more]
        started = time.perf_counter()
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        seconds = time.perf_counter() - started
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    points = next((line for line in done.stdout.splitlines() if "data points in" in line), "")
    return seconds, points.strip()


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
    """Return the seconds a peer needed, or None when it cannot run here."""
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
    row_1 = ROOT / "tests" / "engine" / "parity" / "algorithms" / "row_01.py"
    print(f"{'what':44} {'wall s':>8} {'LEAN s':>8}  engine's own figure")
    seconds, points = run_engine(row_1, chosen.data)
    print(
        f"{'row 1 (SPY, five days of minute bars)':44} {seconds:8.2f} {'':>8}  {points}", flush=True
    )
    if (ROOT / "main.py").is_file():
        seconds, points = run_engine(
            ROOT / "main.py", chosen.data, "--start", "1999-01-01", "--end", "2021-03-31"
        )
        print(
            f"{'main.py, seven symbols daily 1999-2021':44} {seconds:8.2f} {8.0:8.1f}  {points}",
            flush=True,
        )
    golden = chosen.golden / "04_seven_framework.py"
    if golden.is_file():
        seconds, points = run_engine(golden, chosen.data)
        print(
            f"{'golden 04, seven symbols daily 1999-2021':44} {seconds:8.2f} "
            f"{LEAN_GOLDEN_04:8.1f}  {points}",
            flush=True,
        )
    for count in chosen.bars:
        with tempfile.TemporaryDirectory() as folder:
            total = write_lean_folder(chosen.data, Path(folder) / "data", count)
            end = f"{last_day(chosen.data, count):%Y-%m-%d}"
            seconds, points = run_engine(
                ROOT / "benchmarks" / "ema_cross.py",
                Path(folder) / "data",
                "--start",
                "2003-01-01",
                "--end",
                end,
            )
        lean = LEAN_SECONDS.get(count)
        print(
            f"{f'EMA cross, {total:,} minute bars':44} {seconds:8.2f} "
            f"{lean if lean else '':>8}  {points}",
            flush=True,
        )
    if chosen.no_peers:
        return
    with tempfile.TemporaryDirectory() as folder:
        csv = Path(folder) / "bars.csv"
        total = write_csv(chosen.data, csv, 100_000)
        for script, name in (
            ("backtesting_py.py", "backtesting.py 0.6.6"),
            ("nautilus.py", "nautilus_trader 1.221.0"),
        ):
            spent = run_peer(script, csv)
            if spent:
                print(
                    f"{f'{name}, {total:,} bars, loop only':44} {spent:8.2f} "
                    f"{'':>8}  {total / spent:,.0f} bars/s"
                )


if __name__ == "__main__":
    main()
