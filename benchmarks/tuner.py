"""Time of one adjustment of the tuner: make bench-breakers."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from protection.circuit_breakers.ml_tuner import MLCircuitBreakerTuner

CALLS = 5_000
TARGET_MS = 1.0


def rows() -> list[str]:
    """Return one line per model: median and 99th percentile in milliseconds."""
    rng = np.random.default_rng(0)
    moves = 0.01 * rng.standard_t(4, 1_000)
    answer = []
    for model in ("har", "gat"):
        tuner = MLCircuitBreakerTuner("nyse", model=model)
        for move in moves:
            tuner.observe(float(move), latency_ms=20.0, imbalance=1.5)
        taken = np.empty(CALLS)
        for index in range(CALLS):
            market = {
                "exchange_latency": 20.0,
                "exchange_volume": 5000.0,
                "exchange_volatility": 0.01 + 0.001 * (index % 20),
                "regime_vix": 15.0 + index % 30,
            }
            began = time.perf_counter()
            tuner.adjust(market)
            taken[index] = time.perf_counter() - began
        median, high = 1000.0 * np.percentile(taken, [50, 99])
        verdict = "yes" if high <= TARGET_MS else "no"
        answer.append(f"{'tuner.adjust ' + model:<28}{median:>10.3f}{high:>10.3f}{verdict:>8}")
    return answer


def main() -> None:
    """Print the table."""
    print(f"{'':<28}{'median ms':>10}{'p99 ms':>10}{'<= 1 ms':>8}")
    print("\n".join(rows()))


if __name__ == "__main__":
    main()
