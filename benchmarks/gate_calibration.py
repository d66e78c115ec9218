"""False alarms and power of the model gate, simulated: the table of docs/concepts/gating.md.

    python benchmarks/gate_calibration.py --gates 2000

Every gate draws an anchor and a candidate of n rows each from the same law and asks for a verdict
at the default settings. ``significant`` counts gates whose overall chance is at most the
configured rate: this is what the null distribution promises. ``alarms`` counts gates with a check
both significant and over its limit: this is what stops a model. Power is counted the same way on
candidates that were changed.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from numpy.typing import NDArray

from protection.gating import Anchor, GateSettings, corridor

Array = NDArray[np.float64]
BURN = 300


def gaussian(rng: np.random.Generator, n: int, p: int) -> Array:
    """Independent standard normal."""
    return rng.standard_normal((n, p))


def student(rng: np.random.Generator, n: int, p: int) -> Array:
    """Multivariate t with 5 degrees of freedom and unit covariance."""
    return rng.standard_normal((n, p)) * np.sqrt(3.0 / rng.chisquare(5, (n, 1)))


def autoregressive(rng: np.random.Generator, n: int, p: int) -> Array:
    """AR(1) with coefficient 0.3 in every column."""
    noise = rng.standard_normal((n + BURN, p)) * math.sqrt(1 - 0.09)
    rows = np.zeros_like(noise)
    for t in range(1, len(noise)):
        rows[t] = 0.3 * rows[t - 1] + noise[t]
    return rows[BURN:]


def _garch(rng: np.random.Generator, n: int, p: int, common: bool) -> Array:
    noise = rng.standard_normal((n + BURN, p))
    rows, level = np.empty_like(noise), np.ones(p)
    for t in range(len(noise)):
        rows[t] = np.sqrt(level) * noise[t]
        square = rows[t] ** 2
        level = 0.05 + 0.10 * (square.mean() if common else square) + 0.85 * level
    return rows[BURN:]


def garch(rng: np.random.Generator, n: int, p: int) -> Array:
    """GARCH(1,1) with 0.10 and 0.85, each column its own."""
    return _garch(rng, n, p, False)


def garch_common(rng: np.random.Generator, n: int, p: int) -> Array:
    """GARCH(1,1) with 0.10 and 0.85, one variance for all columns."""
    return _garch(rng, n, p, True)


LAWS: dict[str, Callable[[np.random.Generator, int, int], Array]] = {
    "gaussian": gaussian,
    "t5": student,
    "ar": autoregressive,
    "garch": garch,
    "garch_common": garch_common,
}


def direction(rng: np.random.Generator, p: int) -> Array:
    """Uniform on the sphere."""
    vector = rng.standard_normal(p)
    return vector / np.linalg.norm(vector)


def shifted(size: float) -> Callable[[np.random.Generator, Array], Array]:
    """Mean moved by ``size`` standard deviations in a random direction."""
    return lambda rng, rows: rows + size * direction(rng, rows.shape[1])


def stretched(factor: float) -> Callable[[np.random.Generator, Array], Array]:
    """Variance times ``factor`` along one random direction."""

    def change(rng: np.random.Generator, rows: Array) -> Array:
        along = direction(rng, rows.shape[1])
        return rows + (math.sqrt(factor) - 1.0) * np.outer(rows @ along, along)

    return change


CHANGES: dict[str, Callable[[np.random.Generator, Array], Array]] = {
    "drift 0.5": shifted(0.5),
    "drift 0.75": shifted(0.75),
    "variance x1.5": stretched(1.5),
    "variance x2": stretched(2.0),
}


def measure(
    law: str, p: int, n: int, gates: int, seed: int, change: str | None = None
) -> tuple[float, float, float]:
    """Shares of gates that are significant and that alarm, and CPU seconds a gate."""
    settings = GateSettings()
    rng = np.random.default_rng([seed, p, n, list(LAWS).index(law), len(change or "")])
    significant = alarms = 0
    start = time.process_time()
    for gate in range(gates):
        anchor = Anchor(LAWS[law](rng, n, p))
        rows = LAWS[law](rng, n, p)
        if change is not None:
            rows = CHANGES[change](rng, rows)
        found = corridor(rows, anchor, settings, seed=gate)
        significant += found.overall <= settings.false_alarm
        alarms += any(check.alarm for check in found.checks)
    spent = (time.process_time() - start) / gates
    return significant / gates, alarms / gates, spent


def main(arguments: list[str] | None = None) -> int:
    """Print one line a cell as it is done; the status says whether every cell holds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gates", type=int, default=2000, help="simulated gates a cell")
    parser.add_argument("--power", type=int, default=100, help="gates a change; 0 for none")
    parser.add_argument("--laws", default=",".join(LAWS))
    parser.add_argument("--columns", default="2,5,10,20")
    parser.add_argument("--rows", default="250,1000")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args(arguments)
    rate = GateSettings().false_alarm
    noise = math.sqrt(rate * (1 - rate) / chosen.gates)
    print(f"configured rate {rate:.3f}; one standard error at {chosen.gates} gates {noise:.4f}")
    print("law          |  p |    n | significant | alarms | ms/gate | " + " | ".join(CHANGES))
    outside = 0
    for n in map(int, chosen.rows.split(",")):
        for law in chosen.laws.split(","):
            for p in map(int, chosen.columns.split(",")):
                found, alarms, spent = measure(law, p, n, chosen.gates, chosen.seed)
                mark = " " if abs(found / rate - 1.0) <= 0.2 + 1e-9 else "*"
                outside += mark == "*"
                powers = [
                    f"{measure(law, p, n, chosen.power, chosen.seed, change)[1]:6.0%}"
                    for change in (CHANGES if chosen.power else ())
                ]
                print(
                    f"{law:12} | {p:2} | {n:4} |     {found:.4f}{mark} | {alarms:.4f} | "
                    f"{spent * 1e3:7.1f} | " + " | ".join(powers),
                    flush=True,
                )
    print(f"{outside} cells outside 20% of the configured rate (*)")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
