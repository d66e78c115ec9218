"""``make parity LEAN=DIR``: runs LEAN's own Python regression algorithms from a LEAN checkout,
unmodified.

usage: python tools/parity.py LEAN_CHECKOUT [NAME ...] [--data DIR] [--all] [-v]

The expectation is read from the C# twin of each algorithm (``Algorithm.CSharp/NAME.cs``,
``ExpectedStatistics``). Without names, the rows of the project's table are run; ``--all`` takes
every algorithm that has a twin, keeps each result in ``--results`` as it comes (a run that was
stopped goes on where it was) and writes ``docs/engine_parity.md`` from them with ``--page``.

Each algorithm runs in a process of its own, under a time limit: one that hangs or dies is a row of
the table, not its end.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

TABLE = ROOT / "tests" / "engine" / "parity" / "expectations.json"
RESULTS = ROOT / ".build" / "parity.json"
HASH = "OrderListHash"
_PAIR = re.compile(r'\{\s*"([^"]+)"\s*,\s*"([^"]*)"\s*\}')
_PARAMETER = re.compile(r'"([^"]+)"\s*:\s*(?:"([^"]*)"|([-\d.]+))')
_POINTS = re.compile(r"\bDataPoints\s*=>\s*(-?[\d_]+)")
_HISTORY = re.compile(r"\bAlgorithmHistoryDataPoints\s*=>\s*(-?[\d_]+)")
_STATUS = re.compile(r"AlgorithmStatus\s+AlgorithmStatus\s*=>\s*AlgorithmStatus\.(\w+)")


@dataclass(frozen=True, slots=True)
class Expectation:
    """What LEAN publishes about one algorithm."""

    statistics: dict[str, str]
    order_hash: str | None
    points: int
    status: str = "Completed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one algorithm came out."""

    name: str
    equal: int = 0
    total: int = 0
    hash_equal: bool = False
    points: int = 0
    expected_points: int = 0
    seconds: float = 0.0
    error: str = ""
    wrong: list[str] = field(default_factory=list)

    @property
    def verdict(self) -> str:
        """One of equal, orders only, different, refused, failed."""
        if self.error:
            return "refused" if "engine does not " in self.error else "failed"
        if self.equal == self.total and self.hash_equal:
            return "equal"
        return "orders only" if self.hash_equal else "different"


def expectation(lean: Path, name: str) -> Expectation | None:
    """Read the published statistics, order hash, data points and final state from the C# twin."""
    twin = lean / "Algorithm.CSharp" / f"{name}.cs"
    if not twin.is_file():
        return None
    text = twin.read_text(encoding="utf-8-sig")
    _, found, tail = text.partition("ExpectedStatistics")
    statistics = dict(_PAIR.findall(tail.partition("};")[0]))
    if not found or not statistics:
        return None
    # a result counts the points of history() too
    found_points = (pattern.search(text) for pattern in (_POINTS, _HISTORY))
    counts = (int(m.group(1).replace("_", "")) for m in found_points if m is not None)
    status = _STATUS.search(text)
    return Expectation(
        statistics,
        statistics.pop(HASH, None),
        sum(max(0, count) for count in counts),
        status.group(1) if status else "Completed",
    )


def launcher_parameters(lean: Path) -> dict[str, str]:
    """Read the parameters that LEAN's own regression runs get: those of the launcher's settings."""
    path = lean / "Launcher" / "config.json"
    if not path.is_file():
        return {}
    block = re.search(r'"parameters"\s*:\s*\{(.*?)\}', path.read_text("utf-8-sig"), re.DOTALL)
    found = _PARAMETER.findall(block.group(1)) if block else []
    return {key: text or number for key, text, number in found if text or number}


def run_one(lean: Path, name: str, data: Path) -> Outcome:
    """Run one algorithm of the checkout and compare its statistics as strings."""
    from engine.run import run_backtest

    expected = expectation(lean, name)
    assert expected is not None
    total = len(expected.statistics)
    try:
        with tempfile.TemporaryDirectory() as store, contextlib.redirect_stdout(io.StringIO()):
            result = run_backtest(
                lean / "Algorithm.Python" / f"{name}.py",
                data,
                parameters=launcher_parameters(lean),
                object_store=Path(store),
                debug_mode=True,
            )
    except Exception as error:
        return Outcome(name, total=total, error=f"{type(error).__name__}: {error}")
    mine = result.statistics
    told = result.error
    if result.status == expected.status:
        told = ""  # a run-time error is what LEAN publishes for it
    elif not told:
        told = f"expected to end as {expected.status}, was {result.status}"
    hash_equal = expected.order_hash is None or mine.get(HASH) == expected.order_hash
    wrong = [
        f"{key}: LEAN {value}, engine {mine.get(key)}"
        for key, value in expected.statistics.items()
        if _plain(mine.get(key)) != _plain(value)
    ]
    equal = total - len(wrong)
    if not hash_equal:
        wrong.append(f"{HASH}: LEAN {expected.order_hash}, engine {mine.get(HASH)}")
    return Outcome(
        name,
        equal=equal,
        total=total,
        hash_equal=hash_equal,
        points=result.data_points,
        expected_points=expected.points,
        seconds=result.seconds,
        error=told,
        wrong=wrong,
    )


def _plain(value: str | None) -> str | None:
    return "0" if value == "-0" else value


def candidates(lean: Path) -> list[str]:
    """Return the Python algorithms that have a C# twin with published statistics."""
    names = sorted(p.stem for p in (lean / "Algorithm.Python").glob("*.py"))
    return [name for name in names if expectation(lean, name) is not None]


def run_apart(lean: Path, name: str, data: Path, limit: float) -> Outcome:
    """Run one algorithm in a process of its own, for at most ``limit`` seconds.

    It works where ``../../../Tests`` is that of the checkout, as in LEAN's own tests.
    """
    command = [sys.executable, str(Path(__file__).resolve()), str(lean.resolve()), name, "--json"]
    command += ["--data", str(data.resolve())]
    try:
        with tempfile.TemporaryDirectory() as root:
            place = Path(root, "Launcher", "bin", "Debug")
            place.mkdir(parents=True)
            Path(root, "Tests").symlink_to(lean.resolve() / "Tests", target_is_directory=True)
            done = subprocess.run(
                command, cwd=place, capture_output=True, text=True, timeout=limit, check=False
            )
    except subprocess.TimeoutExpired:
        return Outcome(name, error=f"expected to end within {limit:.0f} s, it was stopped")
    try:
        return Outcome(**json.loads(done.stdout.rpartition("\n@")[2]))
    except (ValueError, TypeError):
        last = (done.stderr.strip().splitlines() or ["nothing"])[-1]
        return Outcome(name, error=f"the process ended with {done.returncode}: {last}")


class Results:
    """Outcomes by name in one file, written whole after each run."""

    def __init__(self, file: Path | None) -> None:
        self.file = file
        self.known: dict[str, Outcome] = {}
        if file is not None and file.is_file():
            rows = json.loads(file.read_text(encoding="utf-8"))
            self.known = {name: Outcome(**row) for name, row in rows.items()}

    def keep(self, outcome: Outcome) -> None:
        self.known[outcome.name] = outcome
        if self.file is None:
            return
        self.file.parent.mkdir(parents=True, exist_ok=True)
        rows = {name: asdict(self.known[name]) for name in sorted(self.known)}
        partial = self.file.with_suffix(".partial")
        partial.write_text(json.dumps(rows, indent=1), encoding="utf-8")
        partial.replace(self.file)


def _line(done: Outcome, row: object) -> str:
    rate = done.points / done.seconds if done.seconds else 0.0
    return (
        f"{row!s:>3} {done.name:62} {done.equal:2}/{done.total:<2} "
        f"hash {'equal' if done.hash_equal else 'DIFF '} "
        f"points {done.points - done.expected_points:+6d} "
        f"{done.seconds:6.2f} s {rate:9,.0f}/s  {done.verdict}"
    )


def _options() -> argparse.Namespace:
    options = argparse.ArgumentParser(description="LEAN's own regression algorithms on the engine.")
    options.add_argument("lean", type=Path)
    options.add_argument("names", nargs="*")
    options.add_argument("--data", type=Path, help="default: the checkout's Data, else LEAN_DATA")
    options.add_argument("--all", action="store_true", help="every algorithm with a C# twin")
    options.add_argument("--only", default="", help="of those, the ones known to be: different,...")
    options.add_argument("--again", action="store_true", help="run what has a result already")
    options.add_argument("--results", type=Path, help=f"default with --all: {RESULTS.name}")
    options.add_argument("--page", type=Path, help="write a table of all results there")
    options.add_argument("--limit", type=float, default=300.0, help="seconds an algorithm")
    options.add_argument("--jobs", "-j", type=int, default=os.cpu_count() or 1)
    options.add_argument("--verbose", "-v", action="store_true")
    options.add_argument("--json", action="store_true", help=argparse.SUPPRESS)
    chosen = options.parse_intermixed_args()
    if chosen.data is None:
        own = chosen.lean / "Data"
        default = Path(os.environ.get("LEAN_DATA", "../shared/lean-data"))
        chosen.data = own if (own / "market-hours").is_dir() else default
    return chosen


def main() -> int:
    """Print the table; 0 when everything asked for is equal."""
    chosen = _options()
    if chosen.json:
        outcome = run_one(chosen.lean, chosen.names[0], chosen.data)
        print("\n@" + json.dumps(asdict(outcome)))
        return 0
    table = json.loads(TABLE.read_text())
    results = Results(chosen.results or (RESULTS if chosen.all else None))
    names = chosen.names or (candidates(chosen.lean) if chosen.all else list(table))
    if chosen.only:
        wanted = chosen.only.split(",")
        names = [n for n in names if n in results.known and results.known[n].verdict in wanted]
    elif not chosen.again and not chosen.names:
        names = [n for n in names if n not in results.known]
    counts: dict[str, int] = {}
    with ThreadPoolExecutor(chosen.jobs) as pool:
        runs = [pool.submit(run_apart, chosen.lean, n, chosen.data, chosen.limit) for n in names]
        for run in runs:
            done = run.result()
            results.keep(done)
            counts[done.verdict] = counts.get(done.verdict, 0) + 1
            print(_line(done, table.get(done.name, {}).get("row", "")), flush=True)
            if chosen.verbose:
                for line in [done.error] if done.error else done.wrong:
                    print(f"      {line}")
    print(", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items())))
    if chosen.page is not None:
        from tools.parity_page import page

        chosen.page.write_text(page(chosen.lean, results.known, chosen.data), encoding="utf-8")
    return 0 if set(counts) <= {"equal"} else 1


if __name__ == "__main__":
    sys.exit(main())
