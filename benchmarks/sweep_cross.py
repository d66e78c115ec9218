"""A short run for sweeps: an EMA cross on a year of daily bars."""

from AlgorithmImports import *  # noqa: F403


class SweepCross(QCAlgorithm):  # noqa: F405
    """Holds SPY while a fast average is above a slow one."""

    def initialize(self):
        self.set_start_date(2013, 1, 1)
        self.set_end_date(2013, 12, 31)
        self.set_cash(100000)
        self.spy = self.add_equity("SPY", Resolution.DAILY).symbol  # noqa: F405
        self.fast = self.ema(self.spy, int(self.get_parameter("fast")))
        self.slow = self.ema(self.spy, int(self.get_parameter("slow")))

    def on_data(self, data):
        if not self.slow.is_ready:
            return
        if self.fast.current.value > self.slow.current.value:
            if not self.portfolio.invested:
                self.set_holdings(self.spy, 1)
        elif self.portfolio.invested:
            self.liquidate(self.spy)
