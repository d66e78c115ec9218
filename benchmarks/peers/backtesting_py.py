"""EMA cross on backtesting.py, in the peers' own environment: python backtesting_py.py BARS.csv"""

from __future__ import annotations

import sys
import time

import numpy as np
import pandas as pd
from backtesting import Backtest, Strategy


def ema(values: np.ndarray, period: int) -> np.ndarray:
    """Return the exponential average."""
    return pd.Series(values).ewm(span=period, adjust=False).mean().to_numpy()


class EmaCross(Strategy):
    """Long while the fast average is above the slow one."""

    def init(self) -> None:
        self.fast = self.I(ema, self.data.Close, 10)
        self.slow = self.I(ema, self.data.Close, 30)

    def next(self) -> None:
        if not self.position and self.fast[-1] > self.slow[-1] * 1.001:
            self.buy(size=0.99)
        elif self.position and self.fast[-1] < self.slow[-1]:
            self.position.close()


def main() -> None:
    """Print the processor seconds of the loop."""
    frame = pd.read_csv(sys.argv[1], parse_dates=["time"], index_col="time")
    frame.columns = ["Open", "High", "Low", "Close", "Volume"]
    started = time.process_time()
    Backtest(frame, EmaCross, cash=100_000, commission=0.0, finalize_trades=True).run()
    print(time.process_time() - started)


main()
