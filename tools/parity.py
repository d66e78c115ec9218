"""``make parity LEAN=DIR``: runs LEAN's own Python regression algorithms from a LEAN checkout,
unmodified.

usage: python tools/parity.py LEAN_CHECKOUT [NAME ...] [--data DIR] [--all] [-v]

The expectation is read from the C# twin of each algorithm (``Algorithm.CSharp/NAME.cs``,
``ExpectedStatistics``). Without names, the rows of the project's table are run; ``--all`` takes
every algorithm that has a twin.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import re
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

TABLE = ROOT / "tests" / "engine" / "parity" / "expectations.json"
_PAIR = re.compile(r'\{\s*"([^"]+)"\s*,\s*"([^"]*)"\s*\}')
_PARAMETER = re.compile(r'"([^"]+)"\s*:\s*(?:"([^"]*)"|([-\d.]+))')
_POINTS = re.compile(r"\bDataPoints\s*=>\s*(-?[\d_]+)")
_HISTORY = re.compile(r"\bAlgorithmHistoryDataPoints\s*=>\s*(-?[\d_]+)")


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
        if self.error:
            return "refused" if "engine does not implement" in self.error else "failed"
        if self.equal == self.total:
            return "equal"
        return "orders only" if self.hash_equal else "different"


def expectation(lean: Path, name: str) -> tuple[dict[str, str], int] | None:
    """Read the published statistics and data points from the C# twin."""
    twin = lean / "Algorithm.CSharp" / f"{name}.cs"
    if not twin.is_file():
        return None
    text = twin.read_text(encoding="utf-8-sig")
    head, found, tail = text.partition("ExpectedStatistics")
    if not found:
        return None
    # a result counts the points of history() too
    found_points = (pattern.search(head) for pattern in (_POINTS, _HISTORY))
    counts = (int(m.group(1).replace("_", "")) for m in found_points if m is not None)
    points = sum(max(0, count) for count in counts)
    return dict(_PAIR.findall(tail)), points


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
    statistics, points = expected
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
        return Outcome(name, total=len(statistics), error=f"{type(error).__name__}: {error}")
    wrong = [
        f"{key}: LEAN {value}, engine {result.statistics.get(key)}"
        for key, value in statistics.items()
        if _plain(result.statistics.get(key)) != _plain(value)
    ]
    return Outcome(
        name,
        equal=len(statistics) - len(wrong),
        total=len(statistics),
        hash_equal=result.statistics.get("OrderListHash") == statistics.get("OrderListHash"),
        points=result.data_points,
        expected_points=points,
        seconds=result.seconds,
        error=result.error,
        wrong=wrong,
    )


def _plain(value: str | None) -> str | None:
    return "0" if value == "-0" else value


def candidates(lean: Path) -> list[str]:
    """Return the Python algorithms that have a C# twin with published statistics."""
    names = sorted(p.stem for p in (lean / "Algorithm.Python").glob("*.py"))
    return [name for name in names if expectation(lean, name) is not None]


def main() -> int:
    """Print the table; 0 when everything asked for is equal."""
    options = argparse.ArgumentParser(description="LEAN's own regression algorithms on the engine.")
    options.add_argument("lean", type=Path)
    options.add_argument("names", nargs="*")
    options.add_argument(
        "--data", type=Path, default=Path(os.environ.get("LEAN_DATA", "../shared/lean-data"))
    )
    options.add_argument("--all", action="store_true")
    options.add_argument("--jobs", "-j", type=int, default=os.cpu_count() or 1)
    options.add_argument("--verbose", "-v", action="store_true")
    chosen = options.parse_args()
    table = json.loads(TABLE.read_text())
    names = chosen.names or (candidates(chosen.lean) if chosen.all else list(table))
    counts: dict[str, int] = {}
    with ProcessPoolExecutor(chosen.jobs, max_tasks_per_child=1) as pool:
        for done in pool.map(
            run_one, [chosen.lean] * len(names), names, [chosen.data] * len(names)
        ):
            counts[done.verdict] = counts.get(done.verdict, 0) + 1
            row = table.get(done.name, {}).get("row", "")
            rate = done.points / done.seconds if done.seconds else 0.0
            print(
                f"{row!s:>3} {done.name:62} {done.equal:2}/{done.total:<2} "
                f"hash {'equal' if done.hash_equal else 'DIFF '} "
                f"points {done.points - done.expected_points:+6d} "
                f"{done.seconds:6.2f} s {rate:9,.0f}/s  {done.verdict}",
                flush=True,
            )
            if chosen.verbose:
                for line in [done.error] if done.error else done.wrong:
                    print(f"      {line}")
    print(", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items())))
    return 0 if set(counts) <= {"equal"} else 1


if __name__ == "__main__":
    sys.exit(main())
