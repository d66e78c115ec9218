"""EMA cross on bt, in the peers' own environment: python bt_py.py BARS.csv

bt has no loop of the user's own over indicators: the crossing is computed beforehand with pandas,
and its strategy rebalances to the target weights at every bar on which they change.
"""

from __future__ import annotations

import sys
import time

import bt
import numpy as np
import pandas as pd


def held(close: pd.Series) -> pd.Series:
    """Return 1 while the position is held, 0 elsewhere."""
    fast = close.ewm(span=10, adjust=False).mean().to_numpy()
    slow = close.ewm(span=30, adjust=False).mean().to_numpy()
    state, states = 0, np.zeros(len(close))
    for row in range(len(close)):
        if not state and fast[row] > slow[row] * 1.001:
            state = 1
        elif state and fast[row] < slow[row]:
            state = 0
        states[row] = state
    return pd.Series(states, index=close.index)


def main() -> None:
    """Print the processor seconds of the loop, indicators included."""
    frame = pd.read_csv(sys.argv[1], parse_dates=["time"], index_col="time")
    close = frame[["close"]].rename(columns={"close": "spy"})
    started = time.process_time()
    weights = held(close["spy"])
    changes = weights[weights.diff().fillna(weights) != 0]
    algos = [
        bt.algos.RunOnDate(*changes.index),
        bt.algos.WeighTarget(changes.to_frame("spy")),
        bt.algos.Rebalance(),
    ]
    bt.Backtest(
        bt.Strategy("ema cross", algos), close, initial_capital=100_000.0, progress_bar=False
    ).run()
    print(time.process_time() - started)


main()
