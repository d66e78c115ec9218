"""``make golden``: runs recorded LEAN algorithms on the engine and says which come out equal.

usage: python tools/golden.py [FOLDER] [NAME ...] [--data DIR] [-v]

FOLDER holds ``NN_name.py`` and, for each run that LEAN made of it, ``NN_name.json`` or
``NN_name@key=value.json``.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tools.recorded import differences, parameters, read

DEFAULT_FOLDER = Path(__file__).resolve().parent.parent / "tests" / "golden" / "lean_runs"


def run_one(algorithm: Path, recording: Path, data: Path) -> tuple[str, list[str], float]:
    """Run one variant in this process; return its name, what differs, and the seconds it took."""
    from engine.run import run_backtest

    started = time.perf_counter()
    try:
        with tempfile.TemporaryDirectory() as store, contextlib.redirect_stdout(io.StringIO()):
            result = run_backtest(
                algorithm, data, parameters=parameters(recording), object_store=Path(store)
            )
        recorded = read(recording)
        found = differences(recorded, result.content)
        if str(recorded.get("status")) != result.status:
            found.insert(
                0, f"status: LEAN {recorded.get('status')}, engine {result.status} {result.error}"
            )
    except Exception as error:
        found = [f"{type(error).__name__}: {error}"]
    return recording.name, found, time.perf_counter() - started


def main() -> int:
    """Run what was asked for; 0 when everything is equal."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument(
        "folder", nargs="?", type=Path, default=Path(os.environ.get("GOLDEN", DEFAULT_FOLDER))
    )
    options.add_argument("names", nargs="*", help="begin of the names to run, as 02")
    options.add_argument(
        "--data", type=Path, default=Path(os.environ.get("LEAN_DATA", "../shared/lean-data"))
    )
    options.add_argument("--jobs", "-j", type=int, default=os.cpu_count() or 1)
    options.add_argument("--verbose", "-v", action="store_true", help="say what differs")
    chosen = options.parse_args()
    work = []
    for algorithm in sorted(chosen.folder.glob("[0-9][0-9]_*.py")):
        if chosen.names and not any(algorithm.name.startswith(name) for name in chosen.names):
            continue
        names = [
            *chosen.folder.glob(f"{algorithm.stem}.json*"),
            *chosen.folder.glob(f"{algorithm.stem}@*.json*"),
        ]
        work.append((algorithm, sorted(names)))
    total = equal = 0
    with ProcessPoolExecutor(chosen.jobs, max_tasks_per_child=1) as pool:
        jobs = [
            (algorithm, [pool.submit(run_one, algorithm, name, chosen.data) for name in names])
            for algorithm, names in work
        ]
        for algorithm, runs in jobs:
            done = [run.result() for run in runs]
            good = sum(not found for _, found, _ in done)
            total, equal = total + len(done), equal + good
            seconds = sum(spent for _, _, spent in done)
            mark = "equal" if good == len(done) else "DIFFERENT"
            print(
                f"{algorithm.stem:32} {good:3}/{len(done):<3} {mark:10} {seconds:7.1f} s",
                flush=True,
            )
            for name, found, _ in done:
                if found and chosen.verbose:
                    print(f"  {name}")
                    for line in found:
                        print(f"    {line}")
    print(f"{equal} of {total} runs equal")
    return 0 if equal == total else 1


if __name__ == "__main__":
    sys.exit(main())
