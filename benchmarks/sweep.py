"""``make bench-sweep``: a sweep on one process, on two, and on a local Ray.

usage: python benchmarks/sweep.py [--runs 1000] [--jobs 2] [--data DIR] [--no-ray]

Every way makes the same runs (an EMA cross on a year of daily bars, other periods each), from the
first look at the grid to the table of results on disk, the start of the workers included; the last
row joins a Ray that was started before, as a cluster is. The
order list hashes of all ways must be the same. *CPU* is what all processes of the machine used in
that time; when it is well above what the sweep itself needs, the machine was busy and the wall
times say little.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from engine.sweep import _start_ray, run_many

TARGET = 1.7
RAY, RAY_RUNNING = "local Ray", "Ray running"


def _cpu() -> float:
    """Return the CPU seconds of this process and of the children that have ended."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + ended.ru_utime + ended.ru_stime


def _machine() -> float:
    """Return the CPU seconds that the whole machine has used, where the system tells."""
    try:
        cells = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    except OSError:
        return 0.0
    ticks = [int(cell) for cell in cells]
    return (sum(ticks[:8]) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK")


def grid(runs: int) -> list[dict[str, int]]:
    """Return different pairs of periods."""
    pairs = [(fast, slow) for slow in range(20, 120) for fast in range(3, slow - 2, 2)]
    if runs > len(pairs):
        raise SystemExit(f"expected at most {len(pairs)} runs, was {runs}")
    return [{"fast": fast, "slow": slow} for fast, slow in pairs[:runs]]


def main() -> int:
    """Print the table; 0 when all ways give the same results."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--runs", type=int, default=1000)
    options.add_argument("--jobs", type=int, default=2)
    options.add_argument(
        "--data", type=Path, default=Path(os.environ.get("LEAN_DATA", "../shared/lean-data"))
    )
    options.add_argument("--no-ray", action="store_true")
    chosen = options.parse_args()
    sets = grid(chosen.runs)
    ways: list[tuple[str, dict[str, object]]] = [
        ("1 process", {"jobs": 1}),
        (f"{chosen.jobs} processes", {"jobs": chosen.jobs}),
    ]
    if not chosen.no_ray:
        ways.append((RAY, {"cluster": "local"}))
        ways.append((RAY_RUNNING, {"cluster": "local"}))
    print(f"{len(sets)} runs, {os.cpu_count()} cores")
    print(f"{'':14} {'wall s':>8} {'CPU s':>8} {'runs/s':>8} {'ratio':>6} {'target':>7}  results")
    first_wall, first_hashes = 0.0, None
    same = True
    for name, how in ways:
        if name == RAY_RUNNING:
            import ray

            _start_ray(ray, "local")
        with tempfile.TemporaryDirectory() as folder:
            started, before, busy = time.perf_counter(), _cpu(), _machine()
            runs = run_many(
                ROOT / "benchmarks" / "sweep_cross.py",
                chosen.data,
                sets,
                output=Path(folder),
                **how,  # type: ignore[arg-type]
            )
            wall, cpu, all_cpu = (
                time.perf_counter() - started,
                _cpu() - before,
                _machine() - busy,
            )
        hashes = [run.statistics.get("OrderListHash") for run in runs]
        completed = sum(run.completed for run in runs)
        if first_hashes is None:
            first_wall, first_hashes = wall, hashes
        equal = hashes == first_hashes and completed == len(runs)
        same = same and equal
        used = f"{cpu:8.1f}" if name not in (RAY, RAY_RUNNING) else f"{'':>8}"
        target = f"{TARGET:7.1f}" if name != "1 process" else f"{'':>7}"
        print(
            f"{name:14} {wall:8.1f} {used} {len(runs) / wall:8.1f} {first_wall / wall:6.2f} "
            f"{target}  {'same' if equal else 'DIFFERENT'}, {completed} completed "
            f"(machine {all_cpu:.1f} CPU s)",
            flush=True,
        )
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
