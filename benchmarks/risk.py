"""Speed of the risk rooms beside their peers, measured in one process: make bench-risk.

Each part is a module of this folder with a function ``rows() -> list[Row]``.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

PARTS = ("risk_tails", "risk_portfolio")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table.

    Attributes
    ----------
    what : subject
    ours, peer : seconds; peer None where only the time itself is the target
    peer_name : what was run beside it
    target : least ratio peer / ours, or most seconds when there is no peer
    note : sizes, agreement of the answers
    """

    what: str
    ours: float
    peer: float | None
    peer_name: str
    target: float
    note: str = ""

    @property
    def held(self) -> bool:
        """Whether the target holds."""
        if self.peer is None:
            return self.ours <= self.target
        return self.peer / self.ours >= self.target


def best(function: Callable[[], Any], *, repeats: int = 5, number: int = 1) -> float:
    """Least CPU seconds of one call, after one call to compile and warm caches."""
    function()
    found = []
    for _ in range(repeats):
        start = time.process_time()
        for _ in range(number):
            function()
        found.append((time.process_time() - start) / number)
    return min(found)


def quantiles(function: Callable[[], Any], calls: int = 5000) -> tuple[float, float]:
    """Median and 99% quantile of single calls, wall seconds."""
    for _ in range(200):
        function()
    times = []
    for _ in range(calls):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return statistics.median(times), sorted(times)[int(0.99 * calls)]


def readable(seconds: float) -> str:
    """Seconds with a unit."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"


def table(rows: list[Row]) -> str:
    """Rows as a Markdown table."""
    lines = [
        "| what | ours | peer | ratio | target | held | note |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        if row.peer is None:
            peer, ratio, target = "-", "-", f"<= {readable(row.target)}"
        else:
            peer = f"{readable(row.peer)} {row.peer_name}"
            ratio, target = f"{row.peer / row.ours:.1f}x", f">= {row.target:g}x"
        held = "yes" if row.held else "NO"
        lines.append(
            f"| {row.what} | {readable(row.ours)} | {peer} | {ratio} | {target} | {held} "
            f"| {row.note} |"
        )
    return "\n".join(lines)


def main() -> int:
    """Run the parts and print one table each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parts", nargs="*", default=list(PARTS), choices=PARTS)
    args = parser.parse_args()
    for part in args.parts:
        name = f"benchmarks.{part}"
        if importlib.util.find_spec(name) is None:
            continue
        rows: list[Row] = importlib.import_module(name).rows()
        print(f"\n## {part}\n\n{table(rows)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
