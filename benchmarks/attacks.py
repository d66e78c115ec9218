"""What each adversary achieves against each layer: the table of docs/concepts/attacks.md.

    python benchmarks/attacks.py

The same attack on the sample mean and covariance (``none``), on Ledoit-Wolf and on the minimum
covariance determinant of scikit-learn, and after each layer of the defence. Every figure is the
change against the same estimator on the honest messages.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from protection.attacks import (
    AdaptiveInsider,
    DelayedLabels,
    Forgery,
    OffsetPoisoning,
    QuoteStuffing,
    Replay,
    SlowDrip,
    Spoofing,
    StaleFeed,
    SybilSources,
    TimestampGames,
    VariancePoisoning,
    WashTrading,
    World,
    measure_impact,
    search_influence,
)
from protection.estimation import StreamingMoments

ATTACKS = [
    ("samples", "offset poisoning, 1,000 at 2.0", OffsetPoisoning()),
    ("samples", "variance poisoning x3", VariancePoisoning()),
    ("samples", "slow drip to 0.5", SlowDrip()),
    ("samples", "adaptive insider", AdaptiveInsider()),
    ("samples", "20 Sybil sources", SybilSources()),
    ("samples", "forged names", Forgery()),
    ("samples", "replay", Replay()),
    ("samples", "delayed labels", DelayedLabels()),
    ("samples", "stale feed", StaleFeed()),
    ("samples", "stale feed, new times", StaleFeed(lying=True)),
    ("samples", "timestamp games", TimestampGames()),
    ("trades", "wash trading 0.05", WashTrading()),
    ("quotes", "spoofing", Spoofing()),
    ("quotes", "quote stuffing", QuoteStuffing(burst=50)),
]


def main(arguments: list[str] | None = None) -> int:
    """Print one line an attack and estimator."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tries", type=int, default=10_000, help="tries of the search")
    chosen = parser.parse_args(arguments)
    head = f"{'attack':32} {'estimator':12} {'mean, s.e.':>10} {'cov':>7} {'weights':>8} {'P&L':>8}"
    print(head)
    for kind, name, adversary in ATTACKS:
        sizes = {} if kind == "samples" else {"periods": 300, "columns": 3}
        report = measure_impact(World(seed=chosen.seed, kind=kind, **sizes), adversary)
        for impact in (*report.peers, *report.layers):
            print(
                f"{name:32} {impact.name:12} {impact.mean:10.3f} {impact.covariance:7.3f} "
                f"{impact.weights:8.2%} {impact.pnl:8.2%}",
                flush=True,
            )
    rng = np.random.default_rng(3)
    found = search_influence(
        lambda: StreamingMoments(np.zeros(3), np.eye(3), max_share=0.15, half_life=30.0),
        rng.standard_normal((90, 3)),
        [f"s{k % 9}" for k in range(90)],
        tries=chosen.tries,
    )
    print(
        f"search of {found.tries} tries: largest move over its bound: location "
        f"{found.location:.5f}, covariance {found.covariance:.5f}"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
